import Wire

/// The result of processing the IPv6 extension headers at local delivery.
enum ExtensionHeaderWay {
  /// All headers are valid; the byte with the transport protocol's number is at `pointer`.
  case transport(pointer: Int)
  case dropped
  /// A parameter problem is sent to the sender.
  case problem(code: UInt8, pointer: Int)
}

extension Packet {
  /// Processes the extension headers. The corresponding kernel function is `ip6_protocol_deliver_rcu`, with the handlers of `net/ipv6/exthdrs.c`.
  var extensionHeaderWay: ExtensionHeaderWay {
    var pointer = IPv6Header.Offset.nextHeader
    guard family == .ipv6, let walk = IPv6ExtensionHeaders(bytes) else { return .transport(pointer: pointer) }
    for header in walk {
      switch header.proto {
      case .destinationOptions:
        if let end = destinationOptions(header) { return end }
      case .routing:
        if let end = routing(header) { return end }
      // Authentication headers are not supported by the simulated host.
      case .ah: return .problem(code: 1, pointer: pointer)
      default: break
      }
      pointer = header.offset
    }
    return .transport(pointer: pointer)
  }

  /// The fault in the destination options; nil if they are valid. The corresponding kernel function is `ip6_parse_tlv`.
  private func destinationOptions(_ header: IPv6ExtensionHeader) -> ExtensionHeaderWay? {
    guard bytes.holds(header.length, at: header.offset) else { return .dropped }
    var at = header.offset + 2
    let end = header.offset + header.length
    var padding = 0
    while at < end, let kind = bytes.uint8(at: at) {
      guard kind != 0 else {
        padding += 1
        if padding > 7 { return .dropped }
        at += 1
        continue
      }
      guard at + 2 <= end, let count = bytes.uint8(at: at + 1).map({ Int($0) + 2 }), at + count <= end else { return .dropped }
      if kind == 1 {
        padding += count
        guard padding <= 7, bytes[(at + 2)..<(at + count)].allSatisfy({ $0 == 0 }) else { return .dropped }
      } else {
        // The two highest bits give the action for an unknown option (RFC 8200, section 4.2).
        switch kind >> 6 {
        case 0: break
        case 1: return .dropped
        case 3 where destination?.isMulticast == true: return .dropped
        default: return .problem(code: 2, pointer: at)
        }
        padding = 0
      }
      at += count
    }
    return nil
  }

  /// Checks a routing header. The corresponding kernel function is `ipv6_rthdr_rcv`, with segment routing (`seg6_enabled`, `rpl_seg_enabled`) off.
  private func routing(_ header: IPv6ExtensionHeader) -> ExtensionHeaderWay? {
    guard destination?.isMulticast != true, type == .host, let kind = bytes.uint8(at: header.offset + 2),
      let left = bytes.uint8(at: header.offset + 3), bytes.holds(header.length, at: header.offset)
    else { return .dropped }
    // Types 3 and 4 are segment routing. Type 2, Mobile IPv6, is unknown to a kernel without Mobile IPv6.
    if kind == 3 || kind == 4 { return .dropped }
    return left == 0 ? nil : .problem(code: 0, pointer: header.offset + 2)
  }
}
