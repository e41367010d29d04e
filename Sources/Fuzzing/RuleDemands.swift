import Conntrack
import Wire
import XTables

/// What one rule asks of a packet, flattened: tests of fields and whether they are to hold, as far as conditions say it.
struct RuleDemands {
  struct Demand {
    let field: String
    let bits: Int
    let test: ValueTest
    let holds: Bool
  }

  var demands: [Demand] = []
  /// `IPPROTO_*`, 0 for any.
  var protocolNumber: UInt8 = 0
  var input: String?
  var wantsFragment = false
  let chain: String
  let table: TableName
  /// The hooks from which the chain may be entered.
  let hooks: [Hook]

  init(_ rule: Rule, chain: Chain, table: Table, draw: inout Draw) {
    self.chain = chain.name
    self.table = table.name
    hooks = chain.hook.map { [$0] } ?? table.name.hooks
    let header = rule.header
    protocolNumber = header.inverted.contains(.protocol) ? 0 : header.protocolNumber
    wantsFragment = header.isFragment && !header.inverted.contains(.fragment)
    if !header.input.matchesAll, !header.inverted.contains(.input) {
      input = String(decoding: header.input.text.filter { $0 != UInt8(ascii: "+") }, as: UTF8.self)
    }
    for (field, pattern, inverted) in [
      (Field.sourceAddress, header.source, RuleHeader.Inverted.source), (.destinationAddress, header.destination, .destination),
    ] where pattern.mask != 0 {
      demands.append(Demand(
        field: field.name, bits: table.family.addressBits, test: .masked(value: pattern.address & pattern.mask, mask: pattern.mask),
        holds: !header.inverted.contains(inverted)))
    }
    for match in rule.matches {
      guard case .match(let behaviour) = match.descriptor.behaviour else { continue }
      collect(behaviour.condition(match.payload, table.family), holds: true, &draw)
    }
  }

  private mutating func collect(_ condition: Condition, holds: Bool, _ draw: inout Draw) {
    switch condition {
    case .test(let field, let test):
      let bits = field.name == Field.sourceAddress.name || field.name == Field.destinationAddress.name ? 128 : field.bits
      demands.append(Demand(field: field.name, bits: bits, test: test, holds: holds))
    case .not(let inner): collect(inner, holds: !holds, &draw)
    case .all(let parts) where holds, .any(let parts) where !holds: for part in parts { collect(part, holds: holds, &draw) }
    // One of the alternatives is enough.
    case .all(let parts), .any(let parts): if let part = draw.any(of: parts) { collect(part, holds: holds, &draw) }
    case .always, .never, .has, .opaque, .unknown: break
    }
  }
}

extension ValueTest {
  /// A value for which the test holds, or does not, as near to the edge between the two as its kind allows.
  func value(holding wanted: Bool, bits: Int, _ draw: inout Draw) -> UInt128? {
    let top: UInt128 = bits >= 128 ? .max : (1 << UInt128(bits)) - 1
    switch self {
    case .range(let range):
      if wanted { return draw.pick([range.lowerBound, range.upperBound, range.lowerBound / 2 + range.upperBound / 2]) }
      let outside = (range.lowerBound > 0 ? [range.lowerBound - 1] : []) + (range.upperBound < top ? [range.upperBound + 1] : [])
      return draw.any(of: outside)
    case .masked(let value, let mask):
      let free = ~mask & top
      // Inside, the bits that do not count are none, all, or the last.
      let filled = draw.pick([value, value | free, value | free & 1])
      if wanted { return filled & mask == value ? filled : nil }
      let counting = (0..<bits).filter { mask >> UInt128($0) & 1 == 1 }
      // The last bit that counts makes the nearest value outside.
      guard let low = counting.first, let bit = draw.chance(0.7) ? low : draw.any(of: counting) else { return nil }
      return filled ^ 1 << UInt128(bit)
    }
  }
}
