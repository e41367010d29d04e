/// The optional content of a log line; the kernel's `XT_LOG_*`.
public struct LogContent: OptionSet, BitwiseCopyable, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt8

  /// Creates a set from the kernel's bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// TCP sequence and acknowledgement numbers.
  public static let tcpSequence = LogContent(rawValue: 0x01)
  /// TCP options as hexadecimal bytes.
  public static let tcpOptions = LogContent(rawValue: 0x02)
  /// IP options as hexadecimal bytes.
  public static let ipOptions = LogContent(rawValue: 0x04)
  /// User and group of the sending socket.
  public static let owner = LogContent(rawValue: 0x08)
  /// The link-layer header field by field.
  public static let linkLayer = LogContent(rawValue: 0x20)
  /// The content for TRACE and other callers without options: all but the decoded link layer. The corresponding kernel constant is
  /// `NF_LOG_DEFAULT_MASK`.
  public static let traced: LogContent = [.tcpSequence, .tcpOptions, .ipOptions, .owner]
}
