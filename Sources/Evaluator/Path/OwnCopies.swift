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
}

extension Simulator {
  /// True if the host receives its own packet sent through an interface. Kernel: `RTCF_LOCAL`, `ipv6_chk_mcast_addr`.
  func hearsItself(_ journey: borrowing Journey, on output: Interface) -> Bool {
    guard !host.isLoopback(output), let destination = journey.context.packet.destination else { return false }
    switch destination {
    case .v4(let address): return journey.route?.type == .broadcast || address == IPv4Address(224, 0, 0, 1)
    case .v6(let address): return address.isMulticast && host.listens(to: address, on: output)
    }
  }

  /// Receives the copy of an IPv4 packet after POSTROUTING; then the packet itself passes POSTROUTING.
  ///
  /// The corresponding kernel function is `ip_mc_output`.
  func hearFirst(_ journey: inout Journey, _ output: Interface) -> Bool {
    note(.sent(output: host.name(of: output)), &journey)
    journey.ownCopy = .none
    hear(journey, output)
    journey.context.owner = journey.sender
    journey.report = open(.host, journey.context.packet, journey.context.family, mark: journey.context.mark)
    approach(.postrouting, &journey, input: journey.lingeringInput, output: output)
    return true
  }

  /// Passes a copy of an IPv6 packet through POSTROUTING after the packet, and receives it.
  ///
  /// The corresponding kernel function is `ip6_finish_output2`.
  func hearAfterwards(_ journey: Journey, _ output: Interface) {
    var copy = journey
    copy.report = open(.host, copy.context.packet, copy.context.family, mark: copy.context.mark)
    copy.context.owner = nil
    copy.borrowsConnection = true
    copy.ownCopy = .heard
    approach(.postrouting, &copy, input: copy.lingeringInput, output: output)
    travel(&copy)
  }

  /// Receives a looped copy. The corresponding kernel function is `dev_loopback_xmit`.
  func hear(_ journey: Journey, _ output: Interface) {
    var copy = journey
    copy.report = open(.host, copy.context.packet, copy.context.family, mark: copy.context.mark)
    copy.borrowsConnection = true
    copy.ownCopy = .none
    copy.context.owner = nil
    copy.lingeringInput = nil
    copy.context.packet.type = copy.context.packet.destination?.isMulticast == true ? .multicast : .broadcast
    // The copy keeps its route, which also leads to this host.
    copy.route = RouteAnswer(type: .local, output: output, gateway: nil, preferredSource: nil)
    approach(.prerouting, &copy, input: output, output: nil)
    travel(&copy)
  }
}
