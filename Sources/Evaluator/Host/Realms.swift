import Wire
import XTables

/// Realms: what routes and rules say of the traffic they lead. A number in the low half for where it goes, in the high one for where
/// it comes from. Kernel: `dst_entry.tclassid`; IPv4 only.
extension Host {
  /// Those of a packet that came in, for this host or, where `isForwarded`, on its way through.
  ///
  /// The corresponding kernel functions are `fib_combine_itag` and `rt_set_nexthop`.
  func realms(ofInput flow: Flow, isForwarded: Bool) -> UInt32 {
    guard questions.usesRealms, flow.destination.family == .ipv4 else { return 0 }
    guard isForwarded else { return sourceRealms(flow, forwardedBy: nil) }
    guard let (route, rule) = led(flow) else { return 0 }
    return route.realms.completed(by: rule.realms).completed(by: sourceRealms(flow, forwardedBy: route.output))
  }

  /// Those of a packet of this host's. The corresponding kernel function is `__mkroute_output`.
  func realms(ofOutput flow: Flow) -> UInt32 {
    guard questions.usesRealms, case .v4(let destination) = flow.destination, destination != .broadcast, !destination.isMulticast,
      let (route, rule) = led(flow)
    else { return 0 }
    return (route.type == .broadcast ? 0 : route.realms).completed(by: rule.realms)
  }

  /// What the way back says of a packet's source: there it is where the packet goes.
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
  /// With the other's halves where its own are empty. The corresponding kernel function is `set_class_tag`.
  fileprivate func completed(by other: UInt32) -> UInt32 {
    self | (self & 0xFFFF == 0 ? other & 0xFFFF : 0) | (self >> 16 == 0 ? other & 0xFFFF_0000 : 0)
  }
}
