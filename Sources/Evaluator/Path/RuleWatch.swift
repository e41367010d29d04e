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
  /// In the order of events, each once, and no more than ``most``: a test may send the same packet any number of times.
  public private(set) var encounters: [Encounter] = []

  /// Encounters, and jumps of an encounter, that are kept.
  public static let most = 16

  public init(family: Family, table: TableName, chain: String, number: Int) {
    self.family = family
    self.table = table
    self.chain = chain
    self.number = number
  }
}

extension RuleWatch {
  /// The rule stands in this table.
  func isOf(_ program: TableProgram) -> Bool { table == program.name && family == program.family }

  mutating func note(_ encounter: Encounter) {
    if encounters.count < Self.most, !encounters.contains(encounter) { encounters.append(encounter) }
  }
}

/// Collects the entries that are hit, and what happens to the rules that are followed.
struct WatchingObserver: TableObserver {
  private(set) var way: StepObserver
  private var rules: [FollowedRule]

  /// - Parameter watches: those of other tables count for nothing.
  init(_ watches: [RuleWatch], _ program: TableProgram, _ extent: TraceExtent) {
    way = StepObserver(program, extent)
    rules = watches.indices.filter { watches[$0].isOf(program) }.map { FollowedRule(watches[$0], at: $0, in: program) }
  }

  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    way.hit(entry, of: program, context)
    for index in rules.indices { rules[index].hit(program.places[entry]) }
  }

  mutating func miss(_ entry: Int, of program: TableProgram, _ context: inout PacketContext) {
    for index in rules.indices { rules[index].miss(program.places[entry], of: program, &context) }
  }

  /// Adds to the watches what there is to tell when the packet has passed the table.
  func conclude(_ program: TableProgram, _ context: inout PacketContext, in watches: inout [RuleWatch]) {
    for rule in rules {
      if let encounter = rule.encounter(program, &context, after: way.trace.lastStep) { watches[rule.watch].note(encounter) }
    }
  }
}

/// A rule that is followed while a packet passes its table.
private struct FollowedRule {
  /// The place among the watches.
  let watch: Int
  private let name: String
  /// The chain's place in the table; nil where the table has no such chain.
  private let chain: Int?
  private let number: Int
  private var outcome: RuleWatch.Encounter.Outcome?
  private var jumps: [RuleWatch.Encounter.Jump] = []
  private var isEntered = false

  init(_ watch: RuleWatch, at place: Int, in program: TableProgram) {
    self.watch = place
    name = watch.chain
    chain = program.table.index(of: watch.chain)
    number = watch.number
  }

  mutating func hit(_ place: EntryPlace) {
    guard Int(place.chain) == chain else { return }
    isEntered = true
    if Int(place.number) == number { outcome = .matched }
  }

  mutating func miss(_ place: EntryPlace, of program: TableProgram, _ context: inout PacketContext) {
    let here = program.table.chains[Int(place.chain)]
    let at = Int(place.number)
    guard at >= 1, at <= here.rules.count else { return }
    let rule = here.rules[at - 1]
    if Int(place.chain) == chain {
      isEntered = true
      if at == number, outcome == nil { outcome = .mismatched(rule.explanation(&context, program.family)) }
    } else if rule.target.chain == name, jumps.count < RuleWatch.most,
      !jumps.contains(where: { $0.chain == here.name && $0.number == at })
    {
      jumps.append(RuleWatch.Encounter.Jump(chain: here.name, number: at, explanation: rule.explanation(&context, program.family)))
    }
  }

  /// Nothing where the rule's chain belongs to another hook.
  func encounter(_ program: TableProgram, _ context: inout PacketContext, after last: RuleStep?) -> RuleWatch.Encounter? {
    guard let chain = program.table[chain: name], chain.hook == nil || chain.hook == context.hook else { return nil }
    if let outcome { return RuleWatch.Encounter(hook: context.hook, outcome: outcome) }
    guard isEntered || chain.hook != nil else {
      return RuleWatch.Encounter(hook: context.hook, outcome: .chainNotEntered(after: last, jumps: jumps))
    }
    let rules = chain.rules
    let failure = rules.indices.contains(number - 1) ? rules[number - 1].explanation(&context, program.family) : nil
    return RuleWatch.Encounter(hook: context.hook, outcome: .notTried(after: last, wouldFail: failure))
  }
}
