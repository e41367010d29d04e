import Wire

/// Writes transport headers. The corresponding kernel functions are `nf_log_dump_tcp_header`, `nf_log_dump_udp_header` and the
/// later parts of `dump_ipv4_packet` and `dump_ipv6_packet`.
extension LogLine {
  mutating func addTransport(
    _ number: IPProtocol, at: Int, _ family: Family, isFragment: Bool, isQuoted: Bool
  ) -> Bool {
    switch (number, family) {
    case (.tcp, _): return addTCP(at: at, isFragment)
    case (.udp, _), (.udplite, _): return addUDP(number, at: at, isFragment)
    case (.icmp, .ipv4):
      addICMP(at: at, isFragment, isQuoted)
      return true
    case (.icmpv6, .ipv6): return addICMPv6(at: at, isFragment, isQuoted)
    case (.ah, .ipv4): addIndex("AH", at: at, spiAt: 4, length: AHHeader.minimumLength, isFragment)
    case (.esp, .ipv4): addIndex("ESP", at: at, spiAt: 0, length: ESPHeader.length, isFragment)
    default: add("PROTO=\(number.rawValue)")
    }
    return true
  }

  private mutating func addTCP(at: Int, _ isFragment: Bool) -> Bool {
    add("PROTO=TCP")
    if isFragment { return true }
    guard let header = TCPHeader(bytes, at: at) else {
      addIncomplete(at: at)
      return false
    }
    add("SPT=\(header.sourcePort)", "DPT=\(header.destinationPort)")
    if content.contains(.tcpSequence) { add("SEQ=\(header.sequence)", "ACK=\(header.acknowledgment)") }
    add("WINDOW=\(header.window)", "RES=0x\(Self.hex(UInt32(header.reserved & 0x0e) << 2, digits: 2))")
    if header.reserved & 1 != 0 { add("AE") }
    let flags: [(TCPFlags, String)] = [
      (.cwr, "CWR"), (.ece, "ECE"), (.urg, "URG"), (.ack, "ACK"), (.psh, "PSH"), (.rst, "RST"), (.syn, "SYN"), (.fin, "FIN"),
    ]
    for (flag, name) in flags where header.flags.contains(flag) { add(name) }
    add("URGP=\(header.urgentPointer)")
    if content.contains(.tcpOptions), header.dataOffset > TCPHeader.minimumLength {
      let length = header.dataOffset - TCPHeader.minimumLength
      let options = bytes.slice(at: at + TCPHeader.minimumLength, length: length)
      guard options.count == length else {
        text += "OPT (TRUNCATED)"
        return false
      }
      addOptions(options)
    }
    return true
  }

  private mutating func addUDP(_ number: IPProtocol, at: Int, _ isFragment: Bool) -> Bool {
    add(number == .udp ? "PROTO=UDP" : "PROTO=UDPLITE")
    if isFragment { return true }
    guard let header = UDPHeader(bytes, at: at) else {
      addIncomplete(at: at)
      return false
    }
    add("SPT=\(header.sourcePort)", "DPT=\(header.destinationPort)", "LEN=\(header.length)")
    return true
  }

  private mutating func addIndex(_ name: String, at: Int, spiAt: Int, length: Int, _ isFragment: Bool) {
    // The kernel writes nothing for a later fragment of AH, not even its name.
    if isFragment, name == "AH" { return }
    add("PROTO=\(name)")
    if isFragment { return }
    guard bytes.holds(length, at: at), let index = bytes.uint32(at: at + spiAt) else { return addIncomplete(at: at) }
    add("SPI=0x\(String(index, radix: 16))")
  }

  /// The number of bytes that a message of each type needs to be written completely.
  private static func requiredLength(_ type: UInt8) -> Int {
    switch type {
    case 0, 8: 4
    case 3, 4, 5, 11, 12: 28
    case 13, 14: 20
    case 17, 18: 12
    default: 0
    }
  }

  private mutating func addICMP(at: Int, _ isFragment: Bool, _ isQuoted: Bool) {
    add("PROTO=ICMP")
    if isFragment { return }
    guard let header = ICMPHeader(bytes, at: at) else { return addIncomplete(at: at) }
    add("TYPE=\(header.type)", "CODE=\(header.code)")
    guard bytes.count - at >= Self.requiredLength(header.type) else { return addIncomplete(at: at) }
    switch header.type {
    case 0, 8: add("ID=\(header.identifier)", "SEQ=\(header.sequence)")
    case 12: add("PARAMETER=\(header.rest >> 24)")
    case 3, 4, 5, 11:
      if header.type == 5 { add("GATEWAY=\(IPv4Address(rawValue: header.rest))") }
      // A packet that is quoted by a quoted packet is not written.
      if !isQuoted {
        text += "["
        _ = addIPv4(at: at + ICMPHeader.length, isQuoted: true)
        add("]")
      }
      if header.type == 3, header.code == 4 { add("MTU=\(header.sequence)") }
    default: break
    }
  }

  private mutating func addICMPv6(at: Int, _ isFragment: Bool, _ isQuoted: Bool) -> Bool {
    add("PROTO=ICMPv6")
    if isFragment { return true }
    guard let header = ICMPHeader(bytes, at: at) else {
      addIncomplete(at: at)
      return false
    }
    add("TYPE=\(header.type)", "CODE=\(header.code)")
    switch header.type {
    case 128, 129: add("ID=\(header.identifier)", "SEQ=\(header.sequence)")
    case 1, 2, 3, 4:
      if header.type == 4 { add("POINTER=\(Self.hex(header.rest, digits: 8))") }
      if !isQuoted {
        text += "["
        _ = addIPv6(at: at + ICMPHeader.length, isQuoted: true)
        add("]")
      }
      if header.type == 2 { add("MTU=\(header.rest)") }
    default: break
    }
    return true
  }
}
