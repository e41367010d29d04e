/// What a log line tells beyond addresses and ports; the kernel's `XT_LOG_*`.
public struct LogContent: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let tcpSequence = LogContent(rawValue: 0x01)
  public static let tcpOptions = LogContent(rawValue: 0x02)
  public static let ipOptions = LogContent(rawValue: 0x04)
  public static let owner = LogContent(rawValue: 0x08)
  public static let linkLayer = LogContent(rawValue: 0x20)
  /// What TRACE and the like tell: all but the link layer by name. The corresponding kernel constant is `NF_LOG_DEFAULT_MASK`.
  public static let traced: LogContent = [.tcpSequence, .tcpOptions, .ipOptions, .owner]
}
