import Netfilter
import Wire
import XTables

/// Whether the host receives its own multicast or broadcast packet.
enum OwnCopy {
  case none
  /// IPv4: the copy passes POSTROUTING before the packet.
  case before
  /// IPv6: a copy that is received again.
  case heard
  /// IPv6: a received copy whose route leads to a gateway, as that of a copy made by TEE.
  case stray
}

extension Packet {
  /// True if its destination is a group within one interface or host (`ff01::/16`), so that it does not leave.
  var staysOnItsInterface: Bool {
    if case .v6(let group)? = destination { group.isMulticast && group.rawValue >> 112 & 0xF < 2 } else { false }
  }
}

extension Simulator {
  /// Whether the host receives its own packet sent through an interface; nil if that is not known. Kernel: `RTCF_LOCAL`, `ipv6_chk_mcast_addr`.
  func hearsItself(_ journey: borrowing Journey, on output: Interface) -> Bool? {
    guard !host.isLoopback(output), let destination = journey.context.packet.destination else { return false }
    switch destination {
    // A copy made by TEE has the route to its gateway, which is none to many hosts.
    case .v4:
      if journey.route?.type == .broadcast { return true }
      return journey.route?.type == .multicast ? host.isMember(output, of: destination) : false
    case .v6: return destination.isMulticast ? host.isMember(output, of: destination) : false
    }
  }

  /// Whether the host receives a copy of its own IPv4 packet before that leaves. A note tells if it is not known.
  func hearsFirst(_ journey: inout Journey, on output: Interface) -> Bool {
    let hears = hearsItself(journey, on: output)
    if hears == nil, let group = journey.context.packet.destination {
      let doubt = host.membershipDoubt("whether this host receives a copy of its packet", output, of: group)
      event.report.packets[reportIndex(&journey)].notes.append(doubt.sentence)
    }
    return hears == true && journey.context.family == .ipv4
  }

  /// Receives the copy of an IPv4 packet after POSTROUTING; then the packet itself passes POSTROUTING.
  ///
  /// The corresponding kernel function is `ip_mc_output`.
  func hearFirst(_ journey: inout Journey, _ output: Interface) -> Bool {
    note(.sent(output: host.name(of: output)), &journey)
    journey.ownCopy = .none
    let copy = copy journey
    let isFirst = isHeardAtOnce(journey)
    if isFirst { hear(copy, output) }
    journey.context.owner = journey.sender
    journey.report = open(.host, journey.context.packet, journey.context.family, mark: journey.context.mark)
    if !isFirst { hear(copy, output) }
    approach(.postrouting, &journey, input: journey.lingeringInput, output: output)
    return true
  }

  /// Passes a copy of an IPv6 packet of this host through POSTROUTING after the packet, and receives it, if this host is a member of the
  /// group.
  ///
  /// The corresponding kernel function is `ip6_finish_output2`.
  func hearIfMember(_ journey: borrowing Journey, _ output: Interface) {
    guard journey.context.family == .ipv6, journey.context.input == nil || journey.lingeringInput != nil,
      hearsItself(journey, on: output) == true
    else { return }
    hearAfterwards(copy journey, output)
  }

  private func hearAfterwards(_ journey: Journey, _ output: Interface) {
    var copy = journey
    copy.report = open(.host, copy.context.packet, copy.context.family, mark: copy.context.mark)
    copy.context.owner = nil
    copy.borrowsConnection = true
    copy.ownCopy = .heard
    approach(.postrouting, &copy, input: copy.lingeringInput, output: output)
    travel(&copy)
  }

  /// Receives a looped copy: at once if the packet is sent in a system call, otherwise after the packet. The corresponding kernel functions are
  /// `dev_loopback_xmit` and `netif_rx`.
  func hear(_ journey: Journey, _ output: Interface) {
    var copy = journey
    copy.report = open(.host, copy.context.packet, copy.context.family, mark: copy.context.mark)
    copy.borrowsConnection = true
    copy.ownCopy = .none
    copy.context.owner = nil
    copy.lingeringInput = nil
    copy.context.packet.type = copy.context.packet.destination?.isMulticast == true ? .multicast : .broadcast
    // The copy keeps its route. That of a group also leads to this host; by any other, IPv6 forwards the copy (`ip6_forward`), in vain.
    if journey.context.family == .ipv6, journey.route?.type != .multicast { copy.ownCopy = .stray }
    copy.route = RouteAnswer(type: .local, output: output, gateway: nil, preferredSource: nil)
    approach(.prerouting, &copy, input: output, output: nil)
    if isHeardAtOnce(journey) { travel(&copy) } else { event.postponed.append(.looped(copy)) }
  }

  /// True if nothing keeps the processor from receiving what the loopback interface returns.
  private func isHeardAtOnce(_ journey: borrowing Journey) -> Bool { journey.isInProcess && !isWithinAnother }
}
