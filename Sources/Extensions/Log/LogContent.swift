/// What a log line tells beyond addresses and ports; the kernel's `XT_LOG_*`.
struct LogContent: OptionSet, BitwiseCopyable, Sendable {
  let rawValue: UInt8

  static let tcpSequence = LogContent(rawValue: 0x01)
  static let tcpOptions = LogContent(rawValue: 0x02)
  static let ipOptions = LogContent(rawValue: 0x04)
  static let owner = LogContent(rawValue: 0x08)
  static let linkLayer = LogContent(rawValue: 0x20)
}
