public import Netfilter
public import Wire

/// A base chain of nf_tables in the form of a table of iptables, which the evaluator runs.
///
/// A rule becomes a rule of matches without an option syntax. A map of verdicts becomes one rule for each element.
public struct NativeProgram: Sendable {
  /// What stands for a rule.
  public struct Line: Sendable, Hashable {
    /// The number of the rule in its chain, from 1.
    public let number: Int
    /// The rule in the words of nft(8).
    public let text: String
  }

  /// The table: its built-in chain at the hook is the base chain.
  public let table: Table
  /// Family and name of the table in nf_tables.
  public let title: String
  /// The names of the chains in nf_tables, by their index in `table`.
  public let names: [String]
  /// The rules in nf_tables, by chain and rule of `table`.
  public let lines: [[Line]]

  /// - Parameters:
  ///   - name: the base chain.
  ///   - drops: whether its policy is to drop.
  /// - Returns: nil if there is no such chain, or a rule leads to one that does not exist.
  public init?(_ source: NativeTable, chain name: String, _ hook: Hook, drops: Bool, _ family: Family, _ fields: NativeFields) {
    // Only the mangle table of iptables has chains at all hooks.
    var table = Table(.mangle, family)
    let reached = source.reach(from: name)
    guard let base = table.chains.firstIndex(where: { $0.hook == hook }),
      let first = source.chains.firstIndex(where: { $0.name == name })
    else { return nil }
    // Chains of nf_tables may have the names of built-in chains, so that here they have numbers.
    var places = [first: base]
    for index in source.chains.indices where index != first && reached.contains(index) {
      places[index] = table.chains.count
      _ = table.addChain("\(index)")
    }
    let numbers = Dictionary(source.chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
    func place(_ chain: String) -> String? { numbers[chain].flatMap { places[$0] }.map { table.chains[$0].name } }
    var (names, lines) = (table.chains.map(\.name), [[Line]](repeating: [], count: table.chains.count))
    for (index, chain) in source.chains.enumerated() {
      guard let at = places[index] else { continue }
      names[at] = chain.name
      var rules: [Rule] = []
      for (number, rule) in chain.rules.enumerated() {
        let line = Line(number: number + 1, text: rule.text(in: source.family))
        let compiler = NativeRuleCompiler(source, "\(source.title) \(chain.name) rule \(number + 1)", family, fields, place)
        guard let compiled = compiler.rules(rule) else { return nil }
        rules += compiled
        lines[at] += compiled.map { _ in line }
      }
      table.update(at: at) { $0.rules = rules }
    }
    table.update(at: base) { $0.policy = drops ? .drop : .accept }
    self.table = table
    title = source.title
    (self.names, self.lines) = (names, lines)
  }
}

/// Makes rules of iptables of one of nf_tables.
private struct NativeRuleCompiler {
  let table: NativeTable
  /// The rule, for messages.
  let title: String
  let family: Family
  let fields: NativeFields
  /// The name of a chain in the table of iptables.
  let place: (String) -> String?

  init(_ table: NativeTable, _ title: String, _ family: Family, _ fields: NativeFields, _ place: @escaping (String) -> String?) {
    (self.table, self.title, self.family, self.fields, self.place) = (table, title, family, fields, place)
  }

  /// Nil if the rule leads to a chain that does not exist.
  func rules(_ source: NativeRule) -> [Rule]? {
    var rule = Rule()
    var unknown: UnknownReason?
    for part in source.parts {
      let isChange: Bool
      switch part {
      case .unknown(let what): (unknown, isChange) = (unknown ?? reason(what), true)
      case .unknownTest(let what): (unknown, isChange) = (unknown ?? reason(what), false)
      case .match(let match): (unknown, isChange) = (unknown ?? obstacle(to: match).map(reason), false)
      case .setMark: isChange = unknown != nil
      case .limit, .log: isChange = false
      }
      // A packet that comes so far may be another one from here on, whatever the rest of the rule says.
      if isChange, let unknown {
        rule.target = .use(Self.act { _ in .unknown(unknown) })
        return [rule]
      }
      rule.matches.append(use(part))
    }
    guard case .map(let operands, let choices) = source.end else {
      guard let target = target(source.end) else { return nil }
      rule.target = target
      return [rule]
    }
    var result: [Rule] = []
    for choice in choices {
      var own = rule
      own.matches.append(match(NativeMatch(operands, .elements([choice.element]))))
      guard let target = target(choice.end) else { return nil }
      own.target = target
      result.append(own)
    }
    // An empty map fails, and is counted as a rule.
    return result.isEmpty ? [Rule(unmatched: rule, self.never)] : result
  }

  private var never: ExtensionUse { Self.use(.never) }

  private func target(_ end: NativeRule.End) -> RuleTarget? {
    switch end {
    case .next, .map: return RuleTarget.none
    case .accept: return .verdict(.accept)
    case .drop: return .verdict(.drop)
    case .return: return .verdict(.return)
    case .jump(let chain): return place(chain).map { .jump($0) }
    case .goto(let chain): return place(chain).map { .goto($0) }
    case .queue(let number, let isBypassed): return .use(Self.act { _ in .verdict(.queue(number: number, bypass: isBypassed)) })
    case .reject(let kind):
      return .use(
        Self.act { packet in
          kind.answer(&packet)
          return .verdict(.drop)
        })
    }
  }

