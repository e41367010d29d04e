import Conntrack
import Evaluator
import NAT
import Netfilter
public import Wire
public import XTables

/// What the tables of one ruleset do with one packet, from the hook where it comes in to the hook of a witness and beyond.
public struct RulesetWalk: Sendable {
  /// The verdict, and where it was given.
  public enum Verdict: String, Sendable, Hashable {
    case accept, drop, queue, stolen, unknown
  }

  /// The packet's verdict.
  public let verdict: Verdict
  /// The table and hook of the last deciding rule; nil if no table has a chain on the packet's way.
  public let table: TableName?
  /// The rule that decided last, in ``table``; nil if a policy did.
  public let place: RulePosition?
  /// The targets besides plain verdicts that acted on the packet, in order.
  public let effects: [ExtensionUse]
  /// The rules of these targets and of the verdict, in order.
  public let rules: [(table: TableName, place: RulePosition)]
  /// The packet after the last table, if the nat table changed its addresses or ports.
  public let translated: Packet?
  /// The values of some fields after the last table.
  private(set) var values: [Field: FieldValue] = [:]

  /// The walk with the values of some fields at its end.
  func reading(_ fields: Set<Field>, of context: inout PacketContext) -> RulesetWalk {
    var walk = self
    for field in fields { walk.values[field] = field.read(&context) }
    return walk
  }

  /// Whether two packets were treated in the same way, by whatever rules: what other targets wrote may be the same.
  func isSame(as other: RulesetWalk, _ family: Family) -> Bool {
    guard verdict == other.verdict else { return false }
    if effects == other.effects { return true }
    for change in effects.difference(from: other.effects) {
      let use = change.use
      var fields: Set<Field> = []
      // Targets may do more than to write fields, such as to log.
      for effect in use.effects(family) {
        guard case .change(let field, _, _) = effect else { return false }
        fields.insert(field)
      }
      // One that makes a connection gives it more than its fields, such as a helper.
      if fields.isEmpty || fields.contains(where: { $0.name == "ct.exists" }) || !use.descriptor.objects(use.payload).isEmpty {
        return false
      }
      if fields.contains(where: { values[$0] != other.values[$0] }) { return false }
    }
    return true
  }
}

extension CollectionDifference<ExtensionUse>.Change {
  fileprivate var use: ExtensionUse {
    switch self {
    case .insert(_, let use, _), .remove(_, let use, _): use
    }
  }
}

/// What the nat table can change of a packet.
struct PacketEnds: Hashable {
  let source: IPAddress?
  let destination: IPAddress?
  let ports: [UInt16]

  init(_ packet: borrowing Packet) {
    (source, destination) = (packet.source, packet.destination)
    let place = packet.transport
    let hasPorts = place.map { $0.proto.hasPorts && $0.fragmentOffset == 0 } ?? false
    ports = hasPorts ? [0, 2].compactMap { packet.bytes.uint16(at: (place?.offset ?? 0) + $0) } : []
  }
}

/// The programs of the tables of a ruleset.
struct RulesetPrograms {
  /// The compiled tables, as ip_tables has them.
  let compiled: CompiledRuleset
  private let programs: [TableName: TableProgram]

  /// Nil if a table cannot be compiled.
  init?(_ ruleset: Ruleset) {
    guard let compiled = try? CompiledRuleset(ruleset) else { return nil }
    self.compiled = compiled
    programs = Dictionary(compiled.programs.map { ($0.name, $0) }) { _, last in last }
  }

  /// Runs a packet through the tables of all hooks on its way. Nil if the packet cannot be built.
  ///
  /// - Parameter host: the host whose routes lead the packet; nil to assume that they lead it to the witness's hook. The walk is nil if they
  ///   do not.
  func walk(_ witness: Witness, on host: Host? = nil) -> RulesetWalk? {
    guard let host else { return walk(witness, reading: []) }
    // Time and chance are known during the walk only if the witness states them.
    let missing = host.missing
    var lacking = missing
    for fact in [HostFact.clock, .chance] { if witness.stated.contains(fact) { lacking.remove(fact) } else { lacking.insert(fact) } }
    if lacking != missing { host.missing = lacking }
    defer { if lacking != missing { host.missing = missing } }
    guard var context = witness.context(on: host) else { return nil }
    return walk(witness, &context, WalkRouting(witness, context, on: host))
  }

  /// The same without a host, with the values of some fields at the end.
  func walk(_ witness: Witness, reading fields: Set<Field>) -> RulesetWalk? {
    guard var context = witness.context() else { return nil }
    return walk(witness, &context, nil)?.reading(fields, of: &context)
  }

  /// The fields that the targets of the tables write.
  var written: Set<Field> {
    programs.values.reduce(into: []) { fields, program in
      for rule in program.table.chains.lazy.flatMap(\.rules) {
        fields.formUnion(FieldWrites(rule.target.effects(program.table.family)).fields)
      }
    }
  }

