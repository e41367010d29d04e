public import Conntrack
public import Netfilter
public import Wire

extension ConntrackTable {
  /// Translates the source to an address of the output interface and records the interface in the connection. The corresponding kernel
  /// functions are `nf_nat_masquerade_ipv4` and `nf_nat_masquerade_ipv6`.
  /// - Parameters:
  /// - address: the interface's address that source address selection chooses for the next hop; nil if it has none.
  ///   - interface: the interface's index.
  /// - Returns: `.drop` without an address.
  public func masquerade(
    _ handle: ConnectionHandle, _ range: NATRange, to address: IPAddress?, interface: Int32,
    random: inout some RandomNumberGenerator, now: Instant
  ) -> NetfilterVerdict {
    guard let connection = self[handle] else { return .accept }
    // Packets with source 0.0.0.0, such as a DHCP client's, are accepted untranslated.
    if connection.original.family == .ipv4, connection.original.sourceBits == 0 { return .accept }
    guard let address else { return .drop }
    update(handle) { $0.masqueradeInterface = interface }
    return setUpNAT(handle, range.to(address), .source, random: &random, now: now)
  }

  /// Translates the destination to this host: to 127.0.0.1 or ::1 for its own packets, else to `address`. The corresponding kernel
  /// functions are `nf_nat_redirect_ipv4` and `nf_nat_redirect_ipv6`.
  /// - Parameter address: the first address of the input interface; nil if it has none.
  /// - Returns: `.drop` without an address.
  public func redirect(
    _ handle: ConnectionHandle, _ range: NATRange, to address: IPAddress?, hook: Hook,
    random: inout some RandomNumberGenerator, now: Instant
  ) -> NetfilterVerdict {
    guard let connection = self[handle] else { return .accept }
    let loopback: IPAddress = connection.original.family == .ipv4 ? .v4(.loopback) : .v6(.loopback)
    guard let target = hook == .output ? loopback : address else { return .drop }
    return setUpNAT(handle, range.to(target), .destination, random: &random, now: now)
  }

  /// Removes the connections masqueraded to an interface, after the interface went down, or to one address, after it was removed.
  /// The corresponding kernel functions are `masq_device_event` and `inet_cmp`.
  public func flushMasqueraded(interface: Int32, address: IPAddress? = nil, now: Instant) {
    removeAll(now: now) { handle, connection in
      guard masqueradeInterface(of: handle) == interface else { return false }
      return address.map { connection.reply.destination == $0 } ?? true
    }
  }
}
