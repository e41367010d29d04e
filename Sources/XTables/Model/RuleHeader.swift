public import Wire

/// An address and its mask. IPv4 addresses are in the low 32 bits.
public struct AddressMask: Sendable, Hashable {
  /// The address as a number, the first byte most significant.
  public var address: UInt128
  /// The mask in the same form; 0 matches any address.
  public var mask: UInt128

  /// Creates an address with a mask; by default any address.
  public init(address: UInt128 = 0, mask: UInt128 = 0) {
    self.address = address
    self.mask = mask
  }

  /// The mask of a prefix length, from 0 to 32 or 128 bits.
  public static func mask(prefix: Int, _ family: Family) -> UInt128 {
    let bits = family == .ipv4 ? 32 : 128
    guard prefix > 0 else { return 0 }
    let full: UInt128 = family == .ipv4 ? 0xffff_ffff : .max
    return prefix >= bits ? full : full & ~(full >> UInt128(prefix))
  }

  /// The prefix length of the mask; nil if the mask is not contiguous.
  public func prefix(_ family: Family) -> Int? {
    let count = mask.nonzeroBitCount
    return mask == Self.mask(prefix: count, family) ? count : nil
  }
}

/// An interface name and the mask of the bytes that are compared.
///
/// The corresponding C function is `xtables_parse_interface`. Both are 16 bytes as in memory, the first byte most significant.
public struct InterfacePattern: Sendable, Hashable {
  /// The name; unused bytes are zero.
  public var name: UInt128
  /// The mask; 0 matches any interface.
  public var mask: UInt128

  /// Creates a pattern from numbers; by default any interface.
  public init(name: UInt128 = 0, mask: UInt128 = 0) {
    self.name = name
    self.mask = mask
  }

  /// Parses a pattern. `eth0` is compared with its NUL, `eth+` matches all names with that prefix, `+` and empty text match all
  /// names. At most 15 bytes are used.
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

  /// Whether every interface matches.
  public var matchesAll: Bool { mask == 0 }

  /// The pattern as iptables-save prints it: the masked part, and `+` if the NUL is not compared.
  public var text: [UInt8] {
    var result: [UInt8] = []
    for index in 0..<16 {
      let shift = UInt128(120 - 8 * index)
      let counts = (mask >> shift) & 0xff != 0
      let byte = UInt8((name >> shift) & 0xff)
      guard counts else {
        // The kernel's structure keeps the "+" that the user wrote. If a blob lacks it, it is implied.
        result.append(UInt8(ascii: "+"))
        return result
      }
      if byte == 0 { return result }
      result.append(byte)
    }
    return result
  }
}

/// The part of a rule that is tested before any match. The corresponding kernel structures are `ipt_ip` and `ip6t_ip6`.
///
/// Its meaning is ``condition(_:)``.
public struct RuleHeader: Sendable, Hashable {
  /// `-s`.
  public var source = AddressMask()
  /// `-d`.
  public var destination = AddressMask()
  /// `-i`.
  public var input = InterfacePattern()
  /// `-o`.
  public var output = InterfacePattern()
  /// `-p`; 0 for any protocol.
  public var protocolNumber: UInt8 = 0
  /// Whether `-p` was given. IPv6 stores that in the structure, even for `-p all`.
  public var isProtocolGiven = false
  /// `-f`, for IPv4 only: whether the rule tests for second and further fragments.
  public var isFragment = false
  /// The tests that are inverted with `!`.
  public var inverted: Inverted = []

  /// Creates a header that matches every packet.
  public init() {}

  /// A set of inverted tests. The bits are the kernel's `IPT_INV_*` and `IP6T_INV_*`, which are equal.
  public struct Inverted: OptionSet, Sendable, Hashable {
    /// The kernel's bits.
    public let rawValue: UInt8

    /// Creates a set from the kernel's bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `! -i` (`IPT_INV_VIA_IN`).
    public static let input = Inverted(rawValue: 0x01)
    /// `! -o` (`IPT_INV_VIA_OUT`).
    public static let output = Inverted(rawValue: 0x02)
    /// `! -s` (`IPT_INV_SRCIP`).
    public static let source = Inverted(rawValue: 0x08)
    /// `! -d` (`IPT_INV_DSTIP`).
    public static let destination = Inverted(rawValue: 0x10)
    /// `! -f` (`IPT_INV_FRAG`).
    public static let fragment = Inverted(rawValue: 0x20)
    /// `! -p` (`IPT_INV_PROTO`).
    public static let `protocol` = Inverted(rawValue: 0x40)
  }

  /// Whether nothing is tested, so that every packet matches.
  public var isUnconditional: Bool { self == RuleHeader() }
}
