internal import Kernel
internal import Lab
internal import Wire
internal import XTables

/// The rules under test in the kernel, with their counters.
struct LabRules {
  private var tables: [LabEnvironment.TableName] = []

  /// Creates the scenario's sets and loads its rules.
  init(_ plan: LabPlan) throws(KernelError) {
    if !plan.sets.isEmpty {
      var maker = try LabSets(now: LabEngine.start(plan.scenario))
      try maker.make(plan.sets)
    }
    try load(plan.rulesets)
  }

  /// Loads rules; they replace the tables of the same names. Counters start at 0, as with `iptables-restore`.
  mutating func load(_ rulesets: [Ruleset]) throws(KernelError) {
    for table in rulesets.flatMap(\.tables) {
      do throws(KernelError) {
        try RawTable(table).replace()
      } catch {
        throw LabRules.explained(error, table)
      }
    }
    for table in LabPlan.tables(rulesets) where !tables.contains(table) { tables.append(table) }
  }

  private static func explained(_ error: KernelError, _ table: Table) -> KernelError {
    let asksOwner = table.chains.contains { $0.rules.contains { $0.matches.contains { $0.descriptor.name == "owner" } } }
    guard asksOwner, Sandbox.isUserNamespace else { return error }
    return KernelError(.malformed("\(error); -m owner cannot be used in a user namespace"))
  }

  /// The rules that only drop packets, or queue them without a listener, in text in iptables-save form.
  static func drops(_ scenario: Scenario) -> Set<RulePlace> {
    var places: Set<RulePlace> = []
    // Rules loaded later would change the numbers.
    guard !scenario.steps.contains(where: { if case .load = $0.action { true } else { false } }) else { return [] }
    for (family, text) in [(AddressFamily.ipv4, scenario.rules), (.ipv6, scenario.rules6)] {
      var table = ""
      var counts: [String: Int] = [:]
      for line in (text ?? "").split(whereSeparator: \.isNewline) {
        let words = line.split(separator: " ")
        if let name = words.first, name.hasPrefix("*") { (table, counts) = (String(name.dropFirst()), [:]) }
        // Commands other than `-A` change the numbers of rules.
        guard !words.contains(where: { ["-I", "-D", "-R", "-F"].contains($0) }) else { return [] }
        guard let at = words.firstIndex(of: "-A"), words.indices.contains(at + 1) else { continue }
        let chain = String(words[at + 1])
        counts[chain, default: 0] += 1
        guard words.suffix(2) == ["-j", "DROP"] || isLost(words, scenario), let number = counts[chain] else { continue }
        places.insert(RulePlace(family: family, table: table, chain: chain, number: number))
      }
    }
    return places
  }

  /// True for a rule that queues packets without a listener.
  private static func isLost(_ words: [Substring], _ scenario: Scenario) -> Bool {
    guard let at = words.firstIndex(of: "NFQUEUE"), at > 0, words[at - 1] == "-j", !words.contains("--queue-bypass") else { return false }
    if let balance = words.firstIndex(of: "--queue-balance"), words.indices.contains(balance + 1) {
      let ends = words[balance + 1].split(separator: ":").compactMap { UInt16($0) }
      return ends.count == 2 && ends[0] <= ends[1] && (ends[0]...ends[1]).allSatisfy { scenario.queues[$0] == nil }
    }
    let number = words.firstIndex(of: "--queue-num").flatMap { words.indices.contains($0 + 1) ? UInt16(words[$0 + 1]) : nil } ?? 0
    return scenario.queues[number] == nil
  }

  /// The groups of NFLOG rules.
  static func logGroups(_ scenario: Scenario) -> Set<UInt16> {
    let words = scenario.ruleTexts.flatMap { $0.split { $0 == " " || $0.isNewline } }
    return Set(zip(words, words.dropFirst()).filter { $0.0 == "--nflog-group" }.compactMap { UInt16($0.1) })
  }

  /// The counters of a family's tables.
  func counters(_ family: AddressFamily) throws(KernelError) -> [LabTable] {
    var found: [LabTable] = []
    for table in tables where table.family == family {
      let chains = try RawTable.read(family, table.name).chains.map { chain in
        LabTable.Chain(
          name: chain.name, policy: chain.policy,
          count: chain.policy == nil ? LabCount() : LabCount(chain.counters.packets, chain.counters.bytes),
          rules: chain.rules.map { LabCount($0.packets, $0.bytes) })
      }
      found.append(LabTable(name: table.name, chains: chains))
    }
    return found
  }

  /// The number of rules in each chain, by `table:chain`.
  static func ruleCounts(_ tables: [LabTable]) -> [String: Int] {
    var counts: [String: Int] = [:]
    for table in tables {
      for chain in table.chains { counts["\(table.name):\(chain.name)"] = chain.rules.count }
    }
    return counts
  }
}
