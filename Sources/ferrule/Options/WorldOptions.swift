import ArgumentParser
import Diagnostics
import Evaluator
import Kernel
import XTables

/// What the kernel keeps beside the rules, for matches to ask.
struct WorldOptions: ParsableArguments {
  @Option(help: "The sets of -m set and -j SET: what `ipset save' printed.", completion: .file())
  var ipset: String?

  @Option(help: "What -m osf knows: a pf.os, as `nfnl_osf -f' takes it.", completion: .file())
  var fingerprints: String?

  /// - Parameter now: nanoseconds on the clock of the run, by which the remaining times of elements are understood.
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
