import Compiler
import Diagnostics
import Grammar
import Netfilter
import Syntax
import Wire
import XTables

/// Rules for ``FuzzHost``, as text and parsed.
struct DrawnRuleset {
  let text: String
  let ruleset: Ruleset

  /// All rules, whatever their table and chain.
  var rules: [Rule] { ruleset.tables.flatMap { $0.chains.flatMap(\.rules) } }
}

/// Draws rulesets that Ferrule accepts, and predicts that the kernel accepts.
struct RulesetDrawing {
  private let registry: Registry
  private let family: Family
  private let names: NameDatabase
  private var generator: SentenceGenerator
  private var draw: Draw

  init(registry: Registry, host: FuzzHost, extensions: Set<String>, seed: UInt64) {
    self.registry = registry
    family = host.family
    names = host.names
    var vocabulary = SentenceVocabulary(host)
    vocabulary.extensions = extensions
    generator = SentenceGenerator(registry: registry, family: host.family, seed: seed, vocabulary: vocabulary)
    draw = Draw(seed: seed &+ 1)
  }

  /// The combinations of tables. Their number is small, so that namespaces can be reused.
  private static let combinations: [[TableName]] = [
    [.filter], [.filter], [.mangle, .filter], [.raw, .mangle, .nat, .filter], [.nat, .filter], [.raw, .filter],
    [.raw, .mangle, .nat, .filter, .security],
  ]

  /// Draws a new ruleset.
  mutating func drawn() -> DrawnRuleset {
    let tables = draw.pick(Self.combinations)
    let texts = tables.map { table($0, rules: draw.number(2...(tables.count > 2 ? 7 : 14))) }
    return read(texts.joined())
  }

  /// A hand-written ruleset with some changes.
  mutating func mutated(_ text: String) -> DrawnRuleset {
    var mutation = RulesetMutation(interfaces: ["eth0", "eth1", "eth2"], seed: draw.word())
    return read(outlined(mutation.apply(to: text)))
  }

  private func read(_ text: String) -> DrawnRuleset { DrawnRuleset(text: text, ruleset: parse(text).ruleset) }

  private func parse(_ text: String) -> ParsedRuleset {
    RulesetParser(registry: registry, names: names, family: family).parse(SourceFile(name: "drawn", bytes: Array(text.utf8)))
  }

  /// True if parser and validator accept a text, and the kernel has everything that it names.
  private func isSound(_ text: String) -> Bool {
    let parsed = parse(text)
    guard !parsed.hasErrors, !parsed.ruleset.tables.contains(where: hasOddTarget) else { return false }
    return parsed.ruleset.tables.allSatisfy { table in
      !TableValidator().diagnostics(for: table).contains { $0.severity == .error }
    }
  }

  private func hasOddTarget(_ table: Table) -> Bool {
    table.chains.contains { chain in
      chain.rules.contains { rule in
        // For a proxied connection from the loopback interface, the kernel sends an additional event.
        if rule.has(.proxies), chain.hook != .forward { return true }
        return rule.hostUses.contains { use in
          guard case .helper(let name) = use else { return false }
          // The kernel has each helper only for its own protocol.
          let proto = IPProtocol(rawValue: rule.header.protocolNumber)
          return !(name == "ftp" && proto == .tcp || name == "tftp" && proto == .udp)
        }
      }
    }
  }

  private mutating func table(_ name: TableName, rules count: Int) -> String {
    let users = (0..<draw.pick([0, 1, 2, 3])).map { "u\($0)" }
    var lines = ["*\(name.rawValue)"]
    for hook in name.hooks { lines.append(":\(hook.name) \(name != .nat && draw.chance(0.12) ? "DROP" : "ACCEPT") [0:0]") }
    lines += users.map { ":\($0) - [0:0]" }
    for _ in 0..<count {
      let hooks = name.hooks.map(\.name)
      let chain = draw.pick(hooks + hooks + users)
      // A chain jumps only to later chains, so that there are no loops.
      generator.chains = users.firstIndex(of: chain).map { Array(users[($0 + 1)...]) } ?? users
      for _ in 0..<6 {
        let line = generator.rule(table: name, chain: chain)
        guard isSound((lines + [line, "COMMIT", ""]).joined(separator: "\n")) else { continue }
        lines.append(line)
        break
      }
    }
    return (lines + ["COMMIT", ""]).joined(separator: "\n")
  }

  /// The text without comments and rules that cannot be loaded here.
  private func outlined(_ text: String) -> String {
    var kept: [String] = []
    var table: [String] = []
    for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
      switch line.first {
      case "*": table = [line]
      case ":": table.append(line)
      case "C":
        if table.count > 1 { kept += table + ["COMMIT"] }
        table = []
      default:
        // A jump to a chain declared in an earlier line is valid.
        if !table.isEmpty, isSound((table + [line, "COMMIT", ""]).joined(separator: "\n")) { table.append(line) }
      }
    }
    return kept.map { $0 + "\n" }.joined()
  }
}
