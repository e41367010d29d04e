import Wire

/// A pcapng file with a remark on every packet, which libpcap cannot write: RFC draft `draft-ietf-opsawg-pcapng`.
///
/// The numbers of the blocks are written in little-endian order. Times are nanoseconds.
public struct AnnotatedCapture: Sendable {
  /// A packet with what there is to say about it.
  public struct Packet: Sendable {
    /// Nanoseconds since 1970.
    public var time: UInt64
    /// The name of the interface, as the pcapng interface block carries it.
    public var interface: String
    /// It came in by the interface; else it left by it.
    public var isArriving: Bool
    /// From the network header on.
    public var bytes: [UInt8]
    /// What Wireshark shows as the packet's comment.
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

  /// Ethernet. The type for packets without a frame would do for one interface only: libpcap refuses a file with several of it,
  /// because it holds the number in the file against its own.
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
    // How long the section is, is not said.
    body.appendLittle(UInt64.max)
    body.appendOption(Option.writer, Array("ferrule".utf8))
    body.endOptions()
    append(Block.section, body)
  }

  /// Appends an enhanced packet block, and before it an interface block where the interface is new.
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

  /// The packet in a frame whose addresses say nothing.
  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: 12)
    frame.appendUInt16(bytes.first.map { $0 >> 4 } == 6 ? 0x86DD : 0x0800)
    return frame + bytes
  }

  /// The number of an interface, which is described when it first occurs.
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

  /// Type, length, body, and the length again.
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

  /// Code, length and value; a value longer than the length can say is cut off.
  fileprivate mutating func appendOption(_ code: UInt16, _ value: [UInt8]) {
    let value = value.prefix(Int(UInt16.max))
    appendLittle(code)
    appendLittle(UInt16(value.count))
    self += value
    padToWord()
  }

  fileprivate mutating func endOptions() { appendLittle(0 as UInt32) }
}
