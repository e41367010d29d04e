public import Wire

/// An address of either family in 16 bytes of network order, as in the kernel's `union nf_inet_addr`.
public struct InetAddress: BitwiseCopyable, Sendable, Hashable {
  /// The four words as in memory. An IPv4 address is in the first word.
  var words = InlineArray<4, UInt32>(repeating: 0)

  /// Creates the zero address.
  public init() {}

  /// Creates an address of either family.
  public init(_ address: IPAddress) {
    self.init(address.bits, address.family)
  }

  /// Creates an address from a number of 32 or 128 bits, the first byte most significant.
  public init(_ bits: UInt128, _ family: Family) {
    if family == .ipv4 {
      words[0] = UInt32(truncatingIfNeeded: bits).bigEndian
    } else {
      for index in 0..<4 { words[index] = UInt32(truncatingIfNeeded: bits >> UInt128(96 - 32 * index)).bigEndian }
    }
  }

  /// All 128 bits set. As a mask it covers the whole address in either family.
  public static let ones = InetAddress(.max, .ipv6)

  /// The address as a number of 32 or 128 bits, the first byte most significant.
  public func bits(_ family: Family) -> UInt128 {
    guard family == .ipv6 else { return UInt128(UInt32(bigEndian: words[0])) }
    return (0..<4).reduce(UInt128(0)) { $0 << 32 | UInt128(UInt32(bigEndian: words[$1])) }
  }

  /// The address in a family.
  public func address(_ family: Family) -> IPAddress { IPAddress(family: family, bits: bits(family)) }

  /// Whether all 16 bytes are equal.
  public static func == (left: InetAddress, right: InetAddress) -> Bool { left.bits(.ipv6) == right.bits(.ipv6) }
  /// Hashes the 16 bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(bits(.ipv6)) }
}

/// An address followed by its mask, as in the kernel's structures.
public struct InetNetwork: BitwiseCopyable, Sendable, Hashable {
  /// The address; bits outside the mask may be set.
  public var address = InetAddress()
  /// The mask.
  public var mask = InetAddress()

  /// Creates the zero address with a zero mask.
  public init() {}

  /// Creates an address with a mask.
  public init(_ address: InetAddress, mask: InetAddress) {
    self.address = address
    self.mask = mask
  }
}

extension RuleText {
  /// Appends an address as a word.
  public mutating func address(_ address: InetAddress) { word(address.address(family).description) }

  /// Appends a mask without a blank: nothing if it is full, a prefix length if it is contiguous, otherwise an address.
  ///
  /// The corresponding C functions are `xtables_ipmask_to_numeric` and `xtables_ip6mask_to_numeric`.
  public mutating func mask(_ mask: InetAddress) {
    let bits = mask.bits(family)
    guard let prefix = AddressMask(mask: bits).prefix(family) else { return glue("/" + mask.address(family).description) }
    if prefix != family.addressBits { glue("/\(prefix)") }
  }
}

extension Token {
  /// A numeric address of the family; nil if it is none. The last parts of an IPv4 address may be omitted and are then zero.
  ///
  /// The corresponding C functions are `xtables_numeric_to_ipaddr` and `xtables_numeric_to_ip6addr`.
  public func numericAddress(_ family: Family) -> InetAddress? {
    if family == .ipv6 { return IPv6Address(string).map { InetAddress(.v6($0)) } }
    return IPv4Text.dotted(bytes).map { InetAddress($0, family) }
  }

  /// An address as the system's resolver accepts it without a network. The corresponding C type is `XTTYPE_HOST`.
  public func host(_ arguments: OptionArguments) throws(OptionError) -> InetAddress {
    let family = arguments.draft.family
    if let bits = family == .ipv4 ? IPv4Text.classful(bytes) : IPv6Address(string)?.rawValue { return InetAddress(bits, family) }
    let isOther = family == .ipv4 ? IPv6Address(string) != nil : IPv4Text.classful(bytes) != nil
    throw OptionError(
      "bad-address", "getaddrinfo: " + (isOther ? "Address family for hostname not supported" : "Name or service not known"), at: range,
      hint: "write an address: host names are not resolved")
  }

  /// The mask of a prefix length, or of a mask written as an address. A mask that is not contiguous gives a full mask.
  ///
  /// The corresponding C type is `XTTYPE_PLENMASK`.
  public func prefixMask(_ arguments: OptionArguments) throws(OptionError) -> InetAddress {
    try prefixLength(arguments).map { InetAddress(prefixLength: $0) } ?? .ones
  }

