internal import Compiler
internal import Netfilter
internal import Wire
internal import XTables

/// Builds a transaction of nf_tables, message by message, in one buffer.
struct NftBatch {
  private(set) var bytes: [UInt8] = []
  /// The sequence number of the last message.
  private(set) var last: UInt32 = 0
  /// The places of the messages, by the sequence number of the first of successive rules: few, so that an error finds its rule.
  private var marks: [Mark] = []
  private typealias Mark = (sequence: UInt32, table: Int, chain: String, rule: Int)
  /// The number of messages that add a rule.
  private(set) var addedRules = 0
  private var start = 0

  /// - Parameter generation: the transaction is refused if the ruleset has changed since.
  init(generation: UInt32, capacity: Int) {
    bytes.reserveCapacity(capacity)
    begin(NetlinkMessage.Control.batchBegin, flags: 0, family: 0, resource: UInt16(NftNumber.subsystem))
    number(1, generation)
    end()
  }

  /// Ends the batch. The last message before asks for an acknowledgement, which the kernel sends after all others.
  mutating func finish() {
    let last = last
    bytes[start + 6] |= UInt8(NetlinkMessage.Flag.acknowledge)
    begin(NetlinkMessage.Control.batchEnd, flags: 0, family: 0, resource: UInt16(NftNumber.subsystem))
    end()
    self.last = last
  }

  /// Asks the kernel to send back each rule that is added, as it has stored it.
  mutating func requestEchoes() {
    var at = 0
    while let length = bytes.hostWord(UInt32.self, at: at), let type = bytes.hostWord(UInt16.self, at: at + 4) {
      if type == NftBatch.newRule { bytes[at + 6] |= UInt8(NetlinkMessage.Flag.echo) }
      at += Int(length)
    }
  }

  static let newRule = UInt16(NftNumber.subsystem) << 8 | UInt16(NftNumber.Message.newRule)

  /// The table's index and the chain and number of the rule that a message adds; nil for other messages.
  func place(of sequence: UInt32) -> (table: Int, chain: String, rule: Int)? {
    guard let mark = mark(of: sequence), !mark.chain.isEmpty else { return nil }
    return (mark.table, mark.chain, mark.rule + Int(sequence - mark.sequence))
  }

  /// The index of the table that a message concerns.
  func table(of sequence: UInt32) -> Int? { mark(of: sequence)?.table }

  private func mark(of sequence: UInt32) -> Mark? {
    var (low, high) = (0, marks.count)
    while low < high {
      let middle = (low + high) / 2
      if marks[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? marks[low - 1] : nil
  }

  /// Says what the messages from here on concern.
  ///
  /// - Parameters:
  ///   - chain: the chain to which each adds a rule; empty for other messages.
  ///   - rule: the number of the first rule.
  mutating func mark(table: Int, chain: String = "", rule: Int = 1) { marks.append((last + 1, table, chain, rule)) }

  // MARK: Messages

  mutating func begin(_ type: UInt16, flags: UInt16, family: UInt8, resource: UInt16 = 0) {
    start = bytes.count
    last += 1
    bytes.appendHostWord(UInt32(0))
    bytes.appendHostWord(type)
    bytes.appendHostWord(flags | NetlinkMessage.Flag.request)
    bytes.appendHostWord(last)
    bytes.appendHostWord(UInt32(0))
    bytes += [family, 0, UInt8(resource >> 8), UInt8(resource & 0xff)]
  }

  mutating func end() { bytes.put(UInt32(truncatingIfNeeded: bytes.count - start), at: start) }

  mutating func attribute(_ type: UInt16, _ payload: [UInt8]) {
    head(type, payload.count)
    bytes.append(contentsOf: payload)
    pad()
  }

  private mutating func head(_ type: UInt16, _ size: Int) {
    bytes.appendHostWord(UInt16(truncatingIfNeeded: 4 + size))
    bytes.appendHostWord(type)
  }

  private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }

  /// An attribute with a text and its final zero.
  mutating func text(_ type: UInt16, _ text: String) {
    head(type, text.utf8.count + 1)
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
    pad()
  }

  mutating func number(_ type: UInt16, _ value: UInt32) { word(type, value) }
  mutating func number16(_ type: UInt16, _ value: UInt16) { word(type, value) }
  mutating func number64(_ type: UInt16, _ value: UInt64) { word(type, value) }

  /// An attribute with a number in network byte order.
  private mutating func word(_ type: UInt16, _ value: some FixedWidthInteger) {
    head(type, value.bitWidth / 8)
    bytes.appendHostWord(value.byteSwapped)
    pad()
  }

  /// An attribute with attributes.
  ///
  /// - Parameter isMarked: false to write it as the kernel's dumps and echoes do, without `NLA_F_NESTED`, which nf_tables does not ask for.
  mutating func nested(_ type: UInt16, isMarked: Bool = true, _ build: (inout NftBatch) -> Void) {
    let place = bytes.count
    bytes.appendHostWord(UInt16(0))
    bytes.appendHostWord(isMarked ? type | Self.nestedFlag : type)
    build(&self)
    bytes.put(UInt16(truncatingIfNeeded: bytes.count - place), at: place)
  }

  /// `NLA_F_NESTED`.
  private static let nestedFlag: UInt16 = 0x8000

  mutating func message(_ message: UInt8, _ family: Family, flags: UInt16 = 0, _ build: (inout NftBatch) -> Void) {
    begin(UInt16(NftNumber.subsystem) << 8 | UInt16(message), flags: flags, family: family == .ipv4 ? 2 : 10)
    if message == NftNumber.Message.newRule { addedRules += 1 }
    build(&self)
    end()
  }
}
