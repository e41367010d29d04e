import ArgumentParser
import Diagnostics
import Evaluator
import Kernel
import Scenarios
import Snapshots
import XTables

/// The kernel's state outside the rules that matches query, and the time, chance and queues of a run.
struct WorldOptions: ParsableArguments {
  @Option(help: "The IP sets for -m set and -j SET: a file with the output of `ipset save'.", completion: .file())
  var ipset: String?

  @Option(help: "The OS fingerprints for -m osf: a pf.os file, as for `nfnl_osf -f'.", completion: .file())
  var fingerprints: String?

  @Option(help: "The time at which the run starts: 2024-01-31T09:30:00Z, or seconds since 1970.")
  var clock: String?

  @Option(
    help: ArgumentHelp(
      "The verdict of the program that listens to an NFQUEUE queue: accept, drop, hold, repeat or queue:N; none if no program listens. The option can be repeated.",
      valueName: "number=verdict"))
  var queue: [String] = []

  @Option(
    help: ArgumentHelp(
      "How long before the start of a second a tick of the kernel's clock (4 ms) began: connlimit and hashlimit act once per tick.",
      valueName: "seconds"))
  var tickPhase: Double?

  @Option(help: "Draw random numbers from this seed. Without it, a verdict that depends on chance is unknown.")
  var seed: UInt64?

  /// The stated time in nanoseconds since 1970; nil if none was stated.
  func start() throws -> UInt64? {
    guard let clock else { return nil }
    let seconds = ClockTime(clock).map { Double($0.secondsSince1970) } ?? Double(clock) ?? -1
    guard seconds >= 0, seconds < 1e10 else {
      throw CommandFailure("--clock \(clock): this is not a time; write 2024-01-31T09:30:00Z, or seconds since 1970")
    }
    return UInt64(seconds * 1e9)
  }

  /// Sets the listeners of queues, and regards everything that was not stated as unknown.
  ///
  /// - Parameter machine: the machine of --host or --this-host, if there is one.
  func settle(_ simulator: Simulator, _ machine: SnapshotFile?, knowsClock: Bool) throws {
    for text in queue {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let number = UInt16(parts[0]), let statement = QueueStatement(String(parts[1])) else {
        throw CommandFailure("--queue \(text): write NUMBER=VERDICT, such as 0=accept or 5=none")
      }
      simulator.state(statement, ofQueue: number)
    }
    if machine?.statesQueues != true { simulator.host.missing.insert(.queueListeners) }
    if !knowsClock { simulator.host.missing.insert(.clock) }
    if let tickPhase {
      guard (0..<1).contains(tickPhase) else { throw CommandFailure("--tick-phase \(tickPhase): write seconds, from 0 to below 1") }
      simulator.world.tickPhase = UInt64(tickPhase * 1e9)
    }
    if seed == nil { simulator.host.missing.insert(.chance) }
    simulator.regardAbsentRulesAsUnknown(except: machine?.familiesWithoutRules ?? [])
  }

  /// - Parameter now: the run's clock in nanoseconds; the remaining timeouts of elements start then.
  func sets(now: UInt64, _ cache: InputCache) throws -> AddressSets? {
    try ipset.map { try SetOptions.sets(try cache.source($0, upTo: Limits.addressSetBytes), now: now) }
  }

  func enterFingerprints(into simulator: Simulator, _ cache: InputCache) throws {
    guard let fingerprints else { return }
    let text = String(decoding: try cache.source(fingerprints, upTo: Limits.documentBytes).bytes, as: UTF8.self)
    do throws(OSFingerprintError) {
      simulator.world.fingerprints = try OSFingerprints(text: text)
    } catch {
      throw CommandFailure("\(RulesetInput.name(of: fingerprints)):\(error.line): \(error.reason)")
    }
  }
}
