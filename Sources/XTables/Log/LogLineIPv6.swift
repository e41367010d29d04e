import Wire

/// Writes IPv6 packets. The corresponding kernel function is `dump_ipv6_packet`.
extension LogLine {
  mutating func addIPv6(at start: Int, isQuoted: Bool) -> Bool {
    guard let header = IPv6Header(bytes, at: start) else {
      text += "TRUNCATED"
      return false
    }
    add("SRC=\(Self.full(header.source))", "DST=\(Self.full(header.destination))")
    add(
      "LEN=\(header.payloadLength + IPv6Header.length)", "TC=\(header.trafficClass)", "HOPLIMIT=\(header.hopLimit)",
      "FLOWLBL=\(header.flowLabel)")
    var number = header.nextHeader
    var at = start + IPv6Header.length
    var isFragment = false
    while number != .none, number.isExtensionHeader || number == .esp {
      guard let next = bytes.uint8(at: at), let units = bytes.uint8(at: at + 1) else {
        text += "TRUNCATED"
        return false
      }
      guard let length = addExtension(number, units: units, at: at, &isFragment) else { return false }
      number = IPProtocol(rawValue: next)
      at += length
    }
    return addTransport(number, at: at, .ipv6, isFragment: isFragment, isQuoted: isQuoted)
  }

  /// Adds one extension header and returns its length in bytes; nil if the kernel stops there.
  private mutating func addExtension(_ number: IPProtocol, units: UInt8, at: Int, _ isFragment: inout Bool) -> Int? {
    let isDetailed = content.contains(.ipOptions)
    if isDetailed { add("OPT", "(") }
    let length: Int
    switch number {
    case .fragment:
      guard let fragment = IPv6FragmentHeader(bytes, at: at) else {
        add("FRAG:TRUNCATED")
        return nil
      }
      add("FRAG:\(fragment.fragmentOffset)")
      if fragment.moreFragments { add("INCOMPLETE") }
      add("ID:\(Self.hex(fragment.identification, digits: 8))")
      if fragment.fragmentOffset != 0 { isFragment = true }
      length = IPv6FragmentHeader.length
    case .ah:
      guard !isDetailed || addSecurity("AH", spiAt: 4, length: AHHeader.minimumLength, at: at, isFragment) else { return nil }
      length = (Int(units) + 2) * 4
    case .esp:
      // Nothing behind an ESP header can be read.
      if isDetailed, addSecurity("ESP", spiAt: 0, length: ESPHeader.length, at: at, isFragment) { text += ")" }
      return nil
    default:
      if isFragment {
        if isDetailed { text += ")" }
        return nil
      }
      length = (Int(units) + 1) * 8
    }
    if isDetailed { add(")") }
    return length
  }

  /// Adds the SPI of an AH or ESP header inside the parentheses. Returns false if the kernel stops there.
  private mutating func addSecurity(_ name: String, spiAt: Int, length: Int, at: Int, _ isFragment: Bool) -> Bool {
    add(name)
    if isFragment {
      text += ")"
      return false
    }
    guard bytes.holds(length, at: at), let index = bytes.uint32(at: at + spiAt) else {
      addIncomplete(at: at)
      text += ")"
      return false
    }
    add("SPI=0x\(String(index, radix: 16))")
    return true
  }

  /// The address with all digits of all eight groups.
  private static func full(_ address: IPv6Address) -> String {
    (0..<8).map { hex(UInt32(truncatingIfNeeded: address.rawValue >> UInt128(112 - 16 * $0) & 0xffff), digits: 4) }
      .joined(separator: ":")
  }
}
