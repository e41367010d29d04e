public import Wire

/// How far an IPv6 address is valid (RFC 4291, sections 2.5 and 2.7).
extension IPv6Address {
  /// The scope in the numbers of multicast addresses: 2 link, 5 site, 14 global. The loopback address is of the link's scope. Kernel:
  /// `__ipv6_addr_src_scope`.
  public var scope: UInt8 {
    if isMulticast { return UInt8(truncatingIfNeeded: rawValue >> 112 & 0xF) }
    if isLinkLocal || isLoopback { return 2 }
    return isSiteLocal ? 5 : 14
  }

  /// The bits of the kernel's address type that are of its scope; 0 for a global address. Kernel: `ipv6_addr_scope`.
  public var scopeBits: UInt8 {
    if isMulticast {
      switch scope {
      case 1: return ScopeBit.loopback
      case 2: return ScopeBit.link
      case 5: return ScopeBit.site
      default: return 0
      }
    }
    if isLoopback { return ScopeBit.loopback }
    if isLinkLocal { return ScopeBit.link }
    if isSiteLocal { return ScopeBit.site }
    return isIPv4Compatible ? ScopeBit.compatible : 0
  }

  /// The deprecated prefix `fec0::/10`.
  private var isSiteLocal: Bool { rawValue >> 118 == 0x3FB }
  /// An IPv4 address in the form `::ffff:a.b.c.d`.
  public var isIPv4Mapped: Bool { rawValue >> 32 == 0xFFFF }

  /// Kernel: `IPV6_ADDR_LOOPBACK`, `IPV6_ADDR_LINKLOCAL`, `IPV6_ADDR_SITELOCAL`, `IPV6_ADDR_COMPATv4`.
  private enum ScopeBit {
    static let loopback: UInt8 = 0x10
    static let link: UInt8 = 0x20
    static let site: UInt8 = 0x40
    static let compatible: UInt8 = 0x80
  }
}
