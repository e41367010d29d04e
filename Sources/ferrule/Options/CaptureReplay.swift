import Conntrack
import Diagnostics
import Evaluator
import Kernel
import Notation
import Suites
import Syntax
import SystemNames
import Wire
import XTables

/// Replays captures, and compares the frames that the host sent then with those that the engine sends.
struct CaptureReplay {
  let captures: CaptureInput
  /// True to compare. Frames of the host itself that the engine does not send for other packets are then sent as local packets.
  let compares: Bool
  private(set) var directions = DirectionCheck()
  private(set) var comparison = CaptureComparison()
  /// The number of frames that the host sent itself and that were not replayed.
  private(set) var skipped = 0

  init(_ captures: CaptureInput, compares: Bool) {
    self.captures = captures
    self.compares = compares
  }

  /// Plays all frames. No step that continues one of their flows may be played after them.
  ///
  /// - Parameter body: is called with each packet's title, the packet and the report.
  mutating func play(_ runner: inout PacketRunner, _ body: (() -> String, Packet, PathReport) throws -> Void) throws {
    runner.followsFlows = false
    let host = runner.simulator.host
    let captures = captures
    let own = Set(host.devices.flatMap(\.addresses).map(\.address))
    let interfaces = Set(captures.interfaces)
    let hops = [host.sysctls["net.ipv4.ip_default_ttl"] ?? 64, host.sysctls["net.ipv6.conf.default.hop_limit"] ?? 64, 255, 1]
    try captures.each(on: host) { frame in
      let meanwhile = runner.advance(nanoseconds: frame.passed)
      let isSent = frame.isOutgoing || compares && comparison.isPredicted(frame.packet, on: frame.interface)
      if compares { comparison.expect(meanwhile, on: interfaces, for: "a timer") }
      let report: PathReport
      var place = frame.interface
      if isSent {
        guard compares else {
          skipped += 1
          return
        }
        // A forwarded packet with an address of the host has been translated, and has lost a hop.
        let isLocal =
          frame.packet.source.map { own.contains($0) } == true && frame.packet.ttl.map { hops.contains(Int($0)) } == true
          && !comparison.isPredicted(frame.packet, on: frame.interface)
        guard isLocal else {
          _ = comparison.see(frame.packet, on: frame.interface, number: frame.number)
          return
        }
        place = "local"
        report = runner.sendCaptured(frame.packet)
      } else {
        report = runner.receiveCaptured(frame.packet, on: frame.interface)
      }
      directions.note(frame.packet, report)
      let title = { [place, packet = frame.packet] in "\(place) \(packet.brief)" }
      if compares { comparison.expect(report, on: interfaces, for: title()) }
      if isSent { _ = comparison.see(frame.packet, on: frame.interface, number: frame.number) }
      try body(title, frame.packet, report)
    }
  }

  /// What carried the packets of the captures.
  struct Carried {
    /// The host; nil if there were several.
    var simulator: Simulator?
    /// The connections at the end, if there were several.
    var connections: [ConnectionSnapshot] = []
  }

  /// Plays all frames as ``play(_:_:)`` does without comparison, and prints them without recording their paths.
  ///
  /// - Parameters:
  ///   - runner: its simulator is used for nothing afterwards.
  ///   - obstacle: why one job has to do it; nil if nothing but rules, host and packets may require that.
  ///   - another: makes a simulator in the state of the runner's.
  mutating func carry(
    _ runner: PacketRunner, _ expected: VerdictPattern?, _ printer: inout RunPrinter, jobs: Int, obstacle: String?,
    another: () throws -> Simulator
  ) throws -> Carried {
    do {
      let record = printer.record(expected)
      guard jobs > 1 else { return try carry(try lane(runner, record), &printer) }
      if let reason = obstacle ?? tie(of: runner.simulator) {
        complain(ofOneJob: jobs, because: reason)
        return try carry(try lane(runner, record), &printer)
      }
      let lanes = try FlowShare.shares(jobs).map { share in
        try lane(share.number == 0 ? runner : PacketRunner(another(), assumesDefaults: false), record, share)
      }
      let all = ReplayJobs(lanes)
      switch try all.run({ try printer.write(lines: &$0) }) {
      case .complete:
        adopt(all.finish(), skipped: all.skipped, &printer)
        return Carried(simulator: nil, connections: all.connections)
      case .tied(let reason, let frames):
        complain(ofOneJob: jobs, because: reason)
        let single = try lane(PacketRunner(another(), assumesDefaults: false), record)
        try single.repeatSilently(upTo: frames)
        return try carry(single, &printer)
      }
    } catch ReplayError.noInterface(let name) {
      throw CommandFailure("the host has no interface \(name)")
    }
  }

