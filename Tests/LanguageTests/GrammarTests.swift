import Compiler
import Diagnostics
import Extensions
import Foundation
import Grammar
import Kernel
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// The generated grammars are fresh, and the sentences drawn from the grammar mean the same to Ferrule and to iptables.
///
/// `FERRULE_SENTENCES=N` draws N rules instead of 10,000; `FERRULE_SEED=S` draws others.
@Suite struct GrammarTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Grammar").standardized

  @Test(arguments: ["extensions.ebnf", "iptables-save.tmLanguage.json", "iptables-save.vim"])
  func isFresh(_ name: String) throws {
    let editor = EditorGrammar(registry: .ferrule)
    let expected =
      switch name {
      case "extensions.ebnf": ExtensionGrammar(registry: .ferrule).text
      case "iptables-save.vim": editor.vim
      default: editor.textMate
      }
    let url = Self.folder.appending(path: name)
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try Data(expected.utf8).write(to: url)
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == expected, "run: make grammar")
  }

  @Test func textMateGrammarIsJSON() throws {
    let object = try JSONSerialization.jsonObject(with: Data(EditorGrammar(registry: .ferrule).textMate.utf8))
    #expect((object as? [String: Any])?["scopeName"] as? String == "source.iptables-save")
  }

  static let seed = ProcessInfo.processInfo.environment["FERRULE_SEED"].flatMap(UInt64.init) ?? 20_261_121

  @Test func theSameSeedDrawsTheSame() {
    var first = SentenceGenerator(registry: .ferrule, family: .ipv4, seed: Self.seed)
    var second = SentenceGenerator(registry: .ferrule, family: .ipv4, seed: Self.seed)
    #expect(first.table(.mangle, rules: 50) == second.table(.mangle, rules: 50))
  }

  /// What iptables 1.8.9 prints and does not read back as the same rule, so that neither does Ferrule.
  static let unfaithful: [(words: String, why: String)] = [
    ("--led-delay", "an endless delay is printed as -1, which is refused"),
    ("-m ipcomp", "the full range is not printed, and nothing printed means SPI 0"),
    ("--cluster-local-nodemask", "a mask is printed as a number that the option's range refuses"),
    ("-m rateest", "options left out are printed as empty words"),
    ("-m time", "a date at the clock's end, and days inverted, are not printed as they are read"),
  ]

  /// parse∘print is the identity, and text → blob → text too.
  @Test(arguments: [Family.ipv4, .ipv6]) func drawnSentencesSurviveReadingAndPrinting(_ family: Family) {
    var generator = SentenceGenerator(registry: .ferrule, family: family, seed: Self.seed)
    let printer = RulePrinter(family: family, names: .system)
    var checked = 0
    for table in TableName.allCases {
      for _ in 0..<400 {
        let chain = table.hooks[0].name
        let parsed = Self.parse("*\(table.rawValue)\n\(generator.rule(table: table, chain: chain))\nCOMMIT\n", family)
        guard !parsed.hasErrors, let built = parsed.ruleset.tables.first, let rule = built[chain: chain]?.rules.first else { continue }
        let text = String(decoding: printer.line(rule, chain: chain), as: UTF8.self)
        if Self.unfaithful.contains(where: { text.contains($0.words) }) { continue }
        checked += 1
        let again = Self.parse("*\(table.rawValue)\n\(text)\nCOMMIT\n", family)
        let back = again.ruleset.tables.first?[chain: chain]?.rules.first
        #expect(back.map { String(decoding: printer.line($0, chain: chain), as: UTF8.self) } == text, "\(again.diagnostics.map(\.message))")
        guard TableValidator().diagnostics(for: built).isEmpty else { continue }
        let decompiled = try? TableDecompiler(registry: .ferrule).decompile(TableCompiler().compile(built))
        #expect(decompiled?[chain: chain]?.rules.first?.isSame(as: rule) == true, "\(text)")
      }
    }
    #expect(checked > 500, "\(checked)")
  }

  static func parse(_ text: String, _ family: Family) -> ParsedRuleset {
    RulesetParser(registry: .ferrule, names: .system, family: family).parse(SourceFile(name: "sentence", bytes: Array(text.utf8)))
  }

  // MARK: Against the real tool

  struct Disagreement {
    let line: String
    let said: String
  }

  @Test(
    .enabled(if: LegacyTool.absence == nil, "\(LegacyTool.absence ?? "")"), arguments: [Family.ipv4, .ipv6])
  func ferruleAcceptsWhatIptablesAccepts(_ family: Family) throws {
    let count = ProcessInfo.processInfo.environment["FERRULE_SENTENCES"].flatMap(Int.init) ?? 10_000
    var generator = SentenceGenerator(registry: .ferrule, family: family, seed: Self.seed, vocabulary: try LegacyTool.vocabulary(family))
    var disagreements: [Disagreement] = []
    var accepted = 0
    let perTable = count / 2 / TableName.allCases.count
    for table in TableName.allCases {
      generator.mistakeRate = table == .filter || table == .mangle ? 0.1 : 0.02
      let lines = (0..<perTable).map { _ in generator.rule(table: table, chain: table.hooks[0].name) }
      let theirs = try Self.verdicts(of: lines, table, family)
      for (line, theirWord) in zip(lines, theirs) {
        let error = Self.parse("*\(table.rawValue)\n\(line)\nCOMMIT\n", family).diagnostics.first { $0.severity == .error }
        if theirWord == nil { accepted += 1 }
        if (error == nil) != (theirWord == nil) {
          disagreements.append(
            Disagreement(line: line, said: "Ferrule: \(error?.message ?? "accepts"); iptables: \(theirWord ?? "accepts")"))
        }
      }
    }
    print("\(family): seed \(Self.seed), \(perTable * 5) rules, \(accepted) accepted by iptables, \(disagreements.count) disagreements")
    for disagreement in disagreements.prefix(40) { print("  \(disagreement.line)\n      \(disagreement.said)") }
    #expect(disagreements.isEmpty)
    #expect(accepted > perTable && accepted < perTable * 5)
  }

  /// What iptables-restore --test says of each line: nothing where it accepts. It stops at the first line it rejects, so
  /// the rest is put to it again.
  static func verdicts(of lines: [String], _ table: TableName, _ family: Family) throws -> [String?] {
    var verdicts: [String?] = []
    let file = FileManager.default.temporaryDirectory.appending(path: "ferrule-sentences-\(UUID()).rules")
    defer { try? FileManager.default.removeItem(at: file) }
    while verdicts.count < lines.count {
      let rest = lines[verdicts.count...]
      try Data(("*\(table.rawValue)\n" + rest.joined(separator: "\n") + "\nCOMMIT\n").utf8).write(to: file)
      let answer = try LegacyTool.restoreTest(file.path, family)
      if answer.status == 0 {
        verdicts += rest.map { _ in nil }
      } else {
        let line = try #require(answer.line, "\(answer.errors)")
        verdicts += rest.prefix(line - 2).map { _ in nil }
        verdicts.append(answer.errors.split(separator: "\n").first.map(String.init) ?? "?")
      }
    }
    return Array(verdicts.prefix(lines.count))
  }
}
