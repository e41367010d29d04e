import Conntrack
import Netfilter
import Wire
import XTables

/// Reassembly of fragments.
extension Simulator {
  /// Reassembles fragments before connection tracking. The corresponding kernel functions are `ipv4_conntrack_defrag` and
  /// `ipv6_defrag`.
  func defragment(_ journey: inout Journey) -> OperationOutcome {
    if journey.context.packet.isWholeIPv4 { return .verdict(.accept) }
    switch gather(&journey, at: journey.context.hook) {
    case .accept: return .verdict(.accept)
    case .stolen: return .absorbed
    default:
      journey.isRefusedByReassembly = true
      return .absorbed
    }
  }

  /// Adds a fragment to its datagram. Each hook has its own queues; those of INPUT belong to local delivery.
  ///
  /// Not inlined, so that whole packets do not pay for its setup.
  @inline(never)
  func gather(_ journey: inout Journey, at hook: Hook) -> NetfilterVerdict {
    waiting.fragments.gather(
      packet: &journey.context.packet, attachment: hook == .input ? .none : journey.context.attachment,
      hook: hook, interface: journey.context.input?.index ?? 0, isBridged: hook == .prerouting && journey.crossing != nil,
      settings: conntrackSettings.fragments, now: world.instant)
  }

  /// A datagram was not completed in time. The sender gets an error if the first fragment has arrived; over IPv4, only if the datagram is for
  /// this host.
  ///
  /// The corresponding kernel functions are `ip_expire` and `ip6frag_expire_frag_queue`.
  func giveUp(_ datagram: ExpiredDatagram) {
    guard let packet = datagram.first, let family = packet.family, let source = packet.source, let destination = packet.destination,
      let device = host.devices.first(where: { $0.interface.index == datagram.interface })
    else { return }
    var context = PacketContext(packet: packet, family: family, hook: .prerouting, input: device.interface, world: world)
    if family == .ipv4 {
      let flow = Flow(to: destination, from: source, mark: 0, input: device.interface)
      guard case .local = host.inputRoute(flow, packet) else { return }
    }
    let index = open(.own, packet, family, mark: 0)
    event.report.packets[index].verdict = .lost("not all fragments arrived in time")
    context.answerICMPError(type: family == .ipv4 ? 11 : 3, code: 1)
    var journey = Journey(context: context, report: index, isRecorded: false)
    settleEffects(&journey)
  }

  /// True if TCP's early socket look-up pulls bytes of the second fragment into the header, so that the original fragment boundaries are lost.
  /// The corresponding kernel function is `tcp_v4_early_demux`.
  func pullsHeader(_ journey: borrowing Journey) -> Bool {
    guard let first = journey.context.packet.fragmentLengths.first, journey.context.family == .ipv4,
      journey.context.packet.type == .host, journey.context.packet.ipv4?.proto == .tcp
    else { return false }
    return first < TCPHeader.minimumLength && host.sysctls["net.ipv4.ip_early_demux"] != 0 && host.sysctls["net.ipv4.tcp_early_demux"] != 0
  }
}
