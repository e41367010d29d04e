import Wire
import XTables

/// Realms: traffic classes assigned by routes and rules. The low half is the destination's realm, the high half the source's. Kernel:
/// `dst_entry.tclassid`; IPv4 only.
extension Host {
  /// The realms of a received packet, for this host or, with `isForwarded`, for forwarding.
  ///
  /// The corresponding kernel functions are `fib_combine_itag` and `rt_set_nexthop`.
  func realms(ofInput flow: Flow, isForwarded: Bool) -> UInt32 {
    guard questions.usesRealms, flow.destination.family == .ipv4 else { return 0 }
    guard isForwarded else { return sourceRealms(flow, forwardedBy: nil) }
    guard let (route, rule) = led(flow) else { return 0 }
    return route.realms.completed(by: rule.realms).completed(by: sourceRealms(flow, forwardedBy: route.output))
  }

  /// The realms of a packet sent by this host. The corresponding kernel function is `__mkroute_output`.
  func realms(ofOutput flow: Flow) -> UInt32 {
    guard questions.usesRealms, case .v4(let destination) = flow.destination, destination != .broadcast, !destination.isMulticast,
      let (route, rule) = led(flow)
    else { return 0 }
    return (route.type == .broadcast ? 0 : route.realms).completed(by: rule.realms)
  }

  /// The source realm: the destination realm of the route back to the source.
  private func sourceRealms(_ flow: Flow, forwardedBy output: Interface?) -> UInt32 {
    guard let back = flowBack(of: flow, forwardedBy: output), let (route, rule) = led(back) else { return 0 }
    let destination = route.realms << 16
    return (destination == 0 ? rule.realms << 16 : destination) | rule.realms >> 16
  }

  private func led(_ flow: Flow) -> (Route, RouteRule)? {
    var place = 0
    guard case .found(let found) = lookup(flow, in: lookups, endingAt: &place) else { return nil }
    return (found.route, rules[place])
  }
}

extension UInt32 {
  /// Takes the other's halves where its own are 0. The corresponding kernel function is `set_class_tag`.
  fileprivate func completed(by other: UInt32) -> UInt32 {
    self | (self & 0xFFFF == 0 ? other & 0xFFFF : 0) | (self >> 16 == 0 ? other & 0xFFFF_0000 : 0)
  }
}
