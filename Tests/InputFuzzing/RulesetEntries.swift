import Compiler
import Diagnostics
import Extensions
import Linter
import Syntax
import Wire
import XTables

/// Rulesets and commands as text.
enum RulesetEntries {
  static let all = [
    InputEntry("ruleset") { read(ruleset: $0, .ipv4) },
    InputEntry("ruleset6") { read(ruleset: $0, .ipv6) },
    InputEntry("command") { bytes in
      for family in Family.allCases { read(command: bytes, family) }
    },
    InputEntry("bytecode") { read(bytecode: $0) },
  ]

  static func parser(_ family: Family) -> RulesetParser { RulesetParser(registry: .ferrule, names: .builtin, family: family) }

  /// What `lint`, `fmt`, `compile`, `decompile` and `show` do with a file.
  private static func read(ruleset bytes: [UInt8], _ family: Family) {
    let parser = parser(family)
    let parsed = parser.parse(SourceFile(name: "input", bytes: bytes))
    precondition(parsed.syntax.bytes == bytes, "a byte was lost")
    let linter = Linter(registry: .ferrule)
    let findings = [FileDiagnostics(parsed.file, linter.diagnostics(for: parsed))]
    for format in ReportFormat.allCases { _ = format.render(findings) }
    _ = RulesetFixer(parser: parser, linter: linter).fix(parsed.file)
    var stream = StreamCompiler(parser, length: bytes.count)
    if stream.add(bytes), stream.add([]) { _ = stream.blobs() }
    if !parsed.hasErrors { _ = Formatter(names: .builtin).format(parsed) }
    let printer = RulePrinter(family: family, names: .builtin)
    for table in parsed.ruleset.tables { read(table, printer, file: parsed.file, isSound: !parsed.hasErrors) }
  }

  private static func read(_ table: Table, _ printer: RulePrinter, file: SourceFile, isSound: Bool) {
    _ = printer.table(table, counters: true)
    _ = ChainTree(table, printer: printer, counters: true).text
    _ = JSONText.encode(TableOutline(table, printer: printer, file: file))
    guard isSound, !TableValidator().diagnostics(for: table).contains(where: { $0.severity == .error }) else { return }
    let blob = TableCompiler().compile(table)
    _ = BlobListing(table, blob, printer: printer).text
    StructureEntries.read(blob)
  }

  /// The arguments of `iptables`, one a line.
  private static func read(command bytes: [UInt8], _ family: Family) {
    let words = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var at = 0
    let tokens = words.map { word in
      defer { at += word.count + 1 }
      return Token(word, at: SourceRange(at..<at + word.count))
    }
    for isRestore in [false, true] {
      let parser = CommandParser(registry: .ferrule, names: .builtin, family: family, isRestore: isRestore)
      var notices: [String] = []
      do throws(OptionError) {
        let command = try parser.read(LineWords(tokens), table: .filter, range: SourceRange(0..<0), notices: &notices)
          .resolved(notices: &notices) { $0 == "INPUT" || $0 == "user" }
        for rule in command.rules { _ = RulePrinter(family: family, names: .builtin).line(rule, chain: "INPUT", counters: true) }
      } catch {
        _ = "\(error)"
      }
    }
  }

  /// A program for `-m bpf`, compiled and asked about a packet.
  private static func read(bytecode bytes: [UInt8]) {
    let text = bytes.filter { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    let rules = Array("*filter\n-A FORWARD -m bpf --bytecode \"".utf8) + text + Array("\" -j DROP\nCOMMIT\n".utf8)
    let parsed = parser(.ipv4).parse(SourceFile(name: "input", bytes: rules))
    guard !parsed.hasErrors else { return }
    PacketEntries.carry(through: parsed.ruleset)
  }
}
