internal import Wire

/// A netlink message to send, or one received: `nlmsghdr` and its payload. Netlink's own multi-byte fields are in the machine's byte
/// order, those of nfnetlink's attributes in network byte order.
package struct NetlinkMessage: Sendable, Equatable {
  package static let headerLength = 16

  /// `nlmsg_type`; for nfnetlink, the high byte is the subsystem.
  package var type: UInt16
  package var flags: UInt16
  package var sequence: UInt32 = 0
  /// The payload after the header: the type's fixed part, then attributes.
  package var body: [UInt8]

  package init(type: UInt16, flags: UInt16 = 0, body: [UInt8] = []) {
    self.type = type
    self.flags = flags
    self.body = body
  }

  /// A message of nfnetlink, starting with `nfgenmsg`.
  package init(subsystem: UInt8, _ message: UInt8, flags: UInt16 = 0, family: UInt8 = 0, resource: UInt16 = 0) {
    self.init(
      type: UInt16(subsystem) << 8 | UInt16(message), flags: flags,
      body: [family, 0, UInt8(resource >> 8), UInt8(resource & 0xFF)])
  }

  package enum Flag {
    package static let request: UInt16 = 1, acknowledge: UInt16 = 4, echo: UInt16 = 8, interrupted: UInt16 = 0x10, dump: UInt16 = 0x300
    package static let create: UInt16 = 0x400, append: UInt16 = 0x800, replace: UInt16 = 0x100, excluding: UInt16 = 0x200
  }

  /// Message types of netlink itself.
  package enum Control {
    package static let error: UInt16 = 2, done: UInt16 = 3, batchBegin: UInt16 = 16, batchEnd: UInt16 = 17
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendHostWord(UInt32(NetlinkMessage.headerLength + body.count))
    bytes.appendHostWord(type)
    bytes.appendHostWord(flags)
    bytes.appendHostWord(sequence)
    bytes.appendHostWord(UInt32(0))
    bytes += body
    bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    return bytes
  }

  /// Splits a datagram into messages. A message with an invalid length ends the list.
  package static func messages(in bytes: [UInt8]) -> [NetlinkMessage] { split(bytes, upTo: bytes.count).messages }

  /// The messages of a datagram; nil if they do not fill it, because it is cut short or damaged.
  ///
  /// - Parameter count: the length of the datagram, which is the beginning of the buffer.
  package static func wholeMessages(in buffer: [UInt8], upTo count: Int) -> [NetlinkMessage]? {
    let (messages, end) = split(buffer, upTo: count)
    return end >= count ? messages : nil
  }

  private static func split(_ bytes: [UInt8], upTo count: Int) -> (messages: [NetlinkMessage], end: Int) {
    var messages: [NetlinkMessage] = []
    var at = 0
    while count - at >= headerLength, let length = bytes.hostWord(UInt32.self, at: at), let type = bytes.hostWord(UInt16.self, at: at + 4),
      let flags = bytes.hostWord(UInt16.self, at: at + 6), let sequence = bytes.hostWord(UInt32.self, at: at + 8),
      Int(length) >= headerLength, Int(length) <= count - at
    {
      var message = NetlinkMessage(type: type, flags: flags, body: Array(bytes[(at + headerLength)..<(at + Int(length))]))
      message.sequence = sequence
      messages.append(message)
      at += (Int(length) + 3) & ~3
    }
    return (messages, at)
  }

  /// The error number of an error message, 0 for an acknowledgement; nil for other messages.
  package var errorNumber: Int32? {
    guard type == Control.error, let value = body.hostWord(Int32.self, at: 0) else { return nil }
    return value == .min ? .max : -value
  }

  // MARK: Attributes

  package mutating func add(_ type: UInt16, _ payload: [UInt8]) {
    body.appendHostWord(UInt16(truncatingIfNeeded: 4 + payload.count))
    body.appendHostWord(type)
    body += payload
    body += [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
  }

  /// Adds a text attribute with its final zero.
  package mutating func add(_ type: UInt16, text: String) { add(type, Array(text.utf8) + [0]) }

  package mutating func add(_ type: UInt16, network16 value: UInt16) { add(type, [UInt8(value >> 8), UInt8(value & 0xFF)]) }

  package mutating func add(_ type: UInt16, network32 value: UInt32) {
    var payload: [UInt8] = []
    payload.appendUInt32(value)
    add(type, payload)
  }

  package mutating func add(_ type: UInt16, host32 value: UInt32) {
    var payload: [UInt8] = []
    payload.appendHostWord(value)
    add(type, payload)
  }

  /// Adds an attribute that contains attributes.
  package mutating func add(_ type: UInt16, nested build: (inout NetlinkMessage) -> Void) {
    var inner = NetlinkMessage(type: 0)
    build(&inner)
    add(type | 0x8000, inner.body)
  }

  /// The attributes after the first `offset` bytes of the body.
  package func attributes(from offset: Int) -> NetlinkAttributes { NetlinkAttributes(Array(body.dropFirst(offset))) }
}

/// Attributes by type. If a type occurs more than once, the last one counts, as in the kernel's `nla_parse`.
package struct NetlinkAttributes: Sendable, Equatable {
  private var payloads: [UInt16: [UInt8]] = [:]

  package init(_ bytes: [UInt8]) {
    var payloads: [UInt16: [UInt8]] = [:]
    Self.forEach(bytes) { payloads[$0] = Array(bytes[$1]) }
    self.payloads = payloads
  }

  private static func forEach(_ bytes: [UInt8], _ body: (_ type: UInt16, _ payload: Range<Int>) -> Void) {
    var at = 0
    while let length = bytes.hostWord(UInt16.self, at: at), let type = bytes.hostWord(UInt16.self, at: at + 2),
      length >= 4, Int(length) <= bytes.count - at
    {
      // The two highest bits flag a nested attribute, or network byte order.
      body(type & 0x3FFF, at + 4..<at + Int(length))
      at += (Int(length) + 3) & ~3
    }
  }

  /// The attributes in each attribute of a type, where one type occurs often.
  package static func list(_ bytes: [UInt8], of wanted: UInt16) -> [NetlinkAttributes] {
    var found: [NetlinkAttributes] = []
    forEach(bytes) { type, range in if type == wanted { found.append(NetlinkAttributes(Array(bytes[range]))) } }
    return found
  }

  package subscript(type: UInt16) -> [UInt8]? { payloads[type] }
  package func nested(_ type: UInt16) -> NetlinkAttributes? { payloads[type].map { NetlinkAttributes($0) } }
  package func uint8(_ type: UInt16) -> UInt8? { payloads[type]?.uint8(at: 0) }
  package func network16(_ type: UInt16) -> UInt16? { payloads[type]?.uint16(at: 0) }
  package func network32(_ type: UInt16) -> UInt32? { payloads[type]?.uint32(at: 0) }
  package func network64(_ type: UInt16) -> UInt64? { payloads[type]?.uint64(at: 0) }
  package func text(_ type: UInt16) -> String? { payloads[type].flatMap { $0.text(at: 0, length: $0.count) } }
}
