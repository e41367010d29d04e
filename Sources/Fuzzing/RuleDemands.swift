import Netfilter
import Wire
import XTables

/// The tests of one rule as a flat list, each with its wanted result, as far as its conditions are known.
struct RuleDemands {
  struct Demand {
    let field: Field
    /// The width of drawn values in bits; for addresses, that of the family.
    let bits: Int
    /// Nil if the field only has to be present.
    let test: ValueTest?
    let holds: Bool
  }

  var demands: [Demand] = []
  /// The hooks from which the chain can be reached.
  let hooks: [Hook]

  init(_ rule: Rule, chain: Chain, table: Table, draw: inout Draw) {
    hooks = chain.hook.map { [$0] } ?? table.name.hooks
    collect(rule.condition(table.family).requirement(), table.family, &draw)
  }

  private mutating func collect(_ requirement: Requirement, _ family: Family, _ draw: inout Draw) {
    switch requirement {
    case .test(let field, let test, let holds):
      let bits = if case .address = field.form { family.addressBits } else { field.bits }
      demands.append(Demand(field: field, bits: bits, test: test, holds: holds))
    case .every(let parts): for part in parts { collect(part, family, &draw) }
    // One of the alternatives suffices.
    case .either(let parts): if let part = draw.any(of: parts) { collect(part, family, &draw) }
    case .settled, .opaque, .unknown: break
    }
  }

  /// A value that the rule requires for a field; nil if it requires none.
  func value(of field: Field) -> UInt128? {
    demands.lazy.compactMap { demand in
      guard demand.field == field, demand.holds, let test = demand.test else { return nil }
      return test.leastHolding(in: 0...field.greatest)
    }.first
  }
}

extension ValueTest {
  /// A value for which the test holds, or does not hold, as close as possible to the boundary.
  func value(holding wanted: Bool, bits: Int, _ draw: inout Draw) -> UInt128? {
    let top: UInt128 = bits >= 128 ? .max : (1 << UInt128(bits)) - 1
    switch self {
    case .range(let range):
      if wanted { return draw.pick([range.lowerBound, range.upperBound, range.lowerBound / 2 + range.upperBound / 2]) }
      let outside = (range.lowerBound > 0 ? [range.lowerBound - 1] : []) + (range.upperBound < top ? [range.upperBound + 1] : [])
      return draw.any(of: outside)
    case .masked(let value, let mask):
      let free = ~mask & top
      // Matching values: the ignored bits are none, all, or only the last one set.
      let filled = draw.pick([value, value | free, value | free & 1])
      if wanted { return filled & mask == value ? filled : nil }
      let counting = (0..<bits).filter { mask >> UInt128($0) & 1 == 1 }
      // Flipping the lowest compared bit gives the closest value that does not match.
      guard let low = counting.first, let bit = draw.chance(0.7) ? low : draw.any(of: counting) else { return nil }
      return filled ^ 1 << UInt128(bit)
    }
  }
}
