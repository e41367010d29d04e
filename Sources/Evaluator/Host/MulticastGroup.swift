public import Wire
import XTables

/// A multicast group that an interface has joined for a program. Kernel: `ip_mc_list`, `ifmcaddr6`.
public struct MulticastGroup: Sendable, Hashable, CustomStringConvertible {
  /// The address of the group.
  public let address: IPAddress
  /// Whether packets of some sources only are wanted. Kernel: `ip_sf_list`, `ip6_sf_list`.
  public let isFiltered: Bool

  /// Creates a group.
  ///
  /// - Returns: nil if the address is not that of a group.
  public init?(_ address: IPAddress, isFiltered: Bool = false) {
    guard address.isMulticast else { return nil }
    (self.address, self.isFiltered) = (address, isFiltered)
  }

  /// Parses an address, with `filtered` behind it if packets of some sources only are wanted.
  public init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 1 || words.count == 2 && words[1] == "filtered", let address = IPAddress(String(words[0])) else { return nil }
    self.init(address, isFiltered: words.count == 2)
  }

  /// The text that ``init(_:)`` parses.
  public var description: String { isFiltered ? "\(address) filtered" : "\(address)" }
}

extension Host {
  /// Whether an interface receives packets to a group for this host; nil if that is not known.
  ///
  /// The corresponding kernel functions are `ip_check_mc_rcu` and `ipv6_chk_mcast_addr`.
  func isMember(_ interface: Interface, of group: IPAddress) -> Bool? {
    let isAlways =
      switch group {
      case .v4(let address): address == .allHosts
      case .v6(let address): alwaysListens(to: address, on: interface)
      }
    if isAlways { return true }
    if let joined = joinedGroups[interface.name]?.first(where: { $0.address == group }) { return joined.isFiltered ? nil : true }
    return missing.contains(.multicastGroups) ? nil : false
  }

  /// Why it is not known whether an interface is a member of a group.
  func membershipDoubt(_ subject: String, _ interface: Interface, of group: IPAddress) -> UnknownReason {
    joinedGroups[interface.name]?.contains { $0.address == group } == true
      ? UnknownReason(subject, needs: "the sources from which the programs want packets to \(group)")
      : UnknownReason(subject, lacking: .multicastGroups)
  }
}
