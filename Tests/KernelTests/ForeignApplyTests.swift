import Diagnostics
import Extensions
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Rules of foreign extensions in the running kernel.
@Suite(.asRoot) struct ForeignApplyTests {
  static func foreign(_ registry: Registry = .ferrule, libraries: Bool = true) throws -> Registry {
    registry.asking(
      XtablesExtensions(
        program: BuiltPrograms.folder + "/" + XtablesExtensions.programName, libraries: libraries ? try ForeignLibraries.folder.get() : nil,
        asksKernel: true))
  }

  static func parse(_ text: String, _ registry: Registry) -> ParsedRuleset {
    RulesetParser(registry: registry, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
  }

  /// Applies a ruleset and prints what the kernel then holds, as two registries know it.
  static func roundTrip(_ text: String, _ registry: Registry, _ reader: Registry) throws -> (own: String, other: String) {
    let parsed = parse(text, registry)
    #expect(parsed.diagnostics.isEmpty, "\(parsed.diagnostics.map(\.message))")
    let raw = try NetworkNamespace.onNewThread {
      try LegacyTables().replace(parsed.ruleset.tables, comparison: registry)
      return try LegacyTables().table(.ipv4, .filter)
    }
    let printer = RulePrinter(family: .ipv4, names: .builtin)
    let texts = try [registry, reader].map { String(decoding: printer.table(try raw.typed($0), counters: false), as: UTF8.self) }
    return (texts[0], texts[1])
  }

  static func table(_ rules: String) -> String {
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules)\nCOMMIT\n"
  }

  /// `l2tp` is in the kernel and in no file of iptables 1.8.9.
  @Test func aForeignMatchIsAppliedAndSaved() throws {
    let text = Self.table("-A INPUT -p udp -m l2tp --tid 7 --type data -j ACCEPT")
    let (own, blind) = try Self.roundTrip(text, Self.foreign(), .ferrule)
    #expect(own == text)
    #expect(blind == Self.table("-A INPUT -p udp -m l2tp --ferrule-bytes 0:07000000000000000001090000000000 -j ACCEPT"))
  }

  /// What was saved as bytes goes back as it was, and is readable where the extension is.
  @Test func bytesAreAppliedAndSaved() throws {
    let text = Self.table("-A INPUT -p udp -m l2tp --ferrule-bytes 0:07000000000000000001090000000000 -j ACCEPT")
    let (own, seeing) = try Self.roundTrip(text, .ferrule, Self.foreign())
    #expect(own == text)
    #expect(seeing == Self.table("-A INPUT -p udp -m l2tp --tid 7 --type data -j ACCEPT"))
  }

  /// Known extensions as foreign ones: those with a part of the kernel's own too.
  @Test(arguments: [
    "-m limit --limit 3/hour", "-p tcp -m hashlimit --hashlimit-upto 5/sec --hashlimit-name x -j LOG --log-prefix \"a b\"",
    "-m quota --quota 1000",
    "-m statistic --mode nth --every 3 --packet 0", "-p tcp -m multiport --dports 1,2:3 -j REJECT --reject-with tcp-reset",
  ]) func knownOnesAreForeignToAnEmptyRegistry(_ rule: String) throws {
    let text = Self.table("-A INPUT \(rule)")
    let (own, known) = try Self.roundTrip(text, Self.foreign(Registry(), libraries: false), .ferrule)
    #expect(own == known)
    #expect(own.contains("-A INPUT \(rule.prefix(12))"))
  }
}
