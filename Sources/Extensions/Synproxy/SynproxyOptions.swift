import Wire

/// The options of TCP a SYN proxy reads and writes. The corresponding kernel structure is `synproxy_options`.
struct SynproxyOptions {
  /// Which of them there are, with the bits of ``SynproxyTarget/Bit``.
  var known: UInt8 = 0
  var segmentSize: UInt16 = 0
  private var windowScale: UInt8 = 0
  private var timestamp: UInt32 = 0
  private var echoedTimestamp: UInt32 = 0

  /// Nothing where the header is cut short. The corresponding kernel function is `synproxy_parse_options`.
  init?(_ packet: Packet, _ segment: TCPHeader, at start: Int) {
    guard segment.dataOffset >= TCPHeader.minimumLength, packet.bytes.holds(segment.dataOffset, at: start) else { return nil }
    let isSYN = segment.flags.contains(.syn)
    for option in segment.options(in: packet.bytes, at: start) {
      switch (option.kind, option.length) {
      case (TCPOptionKind.maximumSegmentSize, 4) where isSYN:
        segmentSize = packet.bytes.uint16(at: option.offset + 2) ?? 0
        known |= SynproxyTarget.Bit.segmentSize
      case (TCPOptionKind.windowScale, 3) where isSYN:
        windowScale = min(packet.bytes.uint8(at: option.offset + 2) ?? 0, 14)
        known |= SynproxyTarget.Bit.windowScale
      case (TCPOptionKind.timestamps, 10):
        timestamp = packet.bytes.uint32(at: option.offset + 2) ?? 0
        echoedTimestamp = packet.bytes.uint32(at: option.offset + 6) ?? 0
        known |= SynproxyTarget.Bit.timestamp
      case (TCPOptionKind.sackPermitted, 2) where isSYN: known |= SynproxyTarget.Bit.selectiveAcknowledgment
      default: break
      }
    }
  }

  /// Keeps what the client knows in the low bits of the timestamp it will echo. The corresponding kernel function is
  /// `synproxy_init_timestamp_cookie`.
  mutating func encodeInTimestamp(windowScale own: UInt8, milliseconds: UInt64) {
    echoedTimestamp = timestamp
    timestamp = UInt32(truncatingIfNeeded: milliseconds) & ~0x3f
    if known & SynproxyTarget.Bit.windowScale != 0 {
      timestamp |= UInt32(windowScale & 0xf)
      windowScale = own
    } else {
      timestamp |= 0xf
    }
    if known & SynproxyTarget.Bit.selectiveAcknowledgment != 0 { timestamp |= 0x10 }
    if known & SynproxyTarget.Bit.congestionNotification != 0 { timestamp |= 0x20 }
  }

  /// The corresponding kernel function is `synproxy_check_timestamp_cookie`.
  mutating func decodeTimestamp() {
    windowScale = UInt8(echoedTimestamp & 0xf)
    if windowScale != 0xf { known |= SynproxyTarget.Bit.windowScale }
    if echoedTimestamp & 0x10 != 0 { known |= SynproxyTarget.Bit.selectiveAcknowledgment }
    if echoedTimestamp & 0x20 != 0 { known |= SynproxyTarget.Bit.congestionNotification }
  }

  /// Laid out as the kernel does, each on a word. The corresponding kernel function is `synproxy_build_options`.
  var bytes: [UInt8] {
    var result: [UInt8] = []
    let permitsSelective = known & SynproxyTarget.Bit.selectiveAcknowledgment != 0
    if known & SynproxyTarget.Bit.segmentSize != 0 {
      result += [TCPOptionKind.maximumSegmentSize, 4]
      result.appendUInt16(segmentSize)
    }
    let selective = permitsSelective ? [TCPOptionKind.sackPermitted, 2] : [TCPOptionKind.noOperation, TCPOptionKind.noOperation]
    if known & SynproxyTarget.Bit.timestamp != 0 {
      result += selective + [TCPOptionKind.timestamps, 10]
      result.appendUInt32(timestamp)
      result.appendUInt32(echoedTimestamp)
    } else if permitsSelective {
      result += [TCPOptionKind.noOperation, TCPOptionKind.noOperation] + selective
    }
    if known & SynproxyTarget.Bit.windowScale != 0 {
      result += [TCPOptionKind.noOperation, TCPOptionKind.windowScale, 3, windowScale]
    }
    return result
  }
}
