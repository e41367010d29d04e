import Wire

/// Replaces addresses consistently: equal addresses get equal replacements.
///
/// Addresses with a common prefix keep a common prefix of the same length. Private, public and link-local addresses stay in their ranges.
/// Loopback, multicast and documentation addresses are unchanged. Host bits of kept networks are unchanged, so broadcast addresses
/// remain broadcast addresses.
struct AddressRedaction {
  private struct Prefix {
    let bits: UInt128
    let length: Int

    /// True if the first `count` bits of an address equal those of the prefix.
    func agrees(_ address: UInt128, _ count: Int) -> Bool { (bits ^ address) >> UInt128(128 - count) == 0 || count == 0 }
  }

  private let key: (UInt64, UInt64)
  /// Networks whose host bits are kept, left-aligned.
  private var kept: [Family: [Prefix]] = [:]

  init(key: (UInt64, UInt64)) { self.key = key }

  /// Keeps the bits after a prefix.
  mutating func keep(_ address: IPAddress, _ length: Int) {
    kept[address.family, default: []].append(Prefix(bits: AddressRedaction.aligned(address), length: length))
  }

  /// Keeps the order of two addresses that form a range.
  mutating func keepOrder(_ first: IPAddress, _ last: IPAddress) {
    guard first.family == last.family else { return }
    keep(first, (AddressRedaction.aligned(first) ^ AddressRedaction.aligned(last)).leadingZeroBitCount)
  }

  private static func aligned(_ address: IPAddress) -> UInt128 { address.bits << UInt128(128 - address.family.addressBits) }

  func replacement(for address: IPAddress) -> IPAddress {
    let family = address.family
    let bits = AddressRedaction.aligned(address)
    let special = family == .ipv4 ? AddressRedaction.special4 : AddressRedaction.special6
    if special.contains(where: { $0.stays && $0.prefix.agrees(bits, $0.prefix.length) }) { return address }
    let end = kept[family, default: []].filter { $0.agrees(bits, $0.length) }.map(\.length).min() ?? .max
    var result = bits
    for depth in 0..<min(end, family == .ipv4 ? 24 : 128) {
      // A prefix that contains several kinds of addresses must not be mixed.
      if special.contains(where: { $0.prefix.length > depth && $0.prefix.agrees(bits, depth) }) { continue }
      // Small host numbers are kept: 2001:db8::1 remains the first address of its network.
      if family == .ipv6, depth >= 64, (bits << 64) >> UInt128(192 - depth) == 0 { continue }
      if flips(bits, depth, family) { result ^= 1 << UInt128(127 - depth) }
    }
    return IPAddress(family: family, bits: result >> UInt128(128 - family.addressBits))
  }

  /// A pseudo-random bit derived from the key and the preceding bits.
  private func flips(_ bits: UInt128, _ depth: Int, _ family: Family) -> Bool {
    let prefix = depth == 0 ? 0 : bits >> UInt128(128 - depth)
    return SipHash.hash(
      [UInt64(truncatingIfNeeded: prefix), UInt64(truncatingIfNeeded: prefix >> 64), UInt64(depth) << 8 | UInt64(family.rawValue)], key: key
    ) & 1 == 1
  }

  /// Replaces a hardware address; keeps the group bit and the locally-administered bit.
  func replacement(for address: MACAddress) -> MACAddress {
    let isGroup = address.rawValue >> 40 & 1 == 1
    guard !isGroup, address.rawValue != 0 else { return address }
    let fresh = SipHash.hash([address.rawValue], key: key) & 0xFCFF_FFFF_FFFF
    return MACAddress(rawValue: fresh | address.rawValue & 0x0300_0000_0000)
  }

  // MARK: Kinds of addresses

  private static let special4 = [
    ("0.0.0.0", 8, true), ("10.0.0.0", 8, false), ("100.64.0.0", 10, false), ("127.0.0.0", 8, true), ("169.254.0.0", 16, false),
    ("172.16.0.0", 12, false), ("192.0.2.0", 24, true), ("192.168.0.0", 16, false), ("198.51.100.0", 24, true),
    ("203.0.113.0", 24, true), ("224.0.0.0", 4, true), ("240.0.0.0", 4, true),
  ].map(special)

  private static let special6 = [
    ("::", 8, true), ("64:ff9b::", 96, true), ("2001:db8::", 32, true), ("fc00::", 7, false), ("fe80::", 64, false), ("ff00::", 8, true),
    ("2000::", 3, false),
  ].map(special)

  private static func special(_ text: String, _ length: Int, _ stays: Bool) -> (prefix: Prefix, stays: Bool) {
    (Prefix(bits: IPAddress(text).map(aligned) ?? 0, length: length), stays)
  }
}

/// SipHash-2-4 over whole words, a keyed pseudo-random function (Aumasson and Bernstein, 2012).
enum SipHash {
  static func hash(_ words: [UInt64], key: (UInt64, UInt64)) -> UInt64 {
    var v: (UInt64, UInt64, UInt64, UInt64) = (
      key.0 ^ 0x736F_6D65_7073_6575, key.1 ^ 0x646F_7261_6E64_6F6D, key.0 ^ 0x6C79_6765_6E65_7261, key.1 ^ 0x7465_6462_7974_6573
    )
    func turn(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
    func round() {
      v.0 &+= v.1
      v.1 = turn(v.1, 13) ^ v.0
      v.0 = turn(v.0, 32)
      v.2 &+= v.3
      v.3 = turn(v.3, 16) ^ v.2
      v.0 &+= v.3
      v.3 = turn(v.3, 21) ^ v.0
      v.2 &+= v.1
      v.1 = turn(v.1, 17) ^ v.2
      v.2 = turn(v.2, 32)
    }
    for word in words + [UInt64(words.count * 8) << 56] {
      v.3 ^= word
      for _ in 0..<2 { round() }
      v.0 ^= word
    }
    v.2 ^= 0xFF
    for _ in 0..<4 { round() }
    return v.0 ^ v.1 ^ v.2 ^ v.3
  }
}
