public import Netfilter
public import Wire
public import XTables

/// Observes one rule: records whether it was tried, and why it did not match.
public struct RuleWatch: Sendable {
  /// The result for one packet's pass through the rule's table.
  public struct Encounter: Sendable, Hashable {
    /// What happened to the rule.
    public enum Outcome: Sendable, Hashable {
      case matched
      /// The rule was tried and did not match; nil if the part that failed cannot be determined.
      case mismatched(RuleExplanation?)
      /// The rule was not reached: the step that ended the packet before, and the part of the rule that would not match, if any.
      case notTried(after: RuleStep?, wouldFail: RuleExplanation?)
      /// The rule's chain was not entered. For each rule that leads to the chain: why it did not match, or nil if it was not tried.
      case chainNotEntered(after: RuleStep?, jumps: [Jump])
    }

    /// A rule that leads to the chain.
    public struct Jump: Sendable, Hashable {
      /// The chain that the rule is in.
      public let chain: String
      /// The rule's number in its chain, from 1.
      public let number: Int
      /// The part of the rule that did not match; nil if the rule was not tried.
      public let explanation: RuleExplanation?
    }

    /// The hook at which the packet passed the table.
    public let hook: Hook
    /// What happened to the rule.
    public let outcome: Outcome
  }

  /// The family of the table.
  public let family: Family
  /// The table of the rule.
  public let table: TableName
  /// The chain of the rule.
  public let chain: String
  /// The rule's number, from 1; the number of rules plus 1 for the end of the chain.
  public let number: Int
  /// Distinct encounters in order of occurrence, at most ``most``: a test may repeat a packet without limit.
  public private(set) var encounters: [Encounter] = []

  /// The limit for recorded encounters, and for jumps of one encounter.
  public static let most = 16

  /// Creates a watch for one rule; `number` counts from 1.
  public init(family: Family, table: TableName, chain: String, number: Int) {
    self.family = family
    self.table = table
    self.chain = chain
    self.number = number
  }
}

extension RuleWatch {
  /// True if the rule is in this table.
  func isOf(_ program: TableProgram) -> Bool { table == program.name && family == program.family }

  mutating func note(_ encounter: Encounter) {
    if encounters.count < Self.most, !encounters.contains(encounter) { encounters.append(encounter) }
  }
}

/// Records the entries hit, and the results for watched rules.
struct WatchingObserver: TableObserver {
  static var seesMisses: Bool { true }
  private(set) var way: StepObserver
  private var rules: [FollowedRule]

  /// - Parameter watches: watches of other tables are ignored.
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

  /// Adds the results to the watches when the packet has passed the table.
  func conclude(_ program: TableProgram, _ context: inout PacketContext, in watches: inout [RuleWatch]) {
    for rule in rules {
      if let encounter = rule.encounter(program, &context, after: way.trace.lastStep) { watches[rule.watch].note(encounter) }
    }
  }
}

/// The state of a watched rule while a packet passes its table.
private struct FollowedRule {
  /// The index of the watch.
  let watch: Int
  private let name: String
  /// The chain's index in the table; nil if the table has no such chain.
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

  /// Nil if the rule's chain belongs to another hook.
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
