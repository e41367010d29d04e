import ArgumentParser
import Diagnostics
import Evaluator
import Kernel
import XTables

/// The kernel's state outside the rules that matches query.
struct WorldOptions: ParsableArguments {
  @Option(help: "The sets of -m set and -j SET: what `ipset save' printed.", completion: .file())
  var ipset: String?

  @Option(help: "What -m osf knows: a pf.os, as `nfnl_osf -f' takes it.", completion: .file())
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