  private func walk(_ witness: Witness, _ context: inout PacketContext, _ routing: WalkRouting?) -> RulesetWalk? {
    let input = context.input ?? witness.draft.input.map { Interface(index: 0, name: $0) }
    var output = context.output ?? Interface(index: 0, name: "eth1")
    var effects: [ExtensionUse] = []
    var rules: [(table: TableName, place: RulePosition)] = []
    var last: (table: TableName, place: RulePosition?)?
    let ends = PacketEnds(context.packet)
    func translated() -> Packet? { PacketEnds(context.packet) == ends ? nil : context.packet }
    for hook in Self.way(to: witness) {
      switch routing?.step(context, to: hook) ?? .on(nil) {
      case .on(let interface): output = interface ?? output
      case .dropped:
        return RulesetWalk(verdict: .drop, table: last?.table, place: last?.place, effects: effects, rules: rules, translated: translated())
      case .elsewhere: return nil
      }
      context.hook = hook
      context.input = hook == .output ? nil : input
      context.output = hook == .prerouting || hook == .input ? nil : output
      for name in Self.tables(at: hook) {
        if name == .nat, routing?.isTranslatedBefore(context) == true { continue }
        guard let program = programs[name], let result = pass(program, &context) else { continue }
        let table = program.table
        for hit in result.hits {
          let chain = table.chains[hit.chain].rules
          guard hit.rule < chain.count, case .use(let use) = chain[hit.rule].target else { continue }
          effects.append(use)
          rules.append((name, RulePosition(chain: hit.chain, rule: hit.rule)))
        }
        let decider = result.hits.last.flatMap { hit in
          hit.rule < table.chains[hit.chain].rules.count ? RulePosition(chain: hit.chain, rule: hit.rule) : nil
        }
        last = (name, decider)
        if let decider, rules.last?.place != decider || rules.last?.table != name { rules.append((name, decider)) }
        if result.verdict != .accept {
          return RulesetWalk(verdict: result.verdict, table: name, place: decider, effects: effects, rules: rules, translated: translated())
        }
      }
    }
    return RulesetWalk(verdict: .accept, table: last?.table, place: last?.place, effects: effects, rules: rules, translated: translated())
  }

  /// What a table does with a packet.
  private typealias Pass = (hits: [TableWalk.Hit], verdict: RulesetWalk.Verdict)

  /// Passes a packet through a table; nil if the table is not asked.
  private func pass(_ program: TableProgram, _ context: inout PacketContext) -> Pass? {
    switch program.name {
    case .raw:
      // The raw table comes before connection tracking.
      let attachment = context.attachment
      context.attachment = .none
      let result = Self.pass(program.walk(&context))
      if context.attachment != .untracked { context.attachment = attachment }
      return result
    case .nat:
      guard let info = context.attachment.info, [.new, .related, .relatedReply].contains(info) else { return nil }
      return translate(program, &context)
    case .mangle, .filter, .security: return Self.pass(program.walk(&context))
    }
  }

  private static func pass(_ walk: TableWalk) -> Pass { (walk.hits, verdict(walk.outcome)) }

  /// Passes a packet through the nat table, and translates it as the table says. A packet that cannot be translated, because its header is cut
  /// short, is dropped.
  private func translate(_ program: TableProgram, _ context: inout PacketContext) -> Pass? {
    guard let connections = context.world.conntrack else { return Self.pass(program.walk(&context)) }
    var result: Pass?
    var packet = context.packet
    var random = context.world.random
    let verdict = connections.translate(
      packet: &packet, attachment: context.attachment, hook: context.hook, output: context.output?.index, random: &random,
      now: context.world.instant
    ) { _ in
      let walk = Self.pass(program.walk(&context))
      result = walk
      return walk.verdict == .accept ? .accept : .drop
    }
    context.packet = packet
    if verdict == .drop, result?.verdict ?? .accept == .accept { return (result?.hits ?? [], .drop) }
    return result
  }

  private static func verdict(_ outcome: TableOutcome) -> RulesetWalk.Verdict {
    switch outcome {
    case .verdict(.accept), .verdict(.stop): .accept
    case .verdict(.drop), .hotdrop: .drop
    case .verdict(.queue): .queue
    case .verdict(.stolen): .stolen
    case .verdict(.repeat), .unknown, .paused: .unknown
    }
  }

  private static func way(to witness: Witness) -> [Hook] {
    switch witness.hook {
    case .prerouting: [.prerouting]
    case .input: [.prerouting, .input]
    case .forward: [.prerouting, .forward, .postrouting]
    case .output: [.output, .postrouting]
    case .postrouting: witness.draft.input == nil ? [.output, .postrouting] : [.prerouting, .forward, .postrouting]
    }
  }

  static func tables(at hook: Hook) -> [TableName] {
    TableName.allCases.filter { $0.hookMask.contains(HookMask(hook)) }
      .sorted { HookPriority.of($0, at: hook) < HookPriority.of($1, at: hook) }
  }
}
