import ArgumentParser
import Diagnostics
import Evaluator
import Kernel
import XTables

/// The kernel's state outside the rules that matches query.
struct WorldOptions: ParsableArguments {
  @Option(help: "The IP sets for -m set and -j SET: a file with the output of `ipset save'.", completion: .file())
  var ipset: String?

  @Option(help: "The OS fingerprints for -m osf: a pf.os file, as for `nfnl_osf -f'.", completion: .file())
  var fingerprints: String?

  /// - Parameter now: the run's clock in nanoseconds; the remaining timeouts of elements start then.
  func sets(now: UInt64) throws -> AddressSets? {
    guard let ipset else { return nil }
    let text = try HostFile.read(ipset, upTo: Limits.addressSetBytes)
    do throws(AddressSetError) {
      return try AddressSets(saved: text, now: now, names: .system)
    } catch {
      throw CommandFailure("\(RulesetInput.name(of: ipset)):\(error.line): \(error.reason)")
    }
  }

  func enterFingerprints(into simulator: Simulator) throws {
    guard let fingerprints else { return }
    let text = try HostFile.read(fingerprints, upTo: Limits.documentBytes)
    do throws(OSFingerprintError) {
      simulator.world.fingerprints = try OSFingerprints(text: text)
    } catch {
      throw CommandFailure("\(RulesetInput.name(of: fingerprints)):\(error.line): \(error.reason)")
    }
  }
}
