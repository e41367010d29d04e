public import Evaluator
import Netfilter
public import Wire
public import XTables

/// Plays steps in a simulator in order, and tracks the sequence numbers of their flows. Tests, the lab's protocol and `run` all use it.
public struct PacketRunner {
  /// The simulator that packets pass.
  public let simulator: Simulator
  /// True if omitted details of senders and frames have the defaults of a scenario: root, and ``ScenarioStep/Frame/defaultSource``. If
  /// false, they are unknown.
  public let assumesDefaults: Bool
  /// False if no later step continues the flow of an earlier packet. Sequence numbers are then not tracked.
  public var followsFlows = true
  private var progress = TCPProgress()

  /// A packet or socket event of a step, and what it caused.
  public struct Played {
    /// The packet as it was given to the host; nil for an action at an open socket.
    public let packet: Packet?
    /// What it caused.
    public let report: PathReport
  }

  /// Creates a runner; no flow has been seen yet.
  public init(_ simulator: Simulator, assumesDefaults: Bool = true) {
    self.simulator = simulator
    self.assumesDefaults = assumesDefaults
  }

  /// Plays a step of packet notation. Returns nil for a step in which only time passes.
  ///
  /// - Throws: `PacketFields.BuildError` if the fields do not form a packet.
  public mutating func play(_ step: ScenarioStep) throws(PacketFields.BuildError) -> PathReport? {
    _ = advance(nanoseconds: UInt64(clamping: Int64(min(step.sleep, 1e9) * 1e9)))
    return try act(step.action)?.report
  }

  /// Lets time pass. Returns what the host does when timers expire.
  public mutating func advance(nanoseconds: UInt64) -> PathReport { note(simulator.advance(nanoseconds: nanoseconds)) }

  /// Plays an action with a packet or at a socket. Returns nil for actions that change the host or only wait; they are not played.
  ///
  /// - Throws: `PacketFields.BuildError` if the fields do not form a packet.
  public mutating func act(_ action: ScenarioStep.Action) throws(PacketFields.BuildError) -> Played? {
    switch action {
    case .receive(let frame):
      var packet = try frame.packet.packet(after: progress)
      packet.link = link(of: packet, on: frame.interface, from: frame.source, to: frame.destination, etherType: frame.etherType)
      return Played(packet: packet, report: receive(packet, on: frame.interface))
    case .local(let sender, let spec):
      let packet = try spec.packet(after: progress)
      if sender.way == .raw { progress.see(packet) }
      return Played(packet: packet, report: note(send(packet, sender)))
    case .send(let socket, let payload): return Played(packet: nil, report: note(simulator.write(payload, to: socket)))
    case .close(let socket, let fin): return Played(packet: nil, report: note(simulator.close(socket, abortively: !fin)))
    case .snapshot, .load, .flush, .configure, .wait: return nil
    }
  }

  /// Receives a packet. A packet without a link-layer header gets one for the interface's own address.
  public mutating func receive(_ packet: Packet, on interface: String) -> PathReport {
    var packet = packet
    complete(&packet, at: port(named: interface))
    if followsFlows { progress.see(packet) }
    return note(simulator.receive(packet, on: interface))
  }

  /// An interface at which packets arrive, as the host has it. Valid until the host changes.
  public struct Port {
    /// The interface; nil if the host has none of this name.
    public let interface: Interface?
    fileprivate let name: String
    fileprivate let mtu: Int
    fileprivate let hardwareAddress: MACAddress?
    fileprivate let isHardwareAddressStated: Bool
  }

  /// Looks up an interface, once for many packets.
  public func port(named name: String) -> Port {
    let device = simulator.host.device(named: name)
    return Port(
      interface: device?.interface, name: name, mtu: device?.mtu ?? 1500, hardwareAddress: device?.hardwareAddress,
      isHardwareAddressStated: device?.isHardwareAddressStated ?? true)
  }

  /// Gives a received packet the link-layer header, or the part of it, that it lacks.
  private func complete(_ packet: inout Packet, at port: Port) {
    if packet.link == nil { packet.link = link(of: packet, on: port.name) }
    // A cooked capture does not record the destination, but for whom the frame was.
    if packet.link?.destination == MACAddress(rawValue: 0), let destination = destination(for: packet.type, at: port) {
      packet.link?.destination = destination
    }
    // The host of a capture received its unicast frames: they are addressed to the interface if its address is not known.
    if !assumesDefaults, packet.link?.destination.isMulticast == false, !port.isHardwareAddressStated, let own = port.hardwareAddress {
      packet.link?.destination = own
    }
  }

  /// The destination address of a frame of a packet type; nil for one that is for another host.
  private func destination(for type: PacketType, at port: Port) -> MACAddress? {
    switch type {
    case .host: port.hardwareAddress
    case .broadcast: .broadcast
    case .multicast: MACAddress(rawValue: 0x0100_5E00_0000)
    default: nil
    }
  }

