internal import Compiler
internal import Netfilter
internal import Wire
internal import XTables

/// Builds a transaction of nf_tables, message by message, in one buffer.
struct NftBatch {
  private(set) var bytes: [UInt8] = []
  /// The sequence number of the last message.
  private(set) var last: UInt32 = 0
  /// The places of the messages, by the sequence number of the first in each chain: few, so that an error finds its rule.
  private var marks: [(sequence: UInt32, table: Int, chain: String)] = []
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

  /// The table's index and the chain and number of the rule that a message adds; nil for other messages.
  func place(of sequence: UInt32) -> (table: Int, chain: String, rule: Int)? {
    guard let mark = marks.last(where: { $0.sequence <= sequence }), !mark.chain.isEmpty else { return nil }
    return (mark.table, mark.chain, Int(sequence - mark.sequence) + 1)
  }

  /// The index of the table that a message concerns.
  func table(of sequence: UInt32) -> Int? { marks.last { $0.sequence <= sequence }?.table }

  // MARK: Messages

  private mutating func begin(_ type: UInt16, flags: UInt16, family: UInt8, resource: UInt16 = 0) {
    start = bytes.count
    last += 1
    bytes.appendHostWord(UInt32(0))
    bytes.appendHostWord(type)
    bytes.appendHostWord(flags | NetlinkMessage.Flag.request)
    bytes.appendHostWord(last)
    bytes.appendHostWord(UInt32(0))
    bytes += [family, 0, UInt8(resource >> 8), UInt8(resource & 0xff)]
  }

  private mutating func end() { bytes.put(UInt32(truncatingIfNeeded: bytes.count - start), at: start) }

