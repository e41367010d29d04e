import Compiler
import Conntrack
import Diagnostics
import Extensions
import Foundation
import Kernel
import Syntax
import Testing
import Wire
import XTables

/// The examples every extension carries: text → rule → text → blob → rule.
@Suite struct ExampleTests {
  /// A `finish` of any other shape would not be the requirement's, and would never be called.
  @Test func finishIsTheRequirement() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Extensions")
    let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
    for file in files where file.pathExtension == "swift" {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where line.contains("static func finish(") {
        #expect(line.contains("seen: SeenOptions, _ draft: RuleDraft)"), "\(file.lastPathComponent)")
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let descriptor: ExtensionDescriptor
    let example: Example
    let family: Family
    var testDescription: String { "\(descriptor.name) \(example.text) (\(family))" }
  }

  static let cases: [Case] = Registry.ferrule.all.flatMap { descriptor in
    descriptor.examples.flatMap { example in
      [Family.ipv4, .ipv6]
        .filter { descriptor.families.contains($0) && (example.family == nil || example.family == $0) }
        .map { Case(descriptor: descriptor, example: example, family: $0) }
    }
  }

  @Test(arguments: cases) func textAndBytesOfAnExampleLeadToTheSameRule(_ test: Case) throws {
    let option = test.descriptor.kind == .match ? "-m" : "-j"
    let rules = ExampleRules(test.example, of: test.descriptor, test.family)
    let sets = try AddressSets(saved: test.example.trial?.given.sets.map { "\($0)\n" }.joined() ?? "", now: 0, names: .system)
    let names = test.example.trial?.given.sets.isEmpty ?? true ? NameDatabase.system : sets.names(over: .system)
    let parsed = RulesetParser(registry: .ferrule, names: names, family: test.family)
      .parse(SourceFile(name: "example", bytes: Array(rules.text.utf8)))
    let errors = parsed.diagnostics.filter { $0.severity == .error }
    guard let saved = test.example.saved else {
      #expect(!errors.isEmpty || !(parsed.ruleset.tables.first.map(TableValidator().diagnostics(for:)) ?? []).isEmpty)
      return
    }
    #expect(errors.isEmpty, "\(errors.map(\.message))")
    let built = try #require(parsed.ruleset.tables.first { $0.name == rules.table })
    let rule = try #require(built[chain: rules.chain]?.rules.last)
    #expect(built[chain: rules.chain]?.rules.count == rules.number)
    let printed = String(decoding: RulePrinter(family: test.family, names: names).line(rule, chain: rules.chain), as: UTF8.self)
    let expected = "\(option) \(test.descriptor.name)" + (saved.isEmpty ? "" : " \(saved)")
    #expect(printed.hasSuffix(expected), "\(printed)")
    let complaints = TableValidator().diagnostics(for: built)
    #expect(complaints.isEmpty, "\(complaints.map(\.message))")
    let back = try TableDecompiler(registry: .ferrule).decompile(TableCompiler().compile(built))
    #expect(back[chain: rules.chain]?.rules.last?.isSame(as: rule) == true)
  }
}
