public import Wire

/// An address of either family in sixteen bytes of network order, as the kernel's `union nf_inet_addr` holds it.
public struct InetAddress: BitwiseCopyable, Sendable, Hashable {
  /// The four words as they stand in memory; an IPv4 address fills the first.
  var words = InlineArray<4, UInt32>(repeating: 0)

  public init() {}

  public init(_ address: IPAddress) {
    self.init(address.bits, address.family)
  }

  /// An address whose first bit is the most significant of its family's width.
  public init(_ bits: UInt128, _ family: Family) {
    if family == .ipv4 {
      words[0] = UInt32(truncatingIfNeeded: bits).bigEndian
    } else {
      for index in 0..<4 { words[index] = UInt32(truncatingIfNeeded: bits >> UInt128(96 - 32 * index)).bigEndian }
    }
  }

  /// Sixteen bytes of ones, which as a mask mean the whole address in either family.
  public static let ones = InetAddress(.max, .ipv6)

  public func bits(_ family: Family) -> UInt128 {
    guard family == .ipv6 else { return UInt128(UInt32(bigEndian: words[0])) }
    return (0..<4).reduce(UInt128(0)) { $0 << 32 | UInt128(UInt32(bigEndian: words[$1])) }
  }

  public func address(_ family: Family) -> IPAddress { IPAddress(family: family, bits: bits(family)) }

  public static func == (left: InetAddress, right: InetAddress) -> Bool { left.bits(.ipv6) == right.bits(.ipv6) }
  public func hash(into hasher: inout Hasher) { hasher.combine(bits(.ipv6)) }
}

/// An address and the bits of it that count, as the kernel's structures hold them one behind the other.
public struct InetNetwork: BitwiseCopyable, Sendable, Hashable {
  public var address = InetAddress()
  public var mask = InetAddress()

  public init() {}

  public init(_ address: InetAddress, mask: InetAddress) {
    self.address = address
    self.mask = mask
  }
}

extension RuleText {
  /// Appends an address as a word.
  public mutating func address(_ address: InetAddress) { word(address.address(family).description) }

  /// Glues a mask to the last word: nothing where it is full, a prefix length where it is one, else an address.
  ///
  /// The corresponding C functions are `xtables_ipmask_to_numeric` and `xtables_ip6mask_to_numeric`.
  public mutating func mask(_ mask: InetAddress) {
    let bits = mask.bits(family)
    guard let prefix = AddressMask(mask: bits).prefix(family) else { return glue("/" + mask.address(family).description) }
    if prefix != family.addressBits { glue("/\(prefix)") }
  }
}

extension Token {
  /// An address of the family in numbers; of an IPv4 address the last parts may be left out, which then are zero.
  ///
  /// The corresponding C functions are `xtables_numeric_to_ipaddr` and `xtables_numeric_to_ip6addr`.
  public func numericAddress(_ family: Family) -> InetAddress? {
    if family == .ipv6 { return IPv6Address(string).map { InetAddress(.v6($0)) } }
    return IPv4Text.dotted(bytes).map { InetAddress($0, family) }
  }

  /// An address as the system's resolver takes it without a network. The corresponding C type is `XTTYPE_HOST`.
  public func host(_ arguments: OptionArguments) throws(OptionError) -> InetAddress {
    let family = arguments.draft.family
    if let bits = family == .ipv4 ? IPv4Text.classful(bytes) : IPv6Address(string)?.rawValue { return InetAddress(bits, family) }
    let isOther = family == .ipv4 ? IPv6Address(string) != nil : IPv4Text.classful(bytes) != nil
    throw OptionError(
      "bad-address", "getaddrinfo: " + (isOther ? "Address family for hostname not supported" : "Name or service not known"), at: range,
      hint: "write an address; host names are not resolved, because a rule is bound to what they mean at one moment")
  }

  /// The mask of a prefix length, or a mask written as an address, of which only the length counts: a mask with holes is full.
  ///
  /// The corresponding C type is `XTTYPE_PLENMASK`.
  public func prefixMask(_ arguments: OptionArguments) throws(OptionError) -> InetAddress {
    try prefixLength(arguments).map { InetAddress(prefixLength: $0) } ?? .ones
  }

  /// A prefix length, or that of a mask written as an address; nothing where such a mask has holes.
  public func prefixLength(_ arguments: OptionArguments) throws(OptionError) -> Int? {
    let family = arguments.draft.family
    if let length = unsigned, length <= family.addressBits { return Int(length) }
    // What is no prefix length is read as `getaddrinfo` reads an address, so that /255.255 and /33 mean something.
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

/// IPv4 addresses in numbers.
public enum IPv4Text {
  /// iptables reads an address from a buffer of 20 bytes, and does not look at what is behind them.
  static let longest = 19

  /// Four numbers with dots; trailing ones may be left out, and are 0 then.
  ///
  /// The corresponding C functions are `xtables_numeric_to_ipaddr` and, where all four are needed, `xtables_numeric_to_ipmask`.
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

  /// One to four numbers with dots, of which the last fills all bytes that are left: `10.1` is 10.0.0.1.
  ///
  /// The corresponding C function is `inet_aton`, which the system's resolver asks first.
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
  /// The mask of a prefix length, counted from the first byte whatever the family.
  public init(prefixLength: Int) {
    self.init(AddressMask.mask(prefix: prefixLength, .ipv6), .ipv6)
  }
}

extension ValueSyntax where Value == InetAddress {
  /// One address; the corresponding C type is `XTTYPE_HOST`.
  public static var host: ValueSyntax {
    ValueSyntax(
      placeholder: "address", grammar: "address", samples: ["192.0.2.1", "2001:db8::1"], nearMisses: ["192.0.2.256", "x y"],
      parse: { token, arguments throws(OptionError) in try token.host(arguments) },
      print: { address, text in text.address(address) })
  }
}

extension ValueSyntax where Value == InetNetwork {
  /// `address[/mask]`, host bits kept; the corresponding C type is `XTTYPE_HOSTMASK`.
  public static var hostMask: ValueSyntax {
    ValueSyntax(
      placeholder: "address[/mask]", grammar: "address [ \"/\" ( number | address ) ]",
      samples: ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "10.0.0.0/255.0.0.0"], nearMisses: ["192.0.2.1/4294967296", "2001:db8::/129"],
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
