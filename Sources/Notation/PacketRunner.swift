public import Evaluator
import Netfilter
public import Wire
import XTables

/// Plays packets in a simulator in order, and tracks the sequence numbers of their flows.
public struct PacketRunner {
  /// The simulator that packets pass.
  public let simulator: Simulator
  private var progress = TCPProgress()

  /// Creates a runner; no flow has been seen yet.
  public init(_ simulator: Simulator) { self.simulator = simulator }

  /// Plays a step of packet notation. Returns nil for a step in which only time passes.
  ///
  /// - Throws: `PacketFields.BuildError` if the fields do not form a packet.
  public mutating func play(_ step: ScenarioStep) throws(PacketFields.BuildError) -> PathReport? {
    simulator.advance(nanoseconds: UInt64(clamping: Int64(min(step.sleep, 1e9) * 1e9)))
    switch step.action {
    case .receive(let frame):
      let packet = try frame.packet.packet(after: progress)
      return receive(packet, on: frame.interface, from: frame.source, to: frame.destination)
    case .local(let sender, let spec):
      let packet = try spec.packet(after: progress)
      progress.see(packet)
      let facts = SocketFacts(sender)
      return note(
        simulator.send(
          packet,
          by: LocalSender(
            facts: facts, device: sender.device, priority: sender.priority ?? 0, mayBroadcast: sender.mayBroadcast)))
    case .send, .close, .snapshot, .load, .flush, .configure, .wait: return nil
    }
  }

  /// Receives a packet. By default, the frame's destination is the interface's own address.
  public mutating func receive(
    _ packet: Packet, on interface: String, from source: [UInt8]? = nil, to destination: [UInt8]? = nil
  ) -> PathReport {
    var packet = packet
    if packet.link == nil || source != nil || destination != nil {
      let own = simulator.host.device(named: interface)?.hardwareAddress ?? MACAddress(rawValue: 0)
      packet.link = LinkHeader(
        source: MACAddress(source ?? ScenarioStep.Frame.defaultSource) ?? own,
        destination: destination.flatMap { MACAddress($0) } ?? own, etherType: packet.family == .ipv6 ? 0x86DD : 0x0800)
    }
    progress.see(packet)
    return note(simulator.receive(packet, on: interface))
  }

  private mutating func note(_ report: PathReport) -> PathReport {
    for departure in report.departures { progress.see(departure.packet) }
    return report
  }
}

extension VerdictPattern {
  /// True if the packet's verdict matches the pattern.
  public func holds(for report: PathReport) -> Bool {
    switch (kind, report.verdict) {
    case (.accept, .sent), (.accept, .delivered), (.local, .delivered): true
    case (.sent, .sent(let output)): detail == nil || detail == output
    case (.drop, .dropped(let hook, _, _)): detail == nil || detail == hook.name
    case (.reject, .dropped(let hook, _, _)):
      (detail == nil || detail == hook.name) && report.packets.contains { $0.origin == .host }
    case (.queue, .queued(let number, _)): detail == nil || detail == String(number)
    case (.lost, .lost), (.absorbed, .absorbed), (.refused, .refused), (.unknown, .unknown): true
    default: false
    }
  }
}
