public import Conntrack
public import Wire
public import XTables

/// Follows one rule while packets pass: whether it was tried, and why it did not match.
public struct RuleWatch: Sendable {
  /// What happened when a packet went through the rule's table.
  public struct Encounter: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
      case matched
      /// It was tried; nothing where no part of it can be said to have objected.
      case mismatched(RuleExplanation?)
      /// The packet did not come so far: what ended it before, and why the rule would not have matched, if it would not.
      case notTried(after: RuleStep?, wouldFail: RuleExplanation?)
      /// The packet never came to the rule's chain. For each rule that leads there, why it did not match; nothing where it was not tried.
      case chainNotEntered(after: RuleStep?, jumps: [Jump])
    }

    /// A rule that leads to the chain.
    public struct Jump: Sendable, Hashable {
      public let chain: String
      public let number: Int
      public let explanation: RuleExplanation?
    }

    public let hook: Hook
    public let outcome: Outcome
  }

  public let family: Family
  public let table: TableName
  public let chain: String
  /// From 1; one more than the rules for the chain's end.
  public let number: Int
  /// In the order of events.
  public internal(set) var encounters: [Encounter] = []

  public init(family: Family, table: TableName, chain: String, number: Int) {
    self.family = family
    self.table = table
    self.chain = chain
    self.number = number
  }
}

/// Collects the rules that are hit, and what happens to one of them.
struct WatchingObserver: TableObserver {
  private let watch: RuleWatch
  private(set) var way = StepObserver()
  private var outcome: RuleWatch.Encounter.Outcome?
  private var jumps: [RuleWatch.Encounter.Jump] = []
  private var isEntered = false

  init(_ watch: RuleWatch) { self.watch = watch }

  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    way.hit(entry, of: program, context)
    let step = program.step(entry)
    if step.chain == watch.chain { isEntered = true }
    if step.chain == watch.chain, step.number == watch.number { outcome = .matched }
  }

  mutating func miss(_ entry: Int, of program: TableProgram, _ context: inout PacketContext) {
    let place = program.places[entry]
    let chain = program.table.chains[Int(place.chain)]
    let number = Int(place.number)
    guard number >= 1, number <= chain.rules.count else { return }
    let rule = chain.rules[number - 1]
    if chain.name == watch.chain {
      isEntered = true
      if number == watch.number, outcome == nil { outcome = .mismatched(rule.explanation(&context, program.family)) }
    } else if rule.target.chain == watch.chain {
      jumps.append(RuleWatch.Encounter.Jump(
        chain: chain.name, number: number, explanation: rule.explanation(&context, program.family)))
    }
  }

  /// What there is to tell when the packet has passed the table; nothing where the rule's chain belongs to another hook.
  func encounter(_ program: TableProgram, _ context: inout PacketContext) -> RuleWatch.Encounter? {
    guard let chain = program.table[chain: watch.chain], chain.hook == nil || chain.hook == context.hook else { return nil }
    if let outcome { return RuleWatch.Encounter(hook: context.hook, outcome: outcome) }
    let last = way.steps.last
    guard isEntered || chain.hook != nil else {
      return RuleWatch.Encounter(hook: context.hook, outcome: .chainNotEntered(after: last, jumps: jumps))
    }
    let rules = chain.rules
    let failure = rules.indices.contains(watch.number - 1) ? rules[watch.number - 1].explanation(&context, program.family) : nil
    return RuleWatch.Encounter(hook: context.hook, outcome: .notTried(after: last, wouldFail: failure))
  }
}