  /// A prefix length, or that of a mask written as an address; nil if such a mask is not contiguous.
  public func prefixLength(_ arguments: OptionArguments) throws(OptionError) -> Int? {
    let family = arguments.draft.family
    if let length = unsigned, length <= family.addressBits { return Int(length) }
    // Text that is no prefix length is read as an address, as `getaddrinfo` does, so that /255.255 and /33 are accepted.
    guard let mask = family == .ipv4 ? IPv4Text.classful(bytes) : IPv6Address(string)?.rawValue else {
      throw arguments.refused(
        "bad-mask",
        "bad value for option \"\(arguments.option)\", neither a valid network mask nor valid CIDR (0-\(family.addressBits)).",
        at: self)
    }
    let length = AddressMask(mask: mask).prefix(family)
    if unsigned != nil { arguments.wrapped(keptAs: length.map(String.init) ?? "a mask with holes", at: self) }
    return length
  }
}

/// Reads numeric IPv4 addresses.
public enum IPv4Text {
  /// iptables copies an address into a buffer of 20 bytes and ignores the rest.
  static let longest = 19

  /// Four numbers with dots; nil if the text is none. Trailing numbers may be omitted and are then 0.
  ///
  /// The corresponding C functions are `xtables_numeric_to_ipaddr` and, if all four numbers are required (`isWhole`),
  /// `xtables_numeric_to_ipmask`.
  public static func dotted(_ text: ArraySlice<UInt8>, isWhole: Bool = false) -> UInt128? {
    let bytes = text.prefix(longest)
    var address: UInt128 = 0
    var count = 0
    var start = bytes.startIndex
    while start <= bytes.endIndex {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex
      guard count < 4, let byte = UnsignedText.parse(bytes[start..<end]), byte <= 255 else { return nil }
      address = address << 8 | UInt128(byte)
      count += 1
      start = end + 1
    }
    guard count == 4 || !isWhole else { return nil }
    return address << UInt128(8 * (4 - count))
  }

  /// One to four numbers with dots; the last one fills all remaining bytes: `10.1` is 10.0.0.1. Nil if the text is none.
  ///
  /// The corresponding C function is `inet_aton`, which the system's resolver tries first.
  public static func classful(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count <= 4 else { return nil }
    var bits: UInt64 = 0
    for (index, part) in parts.enumerated() {
      let width = UInt64(index + 1 < parts.count ? 8 : 8 * (5 - parts.count))
      guard let number = UnsignedText.digits(part, base: .any), number >> width == 0 else { return nil }
      bits = bits << width | number
    }
    return UInt128(bits)
  }
}

extension InetAddress {
  /// The mask of a prefix length, counted from the first byte in either family.
  public init(prefixLength: Int) {
    self.init(AddressMask.mask(prefix: prefixLength, .ipv6), .ipv6)
  }
}

extension ValueSyntax where Value == InetAddress {
  /// One address. The corresponding C type is `XTTYPE_HOST`.
  public static var host: ValueSyntax {
    ValueSyntax(
      placeholder: "address", grammar: "address", samples: ["192.0.2.1", "2001:db8::1"], nearMisses: ["192.0.2.256", "x y"],
      parse: { token, arguments throws(OptionError) in try token.host(arguments) },
      print: { address, text in text.address(address) })
  }
}

extension ValueSyntax where Value == InetNetwork {
  /// `address[/mask]` with host bits kept. The corresponding C type is `XTTYPE_HOSTMASK`.
  public static var hostMask: ValueSyntax {
    ValueSyntax(
      placeholder: "address[/mask]", grammar: "address [ \"/\" ( number | address ) ]",
      samples: ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "10.0.0.0/255.0.0.0"],
      nearMisses: ["192.0.2.1/4294967296", "2001:db8::/129"],
      parse: { token, arguments throws(OptionError) in
        guard let (address, mask) = token.cut(at: "/") else {
          return InetNetwork(try token.host(arguments), mask: .ones)
        }
        return InetNetwork(try address.host(arguments), mask: try mask.prefixMask(arguments))
      },
      print: { network, text in
        text.address(network.address)
        text.mask(network.mask)
      })
  }
}
