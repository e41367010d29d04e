import Conntrack
public import Evaluator
public import Netfilter
public import Wire
public import XTables

/// What the tables of a ruleset do with a set of packets, on the way through one of the hooks where packets end or are forwarded.
///
/// Without a host, routing is not asked: the packets are assumed to come to the hook. With one, the packets are those that its routes lead
/// there, by the destination that the nat table gives them, and they are run on that host. A translation to one of several addresses is
/// followed where routing treats all of them alike; where it does not, or a later rule asks for them, nothing is proved.
public struct PacketQuestion: Sendable {
  /// Packets with one verdict.
  public struct Answer: Sendable {
    /// The packets, as they arrive or are sent.
    public let region: PacketRegion
    /// One of the packets.
    public let witness: Witness
    /// What the tables do with it, as the evaluator shows.
    public let walk: RulesetWalk
    /// What becomes of it on the host, if one is given: the verdict of a run with routing.
    public let onHost: PacketVerdict?
  }

  /// The hook.
  public let hook: Hook
  /// One answer for each way in which some packets are decided: by verdict, table, and effects.
  public let answers: [Answer]
  /// Whether the answers name every verdict that a packet of the question can get.
  public let isComplete: Bool
  /// Whether it is proved that there is no such packet at the hook.
  public let isEmpty: Bool

  /// The greatest number of seeds with which a packet is tried where chance decides.
  private static let seeds: UInt64 = 64

  /// The verdicts of the answers.
  public var verdicts: Set<RulesetWalk.Verdict> { Set(answers.map(\.walk.verdict)) }

  /// Finds the verdicts that packets get.
  ///
  /// - Parameters:
  ///   - rules: the ruleset, and the host whose routes lead the packets.
  ///   - condition: the packets, as they arrive or are sent.
  ///   - hook: INPUT, FORWARD or OUTPUT.
  ///   - origin: where packets that arrive come from; nil for anywhere. Needs the host.
  ///   - destination: the address to which the packets are sent or translated; nil for any.
  ///   - limit: the greatest number of nodes of the sets' diagram.
  public init(
    _ rules: QuestionRules, _ condition: Condition, at hook: Hook, from origin: PacketOrigin? = nil, to destination: IPAddress? = nil,
    limit: Int = 1 << 23
  ) {
    self.hook = hook
    guard let prepared = rules.prepared,
      var course = QuestionCourse(prepared, (condition, hook), from: origin, to: destination, on: rules.host, limit: limit)
    else {
      (answers, isComplete, isEmpty) = ([], false, false)
      return
    }
    course.run()
    if course.isAborted {
      (answers, isComplete, isEmpty) = ([], false, false)
      return
    }
    var answers: [Answer] = []
    var isComplete = course.isExact
    let ended = course.ended()
    let frame = course.space.frame(of: ended)
    for (end, packets) in course.ends.sorted(by: { $0.key < $1.key }) {
      let (effects, doubtful) = (course.uses(of: end), course.doubtful)
      func shown(_ part: PacketSet, _ space: inout PacketSpace) -> Answer? {
        guard let witness = space.witness(of: part, at: hook) else { return nil }
        let seeds = space.dependsOnChance(part) ? Self.seeds : 1
        guard let shown = Self.shown(witness, going: (end, effects), prepared.programs, on: rules.host, seeds: seeds) else { return nil }
        let region = space.region(of: packets, in: frame)
        let isCertain = space.areDisjoint(packets, doubtful)
        return Answer(
          region: PacketRegion(text: region.text, isExact: region.isExact && isCertain), witness: shown.witness, walk: shown.walk,
          onHost: prepared.hostRun?.verdict(of: shown.witness))
      }
      let ordinary = course.ordinary
      let found = course.space.first(byState: packets) { part, space in
        (ordinary == .all ? nil : shown(space.intersection(part, ordinary), &space)) ?? shown(part, &space)
      }
      if let found { answers.append(found) }
      // Packets that a target lets pass go on to tables that were not followed.
      if found == nil || end.verdict == nil && found?.walk.verdict == .accept { isComplete = false }
    }
    self.answers = answers
    self.isComplete = isComplete && !course.space.isExhausted
    isEmpty = course.isEmpty && !course.space.isExhausted
  }

  /// The packet with facts and a seed with which it goes the way of an end, as the evaluator shows; nil if it does with none.
  private static func shown(
    _ witness: Witness, going way: (end: QuestionCourse.End, effects: [ExtensionUse]), _ programs: RulesetPrograms, on host: Host?,
    seeds: UInt64
  ) -> (witness: Witness, walk: RulesetWalk)? {
    let statements = host == nil ? witness.statements : witness.statementsOnHost
    for seed in 1...seeds {
      for (number, stated) in statements.enumerated() {
        let tried = stated.with(seed: seed)
        guard let walk = programs.walk(tried, on: host), walk.verdict != .unknown else { continue }
        if way.end.verdict ?? walk.verdict == walk.verdict, walk.effects == way.effects { return (tried, walk) }
        // What is decided without a fact stays so with each, and with any seed if no translation was drawn.
        if number == 0, walk.translated == nil { return nil }
        if number == 0 { break }
      }
    }
    return nil
  }
}
