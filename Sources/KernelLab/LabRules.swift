internal import Kernel
internal import Lab
internal import Wire

/// The rules under test, as the kernel holds them, with their counters.
struct LabRules {
  private var tables: [LabEnvironment.TableName] = []
  private let lock: String

  /// Loads the scenario's sets and rules. The lock is one of our own: nobody else knows this namespace.
  init(_ scenario: Scenario, lock: String) throws(KernelError) {
    self.lock = lock
    if let sets = scenario.ipsets { try LabRules.run("ipset", ["restore"], input: sets, what: "ipset", lock: lock) }
    try load(scenario.rules, scenario.rules6)
  }

  /// Loads rules in place of what the tables of the same names hold.
  mutating func load(_ rules: String?, _ rules6: String?) throws(KernelError) {
    for (family, text) in [(AddressFamily.ipv4, rules), (.ipv6, rules6)] {
      guard let text else { continue }
      let program = family == .ipv4 ? "iptables-legacy-restore" : "ip6tables-legacy-restore"
      try LabRules.run(program, [], input: text, what: family == .ipv4 ? "rules" : "rules6", lock: lock)
    }
    for table in LabRules.tables(rules, rules6) where !tables.contains(table) { tables.append(table) }
  }

  /// The tables that the scenario's rules name from the start.
  static func tables(_ scenario: Scenario) -> [LabEnvironment.TableName] { tables(scenario.rules, scenario.rules6) }

  /// Whether a step loads a table that was not there before: it is there from then on.
  static func gainsTables(_ scenario: Scenario) -> Bool {
    let tables = tables(scenario)
    return scenario.steps.contains { step in
      guard case .load(let rules, let rules6) = step.action else { return false }
      return LabRules.tables(rules, rules6).contains { !tables.contains($0) }
    }
  }

  /// The tables that rules name, in the order of the text.
  private static func tables(_ rules: String?, _ rules6: String?) -> [LabEnvironment.TableName] {
    var tables: [LabEnvironment.TableName] = []
    for (family, text) in [(AddressFamily.ipv4, rules), (.ipv6, rules6)] {
      for line in (text ?? "").split(whereSeparator: \.isNewline) where line.hasPrefix("*") {
        let table = LabEnvironment.TableName(family: family, name: String(line.dropFirst().split { $0 == " " || $0 == "\t" }.first ?? ""))
        if !tables.contains(table) { tables.append(table) }
      }
    }
    return tables
  }

  /// The rules that do nothing but drop, or hand to a queue to which nobody listens, of texts that `iptables-save` might have written.
  static func drops(_ scenario: Scenario) -> Set<RulePlace> {
    var places: Set<RulePlace> = []
    // Rules that are loaded later stand in the place of these.
    guard !scenario.steps.contains(where: { if case .load = $0.action { true } else { false } }) else { return [] }
    for (family, text) in [(AddressFamily.ipv4, scenario.rules), (.ipv6, scenario.rules6)] {
      var table = ""
      var counts: [String: Int] = [:]
      for line in (text ?? "").split(whereSeparator: \.isNewline) {
        let words = line.split(separator: " ")
        if let name = words.first, name.hasPrefix("*") { (table, counts) = (String(name.dropFirst()), [:]) }
        // Anything but appending moves rules about.
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

  /// A rule for a queue without a listener.
  private static func isLost(_ words: [Substring], _ scenario: Scenario) -> Bool {
    guard let at = words.firstIndex(of: "NFQUEUE"), at > 0, words[at - 1] == "-j", !words.contains("--queue-bypass") else { return false }
    if let balance = words.firstIndex(of: "--queue-balance"), words.indices.contains(balance + 1) {
      let ends = words[balance + 1].split(separator: ":").compactMap { UInt16($0) }
      return ends.count == 2 && ends[0] <= ends[1] && (ends[0]...ends[1]).allSatisfy { scenario.queues[$0] == nil }
    }
    let number = words.firstIndex(of: "--queue-num").flatMap { words.indices.contains($0 + 1) ? UInt16(words[$0 + 1]) : nil } ?? 0
    return scenario.queues[number] == nil
  }

  private static func run(_ program: String, _ arguments: [String], input: String, what: String, lock: String) throws(KernelError) {
    let process = try HostProcess.run(program, arguments, input: input, environment: ["XTABLES_LOCKFILE=\(lock)"])
    guard process.status == 0 else {
      let hint = input.contains("-m owner") && Sandbox.isUserNamespace ? "; -m owner is not to be had in a user namespace" : ""
      throw KernelError(.malformed("\(what): \(process.output.oneLine)\(hint)"))
    }
  }

  /// The groups that NFLOG rules log to.
  static func logGroups(_ scenario: Scenario) -> Set<UInt16> {
    let words = scenario.ruleTexts.flatMap { $0.split { $0 == " " || $0.isNewline } }
    return Set(zip(words, words.dropFirst()).filter { $0.0 == "--nflog-group" }.compactMap { UInt16($0.1) })
  }

  /// All counters of a family's tables.
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
