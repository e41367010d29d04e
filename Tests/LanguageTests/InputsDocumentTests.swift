import Diagnostics
import Extensions
import Foundation
import Kernel
import Syntax
import TestSupport
import Testing
import XTables

/// `Docs/Inputs.md` lists every fact that a verdict may depend on, and every match and target with the facts that it needs.
@Suite struct InputsDocumentTests {
  private static let path = PackageFolder.path + "/Docs/Inputs.md"

  /// The facts that an extension declares itself or by the fields of the conditions of its examples, in the order of their declaration.
  static func needs(of descriptor: ExtensionDescriptor) -> [HostFact] {
    var needed = Set(descriptor.needs)
    guard case .match(let meaning) = descriptor.behaviour else { return HostFact.allCases.filter(needed.contains) }
    for test in ExampleTests.cases where test.descriptor === descriptor && test.example.saved != nil {
      let rules = ExampleRules(test.example, of: descriptor, test.family)
      let parsed = RulesetParser(registry: .ferrule, names: .system, family: test.family)
        .parse(SourceFile(name: "example", bytes: Array(rules.text.utf8)))
      for use in parsed.ruleset[table: rules.table]?[chain: rules.chain]?.rules.last?.matches ?? [] where use.descriptor === descriptor {
        for field in meaning.condition(use.payload, test.family).fields { needed.formUnion(field.traits.needs?.facts ?? []) }
      }
    }
    return HostFact.allCases.filter(needed.contains)
  }

  private static func facts() -> [String] {
    ["| fact | stated by |", "|---|---|"]
      + HostFact.allCases.map { fact in
        "| \(fact.title) | \(fact.input.map { $0.replacing("|", with: "\\|") } ?? "nothing: always unknown") |"
      }
  }

  private static func extensions() -> [String] {
    var rows: [String] = []
    for kind in [ExtensionDescriptor.Kind.match, .target] {
      for descriptor in Registry.ferrule.all.filter({ $0.kind == kind }).sorted(by: {
        ($0.name.lowercased(), $0.name) < ($1.name.lowercased(), $1.name)
      }) {
        let facts = needs(of: descriptor).map(\.title).joined(separator: "; ")
        rows.append("| `\(kind == .match ? "-m" : "-j") \(descriptor.name)` | \(facts.isEmpty ? "–" : facts) |")
      }
    }
    var seen: Set<String> = []
    return ["| match or target | facts |", "|---|---|"] + rows.filter { seen.insert($0).inserted }
  }

  /// `FERRULE_REGENERATE=1` writes the tables anew.
  @Test func isFresh() throws {
    var lines = try TextFile.text(Self.path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let old = lines
    for table in [Self.facts(), Self.extensions()] {
      let start = try #require(lines.firstIndex(of: table[0]), "there is no table that begins with \(table[0])")
      let end = lines[start...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
      lines.replaceSubrange(start..<end, with: table)
    }
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: Self.path))
    } else {
      #expect(old == lines, "run: make grammar")
    }
  }

  /// What is asked of the outside is declared: these matches depend on it.
  @Test(arguments: [
    ("addrtype", [HostFact.addresses, .routes]), ("time", [.clock, .timeZone]), ("mac", [.linkSource]), ("owner", [.user, .group]),
    ("cgroup", [.controlGroup]), ("socket", [.sockets]), ("rpfilter", [.routes]), ("statistic", [.chance]), ("set", [.addressSets]),
    ("devgroup", [.interfaceGroups]), ("policy", [.policies]), ("osf", [.fingerprints]), ("tcp", []), ("conntrack", []),
  ]) func aMatchDeclaresWhatItNeeds(_ name: String, _ facts: [HostFact]) throws {
    let descriptor = try #require(Registry.ferrule.all.first { $0.name == name && $0.kind == .match })
    #expect(Self.needs(of: descriptor) == facts)
  }
}
