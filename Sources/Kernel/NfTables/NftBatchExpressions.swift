internal import Compiler
internal import XTables

/// Attributes of expressions are written as the kernel sends them back: without `NLA_F_NESTED`, in the same order. So an echo can be compared
/// with what was sent byte by byte (``NftEcho``).
extension NftBatch {
  private mutating func value(_ type: UInt16, _ bytes: [UInt8]) {
    nested(type, isMarked: false) { $0.attribute(NftNumber.Data.value, bytes) }
  }

  mutating func data(of expression: NativeExpression) {
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
      nested(NftNumber.Immediate.data, isMarked: false) { data in
        data.nested(NftNumber.Data.verdict, isMarked: false) { verdict in
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
    // iptables writes none of these.
    case .connection, .addressType, .lookup, .byteOrder, .overLimit, .kernelLog, .reject, .queue, .passive, .other: break
    }
  }
}
