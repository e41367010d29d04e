import Conntrack
import Wire
import XTables

/// What a bridge remembers: behind which port it heard which hardware address. Kernel: `net_bridge_fdb_entry`.
struct BridgeMemory {
  private var ports: [String: [MACAddress: String]] = [:]

  mutating func learn(_ address: MACAddress, _ port: String, of bridge: String) {
    guard !address.isMulticast else { return }
    ports[bridge, default: [:]][address] = port
  }

  func port(of address: MACAddress, on bridge: String) -> String? { ports[bridge]?[address] }
}

/// A frame that a bridge takes from one port to another, past the hooks of IP: `br_netfilter`.
extension Simulator {
  /// Takes a packet whose frame is for somebody behind another port through PREROUTING, FORWARD and POSTROUTING, once for each port it
  /// leaves by.
  ///
  /// The corresponding kernel functions are `br_handle_frame`, `br_nf_pre_routing` and `br_nf_forward_ip`.
  func crossBridge(_ packet: Packet, from port: Host.Device, over bridge: Host.Device) {
    guard let link = packet.link else { return }
    let name = packet.family == .ipv6 ? "net.bridge.bridge-nf-call-ip6tables" : "net.bridge.bridge-nf-call-iptables"
    let others = host.devices.filter { $0.bridge == bridge.name && $0.isUp && $0.name != port.name }
    let known = bridgeMemory.port(of: link.destination, on: bridge.name)
    // A frame for the port it came by is at home already; one for nobody that was ever heard of goes everywhere.
    let outputs = known.map { name in others.filter { $0.name == name } } ?? others
    var packet = packet
    packet.type = .host
    for output in outputs {
      let family = packet.family ?? .ipv4
      let index = open(.own, packet, family, mark: 0)
      if let reason = objection(to: &packet, bridge.interface) {
        report.packets[index].verdict = .refused(reason)
        return
      }
      guard host.sysctls[name] != 0 else {
        send(packet, to: link.destination, by: output, index)
        report.packets[index].verdict = .sent(output: bridge.name)
        continue
      }
      var context = PacketContext(packet: packet, family: family, hook: .prerouting, input: bridge.interface, world: world)
      context.physicalInput = port.interface
      var journey = Journey(context: context, report: index, isRecorded: recordsTrace)
      journey.crossing = BridgeCrossing(bridge: bridge.interface, output: output.interface, target: link.destination, destination: packet.destination)
      travel(&journey)
    }
    if outputs.isEmpty {
      report.packets[open(.own, packet, packet.family ?? .ipv4, mark: 0)].verdict = .refused("no other port of \(bridge.name) leads there")
    }
  }

  /// From PREROUTING to FORWARD. The corresponding kernel function is `br_nf_pre_routing_finish`.
  func approachBridged(_ journey: inout Journey, _ crossing: BridgeCrossing) -> Bool {
    guard journey.context.packet.destination == crossing.destination else {
      let needs = "what a bridge does with a packet whose destination was translated"
      finish(&journey, .unknown(UnknownReason("the way of the packet", needs: needs), at: nil))
      return false
    }
    journey.context.physicalOutput = crossing.output
    approach(.forward, &journey, input: crossing.bridge, output: crossing.bridge)
    return true
  }

  /// The corresponding kernel function is `br_dev_queue_push_xmit`.
  func transmitBridged(_ journey: inout Journey, _ crossing: BridgeCrossing) {
    if let port = host.device(crossing.output) { send(journey.context.packet, to: crossing.target, by: port, journey.report) }
    finish(&journey, .sent(output: crossing.bridge.name))
  }

  private func send(_ packet: Packet, to target: MACAddress, by port: Host.Device, _ index: Int) {
    report.departures.append(Departure(interface: port.name, destination: target, packet: packet, report: index))
  }
}

/// The way of a packet over a bridge.
struct BridgeCrossing {
  let bridge: Interface
  /// The port it leaves by.
  let output: Interface
  /// The frame's destination, which stays.
  let target: MACAddress
  /// The packet's destination when it came.
  let destination: IPAddress?
}