  private func lane(
    _ runner: PacketRunner, _ record: CarriageRecord, _ share: FlowShare = .all
  ) throws -> ReplayLane {
    ReplayLane(runner, try captures.frames(on: runner.simulator.host), record, share: share)
  }

  private func tie(of simulator: Simulator) -> String? {
    if !captures.isRepeatable { return "a capture is not a regular file, and can be read only once" }
    let ties = simulator.flowTies()
    return ties.first.map { ties.count > 1 ? "\($0), and there \(ties.count == 2 ? "is" : "are") \(ties.count - 1) more such" : $0 }
  }

  private mutating func carry(_ lane: ReplayLane, _ printer: inout RunPrinter) throws -> Carried {
    while !lane.isOver {
      let end = lane.position + (printer.style.isGathered ? 256 : 1)
      let played = Result { try lane.carry(upTo: end) }
      // After an error the results before it are still written.
      try printer.write(linesOf: lane)
      try played.get()
    }
    adopt(lane.finish(), skipped: lane.skipped, &printer)
    return Carried(simulator: lane.simulator)
  }

  private mutating func adopt(_ record: CarriageRecord, skipped count: Int, _ printer: inout RunPrinter) {
    directions = record.directions
    skipped += count
    printer.adopt(record)
  }

  /// True if the host has all interfaces of the captures, so that their packets can be carried.
  func canBeCarried(through host: Host) -> Bool { captures.interfaces.allSatisfy { host.interface(named: $0) != nil } }

  /// Compares with listings that were made after the packets: `iptables-save -c` and `conntrack -L`, told apart by their content.
  mutating func compare(with listings: [SourceFile], _ simulator: Simulator, _ rulesets: [ScenarioRuleset], _ families: FamilyOptions)
    throws
  {
    for file in listings {
      switch PrintedText(file.bytes) {
      case .ruleset:
        let parsed = RulesetInput.parser(file.name, families, for: .reading).parse(file)
        let family = parsed.ruleset.family
        guard let engine = simulator.rulesets().first(where: { $0.family == family }) else { continue }
        comparison.compare(counters: parsed.ruleset, since: rulesets.first { $0.family == family }?.ruleset, with: engine)
      case .connections:
        let listing = ConnectionListing(file.bytes, label: NameDatabase.system.connectionLabel)
        if let error = listing.errors.first { throw CommandFailure("\(file.name): \(error.message)") }
        comparison.compare(connections: listing.entries.map(\.connection), with: simulator.connections())
      default: throw CommandFailure("--compare-with \(file.name): give what `iptables-save -c' or `conntrack -L' printed")
      }
    }
  }

  mutating func markTiming(notIn other: CaptureComparison) { comparison.markTiming(notIn: other) }

  /// Tells why packets are not carried in several threads.
  func complain(ofOneJob jobs: Int, because reason: String) {
    Console.complain("--jobs \(jobs): one thread carries all packets, because \(reason)")
  }

  /// Tells what makes the result doubtful.
  func complain() {
    if skipped > 0 {
      Console.complain(
        "\(skipped) frames were sent by the host itself and are not replayed; --compare holds them against what Ferrule sends")
    }
    let count = directions.oneSided
    if count > 0 {
      Console.complain(
        """
        the captures have only one direction of \(count) TCP connection\(count == 1 ? "" : "s"), which connection tracking cannot follow: \
        their packets are INVALID. Add the capture of the other interface with --pcap INTERFACE=FILE
        """)
    }
  }
}
