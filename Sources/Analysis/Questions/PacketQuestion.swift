import Conntrack
public import Evaluator
public import Netfilter
public import Wire
public import XTables

/// What the tables of a ruleset do with a set of packets, on the way through one of the hooks where packets end or are forwarded.
///
/// Without a host, routing is not asked: the packets are assumed to come to the hook. With one, the packets are those that its routes lead
/// there, by the destination that the nat table gives them. A translation to one of several addresses is not followed: where a later rule
/// or the routing asks for it, nothing is proved.
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

  /// What a question says of the host and the ends of the packets, besides the packets themselves.
  public struct Course {
    /// The host whose routes lead the packets; nil to assume that they come to the hook.
    public var host: Host?
    /// Where packets that arrive come from; nil for anywhere. Needs the host.
    public var origin: PacketOrigin?
    /// The address to which the packets are sent or translated; nil for any.
    public var destination: IPAddress?

    /// Creates a course; parameters as the properties of the same names.
    public init(host: Host? = nil, origin: PacketOrigin? = nil, destination: IPAddress? = nil) {
      self.host = host
      self.origin = origin
      self.destination = destination
    }
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

  /// The verdict of one packet, as the evaluator shows; nil if it cannot be run.
  public static func verdict(of witness: Witness, _ ruleset: Ruleset) -> RulesetWalk.Verdict? {
    RulesetPrograms(ruleset)?.walk(witness)?.verdict
  }

  /// Finds the verdicts that packets get.
  ///
  /// - Parameters:
  ///   - condition: the packets, as they arrive or are sent.
  ///   - hook: INPUT, FORWARD or OUTPUT.
  ///   - course: the host, and where the packets come from and go to.
  ///   - limit: the greatest number of nodes of the sets' diagram.
  public init(_ ruleset: Ruleset, _ condition: Condition, at hook: Hook, on way: Course = Course(), limit: Int = 1 << 23) {
    self.hook = hook
    guard let programs = RulesetPrograms(ruleset), var course = QuestionCourse(ruleset, condition, hook, way, limit) else {
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
    let asked = course.ends.values.reduce(PacketSet.none) { course.space.union($0, $1) }
    for (end, packets) in course.ends.sorted(by: { $0.key < $1.key }) {
      let region = course.space.region(of: packets, among: asked)
      let found = course.space.byState(packets).lazy.compactMap { part -> Answer? in
        guard let witness = course.space.witness(of: part, at: hook) else { return nil }
        let tried = course.space.dependsOnChance(part) ? 1...Self.seeds : 1...1
        return tried.lazy.flatMap { seed in witness.statements.map { $0.with(seed: seed) } }.compactMap { witness -> Answer? in
          guard let walk = programs.walk(witness) else { return nil }
          // The packet must have gone the way of the region.
          guard walk.verdict != .unknown, end.verdict == nil || walk.verdict == end.verdict, walk.effects == course.uses(of: end) else {
            return nil
          }
          let onHost = way.host.flatMap { HostRun(ruleset, on: $0).verdict(of: witness) }
          return Answer(region: region, witness: witness, walk: walk, onHost: onHost)
        }.first
      }.first
      if let found { answers.append(found) }
      // Packets that a target lets pass go on to tables that were not followed.
      if found == nil || end.verdict == nil && found?.walk.verdict == .accept { isComplete = false }
    }
    self.answers = answers
    self.isComplete = isComplete && !course.space.isExhausted
    isEmpty = course.isEmpty && !course.space.isExhausted
  }
}
