/// A ``Condition`` resolved into a flat list of tests with two ways out of each, which the evaluator runs per packet.
public struct ConditionProgram: Sendable {
  private struct Step: Sendable {
    let field: Field
    let test: ValueTest?
    var ifTrue: Int
    var ifFalse: Int
  }

  /// Where a step may lead besides another step.
  private static let matched = -1
  private static let mismatched = -2

  private var steps: [Step] = []
  private var unknowns: [UnknownReason] = []
  private var start = ConditionProgram.matched
  /// The condition holds an ``Condition/opaque`` part, so the extension itself must be asked.
  public private(set) var isOpaque = false

  public init(_ condition: Condition) {
    start = lower(condition, ifTrue: Self.matched, ifFalse: Self.mismatched)
  }

  /// Steps are laid out back to front, so that the targets of each are known when it is made.
  private mutating func lower(_ condition: Condition, ifTrue: Int, ifFalse: Int) -> Int {
    switch condition {
    case .always: return ifTrue
    case .never: return ifFalse
    case .not(let inner): return lower(inner, ifTrue: ifFalse, ifFalse: ifTrue)
    case .all(let parts):
      return parts.reversed().reduce(ifTrue) { lower($1, ifTrue: $0, ifFalse: ifFalse) }
    case .any(let parts):
      return parts.reversed().reduce(ifFalse) { lower($1, ifTrue: ifTrue, ifFalse: $0) }
    case .has(let field): return append(Step(field: field, test: nil, ifTrue: ifTrue, ifFalse: ifTrue))
    case .test(let field, let test): return append(Step(field: field, test: test, ifTrue: ifTrue, ifFalse: ifFalse))
    case .opaque:
      isOpaque = true
      return ifTrue
    case .unknown(let reason):
      unknowns.append(reason)
      return -2 - unknowns.count
    }
  }

  private mutating func append(_ step: Step) -> Int {
    steps.append(step)
    return steps.count - 1
  }

  public func run(_ packet: inout PacketContext) -> MatchOutcome {
    var at = start
    while at >= 0 {
      let step = steps[at]
      switch step.field.read(&packet) {
      case .value(let value): at = step.test?.holds(for: value) ?? true ? step.ifTrue : step.ifFalse
      case .absent: return .mismatched
      case .malformed: return .hotdrop
      case .unknown(let reason): return .unknown(reason)
      }
    }
    switch at {
    case Self.matched: return .matched
    case Self.mismatched: return .mismatched
    default: return .unknown(unknowns[-3 - at])
    }
  }
}