  private func use(_ part: NativeRule.Part) -> ExtensionUse {
    switch part {
    case .match(let match): return self.match(match)
    case .limit(let limit):
      return Self.evaluate { packet in
        let now = packet.world.now
        guard let full = NativeTokenBucket(rate: limit.rate, unit: limit.unit, burst: limit.burst, now: now) else { return .mismatched }
        let fits = packet.world.memory.withState(of: packet.slot, initial: full) { $0.take(now) }
        return .of(fits != limit.isOver)
      }
    case .log(let log):
      return Self.evaluate { packet in
        packet.note { context in
          switch log.place {
          case .kernel(let level, let content): .log(level: level, line: LogLine.text(for: context, prefix: log.prefix, content: content))
          case .group(let group): .nflog(group: group, prefix: log.prefix)
          }
        }
        return .matched
      }
    case .setMark(let mask, let value):
      return Self.evaluate { packet in
        packet.mark = packet.mark & mask ^ value
        return .matched
      }
    case .unknownTest(let what), .unknown(let what): return unknown(what)
    }
  }

  private func reason(_ what: String) -> UnknownReason {
    UnknownReason(sentence: "\(title) is not evaluated: Ferrule does not know \(what)")
  }

  /// A test whose result is not known, behind which later tests may still fail.
  private func unknown(_ what: String) -> ExtensionUse {
    let reason = reason(what)
    return Self.evaluate { _ in .unknown(reason) }
  }

  /// What is not known of a comparison; nil if it can be made.
  private func obstacle(to match: NativeMatch) -> String? {
    guard match.operands.count <= 4 else { return "more than four fields at once" }
    guard match.operands.allSatisfy({ fields.field($0.subject, family) != nil }) else { return "one of its fields" }
    guard family == .ipv4 || fields.canCompare(match, sets: table.sets) else { return "the type of an IPv6 address" }
    if case .set(let name) = match.values, table.sets[name] == nil { return "the set \(name)" }
    let elements = elements(of: match)
    return elements.allSatisfy { $0.ranges.count == match.operands.count } ? nil : "a set of other fields"
  }

  private func elements(of match: NativeMatch) -> [NativeElement] {
    switch match.values {
    case .elements(let own): own
    case .set(let name): table.sets[name]?.elements ?? []
    }
  }

  private func match(_ match: NativeMatch) -> ExtensionUse {
    if let obstacle = obstacle(to: match) { return unknown(obstacle) }
    let operands = match.operands.compactMap { operand in fields.field(operand.subject, family).map { (field: $0, mask: operand.mask) } }
    let index = NativeElementIndex(elements(of: match))
    let isInverted = match.isInverted
    let tracks = match.operands.contains { if case .connection = $0.subject { true } else { false } }
    let field = Field("nft", bits: 1) { context in
      var values = InlineArray<4, UInt128>(repeating: 0)
      for (at, operand) in operands.enumerated() {
        let read = operand.field.read(&context)
        guard case .value(let value) = read else { return read }
        values[at] = operand.mask.map { value & $0 } ?? value
      }
      return .of(index.holds(values) != isInverted)
    }
    return Self.use(.equals(field, 1), tracks ? .conntrack : [])
  }

  // MARK: Uses without options

  private static func use(_ condition: Condition, _ services: KernelServices = []) -> ExtensionUse {
    let behaviour = MatchBehaviour(condition: { _, _ in condition }, evaluate: { _ in { _ in .mismatched } })
    return ExtensionUse(ExtensionDescriptor(native: .match, .match(behaviour), services), payload: [])
  }

  private static func evaluate(_ body: @escaping @Sendable (inout PacketContext) -> MatchOutcome) -> ExtensionUse {
    let behaviour = MatchBehaviour(condition: { _, _ in .opaque }, evaluate: { _ in body })
    return ExtensionUse(ExtensionDescriptor(native: .match, .match(behaviour), []), payload: [])
  }

  private static func act(_ body: @escaping @Sendable (inout PacketContext) -> TargetOutcome) -> ExtensionUse {
    ExtensionUse(ExtensionDescriptor(native: .target, .target(TargetBehaviour(ending: .always, action: { _ in body })), []), payload: [])
  }
}

extension Rule {
  /// The rule without its target, and with a match that fails.
  fileprivate init(unmatched rule: Rule, _ never: ExtensionUse) {
    self = rule
    matches.append(never)
    target = .none
  }
}

extension NativeReject {
  /// Sends the answer. The corresponding kernel functions are `nft_reject_inet_eval`, `nft_reject_icmp_code` and `nft_reject_icmpv6_code`.
  fileprivate func answer(_ packet: inout PacketContext) {
    switch self {
    case .reset: packet.answerReset()
    case .unreachable(let code): packet.answerUnreachable(code: code)
    case .anyFamily(let number):
      let codes: [UInt8] = packet.family == .ipv4 ? [0, 3, 1, 13] : [0, 4, 3, 1]
      if codes.indices.contains(Int(number)) { packet.answerUnreachable(code: codes[Int(number)]) }
    }
  }
}

/// The elements of a set, so that a value is found fast.
private struct NativeElementIndex: Sendable {
  /// For one operand: disjoint ranges in ascending order.
  private let ranges: [ClosedRange<UInt128>]
  /// For several operands.
  private let elements: [NativeElement]

  init(_ elements: [NativeElement]) {
    guard elements.allSatisfy({ $0.ranges.count == 1 }) else {
      (ranges, self.elements) = ([], elements)
      return
    }
    var merged: [ClosedRange<UInt128>] = []
    for range in elements.map({ $0.ranges[0] }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    (ranges, self.elements) = (merged, [])
  }

  func holds(_ values: InlineArray<4, UInt128>) -> Bool {
    guard elements.isEmpty else {
      return elements.contains { element in
        element.ranges.count <= 4 && element.ranges.indices.allSatisfy { element.ranges[$0].contains(values[$0]) }
      }
    }
    // The last range that starts at or below the value.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound <= values[0] { low = middle + 1 } else { high = middle }
    }
    return low > 0 && ranges[low - 1].contains(values[0])
  }
}
