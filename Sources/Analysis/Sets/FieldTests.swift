import Conntrack
import Netfilter
public import Wire
public import XTables

/// The fields that conditions test, and the boundaries of the tests. They decide how the values of each field are numbered.
public struct FieldTests: Sendable {
  /// What is known of the tests of one field.
  struct Collected: Sendable {
    /// The number of bits of the field's greatest value.
    let width: Int
    /// The first values of elementary intervals besides 0.
    var cuts: Set<UInt128> = []
    /// Whether a test or a write is of single bits, so that the values are not numbered by intervals.
    var needsBits = false
    /// Whether a test asks for values at all.
    var hasValues = false
  }

  private var collected: [Field: Collected] = [:]
  private var writtenInBits: Set<Field> = []
  let family: Family

  /// The tested fields.
  var fields: [Field: Collected] {
    var fields = collected
    for field in writtenInBits where fields[field] != nil { fields[field]?.needsBits = true }
    return fields
  }

  /// The number of boundaries of all fields.
  var boundaryCount: Int { collected.values.reduce(0) { $0 + $1.cuts.count } }

  /// Creates an empty collection.
  public init(_ family: Family) { self.family = family }

  /// Adds the tests of a rule, and the fields that its matches and its target write.
  public mutating func add(_ rule: Rule) {
    for part in rule.header.parts(family) { add(part.condition) }
    for use in rule.matches { add(use.condition(family)) }
    addWrites(of: rule)
  }

  /// Adds the fields that matches and target of a rule write.
  mutating func addWrites(of rule: Rule) {
    for effect in rule.effects(family) {
      if case .change(let field, .masked, _) = effect, field.isWrittenInBits { writtenInBits.insert(field) }
    }
  }

  /// Adds the tests of all rules of a table.
  public mutating func add(_ table: Table) {
    for chain in table.chains { for rule in chain.rules { add(rule) } }
  }

  /// Adds the tests of a condition.
  public mutating func add(_ condition: Condition) {
    switch condition {
    case .always, .never, .opaque, .unknown: return
    case .not(let inner): add(inner)
    case .all(let parts), .any(let parts): for part in parts { add(part) }
    case .has(let field): add(field, nil)
    case .test(let field, let test): add(field, test)
    }
  }

  private mutating func add(_ field: Field, _ test: ValueTest?) {
    guard field.isSteady else { return }
    if let extent = field.transportExtent {
      collect(.transportRoom, .range(UInt128(extent.length)...255))
      collect(.isLaterFragment, .range(1...1))
      if extent.isTCPHeader { collect(.overwritesHeader, .range(1...1)) }
    }
    if test == nil, field.transportExtent != nil { return }
    collect(field, test)
  }

  private mutating func collect(_ field: Field, _ test: ValueTest?) {
    collected[field, default: Collected(width: field.width(family))].add(test)
  }
}

extension FieldTests.Collected {
  fileprivate mutating func add(_ test: ValueTest?) {
    guard let test else { return }
    hasValues = true
    guard let ranges = test.range(width: width) else {
      needsBits = true
      return
    }
    guard let range = ranges else { return }
    if range.lowerBound != 0 { cuts.insert(range.lowerBound) }
    if range.upperBound < UInt128.max { cuts.insert(range.upperBound + 1) }
  }
}

extension ValueTest {
  /// The values that pass, if they are one range: `.some(nil)` if none passes, nil if they are not one range.
  func range(width: Int) -> ClosedRange<UInt128>?? {
    let greatest = width >= 128 ? UInt128.max : (1 << UInt128(width)) - 1
    switch self {
    case .range(let range):
      return range.lowerBound > greatest ? .some(nil) : .some(range.lowerBound...min(range.upperBound, greatest))
    case .masked(let value, let mask):
      // Bits above the width are 0 in every value.
      guard value & ~mask == 0, value & ~greatest == 0 else { return .some(nil) }
      let free = greatest & ~mask
      guard free & (free &+ 1) == 0 else { return nil }
      return .some(value...(value | free))
    }
  }
}

extension Field {
  /// The number of bits of the greatest value that the field has in a family.
  func width(_ family: Family) -> Int {
    let greatest = [.prerouting, .forward, .output].map { values(at: $0, family).last?.upperBound ?? 0 }.max() ?? 0
    return max(1, 128 - greatest.leadingZeroBitCount)
  }
}

extension Field {
  /// Whether writes of single bits of the field are followed exactly: it is metadata of few bits, such as a mark.
  var isWrittenInBits: Bool {
    if case .context = traits.basis { bits <= 32 } else { false }
  }
}

extension Rule {
  /// What matches and target write, at any of the hooks at which the kernel accepts them.
  func effects(_ family: Family) -> [FieldEffect] { matches.flatMap { $0.effects(family) } + target.effects(family) }
}

extension ExtensionUse {
  /// What the extension writes at any hook at which the kernel accepts it, without repetition.
  func effects(_ family: Family) -> [FieldEffect] {
    let hooks = descriptor.scope(family).hooks ?? .all
    var result: [FieldEffect] = []
    for hook in hooks.hooks {
      let effects = descriptor.effects(payload, EffectSite(family: family, hook: hook))
      if effects.isEmpty { continue }
      if result.isEmpty { result = effects } else if !Self.areSame(effects, result) { return unknown(family) }
    }
    return result
  }

  /// The same fields, with unknown values.
  private func unknown(_ family: Family) -> [FieldEffect] {
    let writes = descriptor.writes(payload, family)
    return writes.isAnything ? [.anything] : writes.fields.map { .change($0, .unknown) }
  }

  private static func areSame(_ one: [FieldEffect], _ other: [FieldEffect]) -> Bool {
    one.count == other.count
      && zip(one, other).allSatisfy { left, right in
        guard case .change(let field, let change, .always) = left, case .change(field, change, .always) = right else { return false }
        return true
      }
  }
}

extension RuleTarget {
  /// What the target itself writes. A program that reads a queue may return the packet changed.
  func effects(_ family: Family) -> [FieldEffect] {
    switch self {
    case .use(let use): use.effects(family)
    case .none, .verdict, .jump, .goto: []
    }
  }
}
