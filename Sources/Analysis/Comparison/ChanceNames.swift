import Wire
import XTables

/// Names for what chance, state or an unknown extension decides, so that the same rule in two rulesets has the same name.
///
/// Rules are paired by their content and their occurrence in a chain.
struct ChanceNames {
  /// How the names of their fields begin.
  static let prefix = "chance."

  private struct Content: Hashable {
    let header: RuleHeader
    let matches: [ExtensionUse]
    let target: RuleTarget
  }

  private struct Occurrence: Hashable {
    let table: TableName
    let chain: String
    let content: Int
  }

  private var contents: [Content: Int] = [:]
  private var counts: [Occurrence: Int] = [:]

  /// Starts with the rules of another ruleset.
  mutating func restart() { counts = [:] }

  /// A condition of a rule, with a field of its own for each part that packet and context do not decide.
  mutating func naming(
    _ condition: Condition, of rule: Rule, in chain: String, _ table: TableName
  ) -> (condition: Condition, chances: [Field]) {
    if condition.isDecided { return (condition, []) }
    let content = Content(header: rule.header, matches: rule.matches, target: rule.target)
    let number = contents[content] ?? contents.count
    contents[content] = number
    let occurrence = Occurrence(table: table, chain: chain, content: number)
    let count = counts[occurrence, default: 0]
    counts[occurrence] = count + 1
    var chances: [Field] = []
    let named = condition.replacingChance {
      let field = Field(
        "\(Self.prefix)\(table.rawValue).\(chain).\(number).\(count).\(chances.count)", bits: 1, FieldTraits(.context, .value)
      ) {
        _ in
        .of(0)
      }
      chances.append(field)
      return field
    }
    return (named, chances)
  }
}

extension Condition {
  /// The condition, with a test of a field for each part that packet and context do not decide at any time.
  fileprivate func replacingChance(_ field: () -> Field) -> Condition {
    switch self {
    case .always, .never: return self
    case .opaque, .unknown: return .equals(field(), 1)
    case .has(let tested), .test(let tested, _): return tested.isSteady ? self : .equals(field(), 1)
    case .not(let inner): return .not(inner.replacingChance(field))
    case .all(let parts): return .all(parts.map { $0.replacingChance(field) })
    case .any(let parts): return .any(parts.map { $0.replacingChance(field) })
    }
  }
}