  private func link(
    of packet: Packet, on interface: String, from source: [UInt8]? = nil, to destination: [UInt8]? = nil, etherType: UInt16? = nil
  ) -> LinkHeader {
    let own = simulator.host.device(named: interface)?.hardwareAddress ?? MACAddress(rawValue: 0)
    var link = LinkHeader(
      source: source.flatMap { MACAddress($0) } ?? MACAddress(ScenarioStep.Frame.defaultSource) ?? own,
      destination: destination.flatMap { MACAddress($0) } ?? own,
      etherType: etherType ?? (packet.family == .ipv6 ? 0x86DD : 0x0800))
    link.isSourceStated = source != nil || assumesDefaults
    link.isDestinationStated = destination != nil || assumesDefaults
    return link
  }

  /// Sends a packet that was captured when a process of the host sent it. Nothing is known of the process. The packet stays as the kernel made it:
  /// it may be longer than the MTU (GSO), and its identification may be 0.
  public mutating func sendCaptured(_ packet: Packet) -> PathReport {
    if followsFlows { progress.see(packet) }
    var packet = packet
    packet.joinsSegments = packet.mayJoinSegments
    return note(send(packet, ScenarioStep.LocalSender(), isCaptured: true))
  }

  /// Receives a captured packet. One that is longer than the MTU of its interface has several segments, which the network card joined (GRO).
  public mutating func receiveCaptured(_ packet: Packet, on interface: String) -> PathReport {
    var packet = packet
    joinSegments(of: &packet, at: port(named: interface))
    return receive(packet, on: interface)
  }

  /// Receives a captured packet as ``receiveCaptured(_:on:)`` does, and changes it in place without a record of its path. Nil, without
  /// effect, if the host has no such interface. Flows are not followed.
  ///
  /// - Parameter hits: replaced by what the packet hits, unless it repeats the way of an earlier one.
  public func passCaptured(_ packet: inout Packet, at port: Port, noting hits: inout HitLog) -> Passage? {
    guard let interface = port.interface else { return nil }
    joinSegments(of: &packet, at: port)
    complete(&packet, at: port)
    return simulator.pass(&packet, on: interface, noting: &hits)
  }

  private func joinSegments(of packet: inout Packet, at port: Port) {
    packet.joinsSegments = packet.count > port.mtu && packet.mayJoinSegments
  }

  private func send(_ packet: Packet, _ sender: ScenarioStep.LocalSender, isCaptured: Bool = false) -> PathReport {
    var facts = SocketFacts(sender)
    if !assumesDefaults {
      facts.cgroupClass = sender.classID
      for fact in [HostFact.user, .group] where !sender.stated.contains(fact) { facts.missing.insert(fact) }
    }
    var local = LocalSender(
      facts: facts, device: sender.device, priority: sender.priority ?? 0, mayBroadcast: sender.mayBroadcast)
    local.hasOwnHeader = !isCaptured
    switch sender.way {
    case .raw: return simulator.send(packet, by: local)
    case .udp, .tcp, .ping: return simulator.sendThroughSocket(packet, by: local, named: sender.name)
    }
  }

  private mutating func note(_ report: PathReport) -> PathReport {
    if followsFlows { for departure in report.observableDepartures { progress.see(departure.packet) } }
    return report
  }
}

extension PathReport {
  /// True if the host made a packet.
  public var isAnswered: Bool { packets.contains { $0.origin == .host } }

  /// Frames grouped by interface in the order in which they left. The order between interfaces is not observable, so the order of the packets
  /// is used.
  public var observableDepartures: [Departure] {
    guard departures.count > 1 else { return departures }
    var waiting = Dictionary(grouping: departures, by: \.interface).mapValues { $0[...] }
    let byPacket = departures.enumerated().sorted { ($0.element.report, $0.offset) < ($1.element.report, $1.offset) }
    return byPacket.compactMap { waiting[$0.element.interface]?.popFirst() }
  }
}

extension VerdictPattern {
  /// True if the packet's verdict matches the pattern.
  public func holds(for report: PathReport) -> Bool { holds(for: report.verdict, isAnswered: report.isAnswered) }

  /// True if a verdict matches the pattern.
  ///
  /// - Parameter isAnswered: true if the host made a packet because of this one.
  public func holds(for verdict: PacketVerdict, isAnswered: @autoclosure () -> Bool) -> Bool {
    switch (kind, verdict) {
    case (.accept, .sent), (.accept, .delivered), (.local, .delivered): true
    case (.sent, .sent(let output)): detail == nil || detail == output
    case (.drop, .dropped(let hook, _, _)): detail == nil || detail == hook.name
    case (.reject, .dropped(let hook, _, _)):
      (detail == nil || detail == hook.name) && isAnswered()
    case (.queue, .queued(let number, _)): detail == nil || detail == String(number)
    case (.lost, .lost), (.absorbed, .absorbed), (.refused, .refused), (.unknown, .unknown): true
    default: false
    }
  }
}
