import Wire

/// A pcapng file with a comment on every packet (`draft-ietf-opsawg-pcapng`). libpcap cannot write comments.
///
/// Numbers are written in little-endian order. Timestamps are in nanoseconds.
public struct AnnotatedCapture: Sendable {
  /// A packet with its comment.
  public struct Packet: Sendable {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    public var time: UInt64
    /// The name of the interface, as the pcapng interface block carries it.
    public var interface: String
    /// True if the packet was received on the interface, false if it was sent.
    public var isArriving: Bool
    /// The packet's bytes from the network header on.
    public var bytes: [UInt8]
    /// The packet comment, as Wireshark shows it.
    public var comment: String

    /// Creates a packet; parameters as the properties of the same names.
    public init(time: UInt64, interface: String, isArriving: Bool, bytes: [UInt8], comment: String) {
      self.time = time
      self.interface = interface
      self.isArriving = isArriving
      self.bytes = bytes
      self.comment = comment
    }
  }

  private enum Block {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    static let packet: UInt32 = 6
  }

  private enum Option {
    static let comment: UInt16 = 1
    static let interfaceName: UInt16 = 2
    static let packetFlags: UInt16 = 2
    static let writer: UInt16 = 4
    static let timeResolution: UInt16 = 9
  }

  /// Ethernet. The raw IP link type works for one interface only: libpcap refuses a file with several raw interfaces, because it compares
  /// the number in the file with its own.
  private static let linkType: UInt16 = 1

  /// The file so far.
  public private(set) var bytes: [UInt8] = []
  private var interfaces: [String: UInt32] = [:]

  /// Creates a file that holds the section header block and no packets.
  public init() {
    var body: [UInt8] = []
    body.appendLittle(0x1A2B_3C4D as UInt32)
    body.appendLittle(1 as UInt16)
    body.appendLittle(0 as UInt16)
    // The section length is unspecified.
    body.appendLittle(UInt64.max)
    body.appendOption(Option.writer, Array("ferrule".utf8))
    body.endOptions()
    append(Block.section, body)
  }

  /// Appends an enhanced packet block. A new interface's description block precedes it.
  public mutating func append(_ packet: Packet) {
    let interface = number(of: packet.interface)
    let frame = AnnotatedCapture.frame(packet.bytes)
    var body: [UInt8] = []
    body.appendLittle(interface)
    body.appendLittle(UInt32(truncatingIfNeeded: packet.time >> 32))
    body.appendLittle(UInt32(truncatingIfNeeded: packet.time))
    body.appendLittle(UInt32(clamping: frame.count))
    body.appendLittle(UInt32(clamping: frame.count))
    body += frame
    body.padToWord()
    var flags: [UInt8] = []
    flags.appendLittle((packet.isArriving ? 1 : 2) as UInt32)
    body.appendOption(Option.packetFlags, flags)
    if !packet.comment.isEmpty { body.appendOption(Option.comment, Array(packet.comment.utf8)) }
    body.endOptions()
    append(Block.packet, body)
  }

  /// The packet in an Ethernet frame with zero addresses.
  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: 12)
    frame.appendUInt16(bytes.first.map { $0 >> 4 } == 6 ? 0x86DD : 0x0800)
    return frame + bytes
  }

  /// The number of an interface. Appends its description block at its first use.
  private mutating func number(of name: String) -> UInt32 {
    if let number = interfaces[name] { return number }
    let number = UInt32(interfaces.count)
    interfaces[name] = number
    var body: [UInt8] = []
    body.appendLittle(Self.linkType)
    body.appendLittle(0 as UInt16)
    body.appendLittle(0 as UInt32)
    body.appendOption(Option.interfaceName, Array(name.utf8))
    body.appendOption(Option.timeResolution, [9])
    body.endOptions()
    append(Block.interface, body)
    return number
  }

  /// Appends a block: type, length, body, and the length again.
  private mutating func append(_ type: UInt32, _ body: [UInt8]) {
    let length = UInt32(clamping: body.count + 12)
    bytes.appendLittle(type)
    bytes.appendLittle(length)
    bytes += body
    bytes.appendLittle(length)
  }
}

extension [UInt8] {
  fileprivate mutating func appendLittle<Word: FixedWidthInteger>(_ value: Word) {
    for shift in stride(from: 0, to: Word.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> Word(shift))) }
  }

  fileprivate mutating func padToWord() { while count % 4 != 0 { append(0) } }

  /// Appends an option: code, length and value. A value longer than 65,535 bytes is cut off.
  fileprivate mutating func appendOption(_ code: UInt16, _ value: [UInt8]) {
    let value = value.prefix(Int(UInt16.max))
    appendLittle(code)
    appendLittle(UInt16(value.count))
    self += value
    padToWord()
  }

  fileprivate mutating func endOptions() { appendLittle(0 as UInt32) }
}
