package import Wire

/// The TCP options that a SYN proxy reads and writes. The corresponding kernel structure is `synproxy_options`.
package struct SynproxyOptions {
  /// The bits of the options. Kernel: `NF_SYNPROXY_OPT_*`.
  package enum Bit {
    package static let segmentSize: UInt8 = 0x01
    package static let windowScale: UInt8 = 0x02
    package static let selectiveAcknowledgment: UInt8 = 0x04
    package static let timestamp: UInt8 = 0x08
    package static let congestionNotification: UInt8 = 0x10
  }

  /// The options that are present, as bits of ``Bit``.
  package var known: UInt8 = 0
  package var segmentSize: UInt16 = 0
  var windowScale: UInt8 = 0
  var timestamp: UInt32 = 0
  var echoedTimestamp: UInt32 = 0

  func has(_ bit: UInt8) -> Bool { known & bit != 0 }

  /// Parses the options; nil if the header is truncated. The corresponding kernel function is `synproxy_parse_options`.
  package init?(_ packet: Packet, _ segment: TCPHeader, at start: Int) {
    guard segment.dataOffset >= TCPHeader.minimumLength, packet.bytes.holds(segment.dataOffset, at: start) else { return nil }
    let isSYN = segment.flags.contains(.syn)
    for option in segment.options(in: packet.bytes, at: start) {
      switch (option.kind, option.length) {
      case (TCPOptionKind.maximumSegmentSize, 4) where isSYN:
        segmentSize = packet.bytes.uint16(at: option.offset + 2) ?? 0
        known |= SynproxyOptions.Bit.segmentSize
      case (TCPOptionKind.windowScale, 3) where isSYN:
        windowScale = min(packet.bytes.uint8(at: option.offset + 2) ?? 0, 14)
        known |= SynproxyOptions.Bit.windowScale
      case (TCPOptionKind.timestamps, 10):
        timestamp = packet.bytes.uint32(at: option.offset + 2) ?? 0
        echoedTimestamp = packet.bytes.uint32(at: option.offset + 6) ?? 0
        known |= SynproxyOptions.Bit.timestamp
      case (TCPOptionKind.sackPermitted, 2) where isSYN: known |= SynproxyOptions.Bit.selectiveAcknowledgment
      default: break
      }
    }
  }

  /// Encodes the client's options in the low bits of the timestamp that it will echo. The corresponding kernel function is
  /// `synproxy_init_timestamp_cookie`.
  package mutating func encodeInTimestamp(windowScale own: UInt8, milliseconds: UInt64) {
    echoedTimestamp = timestamp
    timestamp = UInt32(truncatingIfNeeded: milliseconds) & ~0x3f
    if known & SynproxyOptions.Bit.windowScale != 0 {
      timestamp |= UInt32(windowScale & 0xf)
      windowScale = own
    } else {
      timestamp |= 0xf
    }
    if known & SynproxyOptions.Bit.selectiveAcknowledgment != 0 { timestamp |= 0x10 }
    if known & SynproxyOptions.Bit.congestionNotification != 0 { timestamp |= 0x20 }
  }

  /// The corresponding kernel function is `synproxy_check_timestamp_cookie`.
  mutating func decodeTimestamp() {
    windowScale = UInt8(echoedTimestamp & 0xf)
    if windowScale != 0xf { known |= SynproxyOptions.Bit.windowScale }
    if echoedTimestamp & 0x10 != 0 { known |= SynproxyOptions.Bit.selectiveAcknowledgment }
    if echoedTimestamp & 0x20 != 0 { known |= SynproxyOptions.Bit.congestionNotification }
  }

  /// The options as bytes, each aligned to a 32-bit word. The corresponding kernel function is `synproxy_build_options`.
  package var bytes: [UInt8] {
    var result: [UInt8] = []
    let permitsSelective = known & SynproxyOptions.Bit.selectiveAcknowledgment != 0
    if known & SynproxyOptions.Bit.segmentSize != 0 {
      result += [TCPOptionKind.maximumSegmentSize, 4]
      result.appendUInt16(segmentSize)
    }
    let selective = permitsSelective ? [TCPOptionKind.sackPermitted, 2] : [TCPOptionKind.noOperation, TCPOptionKind.noOperation]
    if known & SynproxyOptions.Bit.timestamp != 0 {
      result += selective + [TCPOptionKind.timestamps, 10]
      result.appendUInt32(timestamp)
      result.appendUInt32(echoedTimestamp)
    } else if permitsSelective {
      result += [TCPOptionKind.noOperation, TCPOptionKind.noOperation] + selective
    }
    if known & SynproxyOptions.Bit.windowScale != 0 {
      result += [TCPOptionKind.noOperation, TCPOptionKind.windowScale, 3, windowScale]
    }
    return result
  }
}
