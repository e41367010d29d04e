public import Wire

/// An address and the bits of it that count; IPv4 addresses stand in the low 32 bits.
public struct AddressMask: Sendable, Hashable {
  public var address: UInt128
  public var mask: UInt128

  public init(address: UInt128 = 0, mask: UInt128 = 0) {
    self.address = address
    self.mask = mask
  }

  /// The mask of a prefix length in a family.
  public static func mask(prefix: Int, _ family: Family) -> UInt128 {
    let bits = family == .ipv4 ? 32 : 128
    guard prefix > 0 else { return 0 }
    let full: UInt128 = family == .ipv4 ? 0xffff_ffff : .max
    return prefix >= bits ? full : full & ~(full >> UInt128(prefix))
  }

  /// The prefix length, or nothing where the mask has holes.
  public func prefix(_ family: Family) -> Int? {
    let count = mask.nonzeroBitCount
    return mask == Self.mask(prefix: count, family) ? count : nil
  }
}

/// An interface name and the bytes of it that count.
///
/// The corresponding C function is `xtables_parse_interface`; bytes stand as in memory, the first byte most significant.
public struct InterfacePattern: Sendable, Hashable {
  public var name: UInt128
  public var mask: UInt128

  public init(name: UInt128 = 0, mask: UInt128 = 0) {
    self.name = name
    self.mask = mask
  }

  /// `eth0` matches with its NUL, `eth+` matches what begins so, `+` and nothing match all. At most 15 bytes.
  public init(_ text: ArraySlice<UInt8>) {
    self.init()
    let isWildcard = text.last == UInt8(ascii: "+")
    let counted = isWildcard ? text.count - 1 : text.count + 1
    var index = 0
    for byte in text.prefix(16) {
      name |= UInt128(byte) << UInt128(120 - 8 * index)
      index += 1
    }
    mask = text.isEmpty || counted <= 0 ? 0 : counted >= 16 ? .max : ~(UInt128.max >> UInt128(8 * counted))
  }

  public var matchesAll: Bool { mask == 0 }

  /// As save prints it: the masked part, and `+` where the NUL does not count.
  public var text: [UInt8] {
    var result: [UInt8] = []
    for index in 0..<16 {
      let shift = UInt128(120 - 8 * index)
      let counts = (mask >> shift) & 0xff != 0
      let byte = UInt8((name >> shift) & 0xff)
      guard counts else {
        // The kernel's structure keeps the "+" the user wrote; where a blob lacks it, it is implied.
        result.append(UInt8(ascii: "+"))
        return result
      }
      if byte == 0 { return result }
      result.append(byte)
    }
    return result
  }
}

/// The part of a rule that is tested before any match: the corresponding kernel structures are `ipt_ip` and `ip6t_ip6`.
///
/// What it means is its ``condition(_:)``.
public struct RuleHeader: Sendable, Hashable {
  public var source = AddressMask()
  public var destination = AddressMask()
  public var input = InterfacePattern()
  public var output = InterfacePattern()
  /// 0 means any.
  public var protocolNumber: UInt8 = 0
  /// `-p` was given: IPv6 marks that in the structure, even for `-p all`.
  public var isProtocolGiven = false
  /// `-f`, IPv4 only: second and further fragments.
  public var isFragment = false
  public var inverted: Inverted = []

  public init() {}

  /// The tests that are inverted; the bits are the kernel's `IPT_INV_*` and `IP6T_INV_*`, which agree.
  public struct Inverted: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let input = Inverted(rawValue: 0x01)
    public static let output = Inverted(rawValue: 0x02)
    public static let source = Inverted(rawValue: 0x08)
    public static let destination = Inverted(rawValue: 0x10)
    public static let fragment = Inverted(rawValue: 0x20)
    public static let `protocol` = Inverted(rawValue: 0x40)
  }

  /// Nothing is tested: every packet passes.
  public var isUnconditional: Bool { self == RuleHeader() }
}