  private mutating func attribute(_ type: UInt16, _ payload: some Collection<UInt8>) {
    bytes.appendHostWord(UInt16(truncatingIfNeeded: 4 + payload.count))
    bytes.appendHostWord(type)
    bytes.append(contentsOf: payload)
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private mutating func text(_ type: UInt16, _ text: String) { attribute(type, Array(text.utf8) + [0]) }
  private mutating func number(_ type: UInt16, _ value: UInt32) {
    attribute(type, (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
  }
  private mutating func number16(_ type: UInt16, _ value: UInt16) { attribute(type, [UInt8(value >> 8), UInt8(value & 0xff)]) }
  private mutating func number64(_ type: UInt16, _ value: UInt64) {
    attribute(type, (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) })
  }

  private mutating func nested(_ type: UInt16, _ build: (inout NftBatch) -> Void) {
    let place = bytes.count
    bytes.appendHostWord(UInt16(0))
    bytes.appendHostWord(type | 0x8000)
    build(&self)
    bytes.put(UInt16(truncatingIfNeeded: bytes.count - place), at: place)
  }

  private mutating func message(_ message: UInt8, _ family: Family, flags: UInt16 = 0, _ build: (inout NftBatch) -> Void) {
    begin(UInt16(NftNumber.subsystem) << 8 | UInt16(message), flags: flags, family: family == .ipv4 ? 2 : 10)
    build(&self)
    end()
  }

  // MARK: Tables

  /// Replaces a table: it is made if there is none, deleted with all that it has, and made again.
  mutating func replace(_ table: Table, index: Int, keepsCounters: Bool) throws(KernelError) {
    let name = table.name.rawValue
    marks.append((last + 1, index, ""))
    for message in [NftNumber.Message.newTable, NftNumber.Message.deleteTable, NftNumber.Message.newTable] {
      let isNew = message == NftNumber.Message.newTable
      self.message(message, table.family, flags: isNew ? NetlinkMessage.Flag.create : 0) { $0.text(NftNumber.Table.name, name) }
    }
    let chains = table.chainsInSaveOrder
    for chain in chains {
      message(NftNumber.Message.newChain, table.family, flags: NetlinkMessage.Flag.create) { batch in
        batch.text(NftNumber.Chain.table, name)
        batch.text(NftNumber.Chain.name, chain.name)
        guard let hook = chain.hook else { return }
        let place = NftBuiltinChain(table.name, hook)
        batch.nested(NftNumber.Chain.hook) {
          $0.number(NftNumber.Chain.hookNumber, UInt32(hook.rawValue))
          $0.number(NftNumber.Chain.hookPriority, UInt32(bitPattern: place.priority))
        }
        batch.number(NftNumber.Chain.policy, chain.policy == .drop ? 0 : 1)
        batch.text(NftNumber.Chain.type, place.type)
        let counters = keepsCounters ? chain.counters : .zero
        batch.nested(NftNumber.Chain.counters) {
          $0.number64(NftNumber.Counter.bytes, counters.bytes)
          $0.number64(NftNumber.Counter.packets, counters.packets)
        }
      }
    }
    let encoder = NativeRuleEncoder(table.family)
    for chain in chains where !chain.rules.isEmpty {
      marks.append((last + 1, index, chain.name))
      for (position, rule) in chain.rules.enumerated() {
        var rule = rule
        if !keepsCounters { rule.counters = .zero }
        let expressions: [NativeExpression]
        do throws(NativeRuleEncoder.Inexpressible) { expressions = try encoder.expressions(rule) } catch {
          throw KernelError(
            .malformed(error.reason), family: table.family, table: name, rule: RuleReference(chain: chain.name, rule: position + 1))
        }
        add(expressions, of: rule.header, to: chain.name, name, table.family)
      }
    }
    marks.append((last + 1, index, ""))
  }

  private mutating func add(_ expressions: [NativeExpression], of header: RuleHeader, to chain: String, _ table: String, _ family: Family) {
    message(NftNumber.Message.newRule, family, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.append) { batch in
      batch.text(NftNumber.Rule.table, table)
      batch.text(NftNumber.Rule.chain, chain)
      batch.nested(NftNumber.Rule.expressions) { list in
        for expression in expressions {
          list.nested(NftNumber.Element.item) { element in
            element.text(NftNumber.Element.name, expression.name)
            element.nested(NftNumber.Element.data) { $0.data(of: expression) }
          }
        }
      }
      batch.nested(NftNumber.Rule.compat) { compat in
        compat.number(NftNumber.Rule.compatProtocol, UInt32(header.protocolNumber))
        compat.number(NftNumber.Rule.compatFlags, header.inverted.contains(.protocol) ? NftNumber.Rule.compatInverted : 0)
      }
    }
  }

  // MARK: Expressions

  private mutating func value(_ type: UInt16, _ bytes: [UInt8]) { nested(type) { $0.attribute(NftNumber.Data.value, bytes) } }

  private mutating func data(of expression: NativeExpression) {
    switch expression {
    case .meta(let key, let register):
      number(NftNumber.Meta.key, key)
      number(NftNumber.Meta.destination, register)
    case .setMeta(let key, let register):
      number(NftNumber.Meta.key, key)
      number(NftNumber.Meta.source, register)
    case .payload(let base, let offset, let length, let register):
      number(NftNumber.PayloadLoad.destination, register)
      number(NftNumber.PayloadLoad.base, base)
      number(NftNumber.PayloadLoad.offset, offset)
      number(NftNumber.PayloadLoad.length, length)
    case .bitwise(let source, let register, let mask, let flips):
      number(NftNumber.Bitwise.source, source)
      number(NftNumber.Bitwise.destination, register)
      number(NftNumber.Bitwise.length, UInt32(mask.count))
      value(NftNumber.Bitwise.mask, mask)
      value(NftNumber.Bitwise.flips, flips)
    case .compare(let register, let comparison, let bytes):
      number(NftNumber.Compare.source, register)
      number(NftNumber.Compare.operation, comparison.rawValue)
      value(NftNumber.Compare.data, bytes)
    case .range(let register, let comparison, let low, let high):
      number(NftNumber.Range.source, register)
      number(NftNumber.Range.operation, comparison == .outOfRange ? 1 : 0)
      value(NftNumber.Range.low, low)
      value(NftNumber.Range.high, high)
    case .counter(let packets, let bytes):
      number64(NftNumber.Counter.bytes, bytes)
      number64(NftNumber.Counter.packets, packets)
    case .constant(let register, let bytes):
      number(NftNumber.Immediate.destination, register)
      value(NftNumber.Immediate.data, bytes)
    case .verdict(let code, let chain):
      number(NftNumber.Immediate.destination, 0)
      nested(NftNumber.Immediate.data) { data in
        data.nested(NftNumber.Data.verdict) { verdict in
          verdict.number(NftNumber.Data.code, UInt32(bitPattern: code))
          if let chain { verdict.text(NftNumber.Data.chain, chain) }
        }
      }
    case .limit(let rate, let unit, let burst):
      number64(NftNumber.Limit.rate, rate)
      number64(NftNumber.Limit.unit, unit)
      number(NftNumber.Limit.burst, burst)
      number(NftNumber.Limit.type, 0)
      number(NftNumber.Limit.flags, 0)
    case .log(let log):
      if !log.prefix.isEmpty { attribute(NftNumber.Log.prefix, log.prefix + [0]) }
      number16(NftNumber.Log.group, log.group)
      if let length = log.length { number(NftNumber.Log.length, length) }
      if log.threshold != 0 { number16(NftNumber.Log.threshold, log.threshold) }
    case .match(let name, let revision, let info), .target(let name, let revision, let info):
      text(NftNumber.Compat.name, name)
      number(NftNumber.Compat.revision, UInt32(revision))
      attribute(NftNumber.Compat.info, info)
    case .other: break
    }
  }
}
