public import Wire
import XTables

extension Host {
  /// An address on an interface.
  public struct Address: Sendable, Hashable {
    /// The host's own address.
    public var address: IPAddress
    /// Bits of the prefix, up to 32 for IPv4 and 128 for IPv6.
    public var prefixLength: Int
    /// The broadcast address, if one was set; the kernel derives another one from the prefix.
    public var broadcast: IPAddress?
    /// The other end of a point-to-point link; the prefix is then the peer's.
    public var peer: IPAddress?
    /// How far the address is valid. Kernel: `ifa_scope`.
    public var scope: RouteScope
    /// True if a route to the prefix is derived. Kernel: `IFA_F_NOPREFIXROUTE`, inverted.
    public var hasPrefixRoute = true

    /// Creates an address; the default scope is derived from loopback and link-local addresses.
    public init(_ address: IPAddress, prefixLength: Int, broadcast: IPAddress? = nil, peer: IPAddress? = nil, scope: RouteScope = .universe)
    {
      self.address = address
      self.prefixLength = prefixLength
      self.broadcast = broadcast
      self.peer = peer
      self.scope = scope
    }

    /// Parses `10.0.0.1/24`, or `10.0.0.1 peer 10.0.0.2/32`. Without a length, the prefix is the whole address. The length consists of
    /// digits only.
    public init?(_ text: some StringProtocol) {
      let words = text.split(separator: " ")
      guard words.count != 3 else {
        guard words[1] == "peer", let own = Self(words[0]), let other = Self(words[2]), own.address.family == other.address.family else {
          return nil
        }
        self = own.facing(other)
        return
      }
      let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let address = IPAddress(parts[0]) else { return nil }
      let length = parts.count == 2 ? Self.length(parts[1]) : address.family.addressBits
      guard let length, length <= address.family.addressBits else { return nil }
      self.init(address, prefixLength: length, scope: Self.defaultScope(address))
    }

    /// This address on a point-to-point link to `peer`, whose prefix is then that of the link.
    func facing(_ peer: Address) -> Address {
      var address = self
      (address.peer, address.prefixLength) = (peer.address, peer.prefixLength)
      return address
    }

    /// A length of one to three digits, without sign or blanks.
    private static func length(_ text: some StringProtocol) -> Int? {
      (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func defaultScope(_ address: IPAddress) -> RouteScope {
      if address.isLoopback { return .host }
      if case .v6(let wide) = address, wide.rawValue >> 118 == 0x3FA { return .link }
      return .universe
    }

    /// The prefix as a mask.
    var mask: UInt128 { AddressMask.mask(prefix: prefixLength, address.family) }
    /// The network's address, taken from the peer if there is one.
    var network: UInt128 { (peer ?? address).bits & mask }
  }
}

extension Host.Device {
  /// Adds an address at the place where `ip addr add` puts it. Does nothing if the interface has the address already.
  ///
  /// The corresponding kernel functions are `__inet_insert_ifa` and `ipv6_link_dev_addr`.
  public mutating func add(_ address: Host.Address) {
    let isKnown = addresses.contains {
      $0.address == address.address && (address.address.family == .ipv6 || $0.prefixLength == address.prefixLength)
    }
    if !isKnown { addresses.insert(address, at: address.address.family == .ipv4 ? place(ofIPv4: address) : place(ofIPv6: address)) }
  }

  /// Primary addresses are in the order of their scopes and of their addition; secondary ones follow.
  private func place(ofIPv4 address: Host.Address) -> Int {
    guard let key = address.networkKey else { return addresses.endIndex }
    var networks: Set<UInt64> = []
    var place = addresses.startIndex
    for index in addresses.indices {
      guard let other = addresses[index].networkKey else { continue }
      if other == key { return addresses.endIndex }
      // The first address of a network is its primary one.
      if networks.insert(other).inserted, addresses[index].scope.rawValue >= address.scope.rawValue { place = index + 1 }
    }
    return place
  }

  /// Wider scopes come first, and of one scope the address that was added last.
  private func place(ofIPv6 address: Host.Address) -> Int {
    let scope = address.address.v6?.scope ?? 0
    return addresses.firstIndex { $0.address.v6.map { scope >= $0.scope } ?? false } ?? addresses.endIndex
  }
}

extension Host.Address {
  /// The network and its length; nil for IPv6. Of addresses with the same key, all but the first are secondary. Kernel: `IFA_F_SECONDARY`.
  fileprivate var networkKey: UInt64? {
    guard case .v4(let own) = peer ?? address else { return nil }
    // A prefix of length 0 has no bits, for which a shift by 32 gives 0.
    return UInt64(own.rawValue >> UInt32(32 - prefixLength)) << 8 | UInt64(prefixLength)
  }
}
