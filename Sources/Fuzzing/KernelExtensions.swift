import Compiler
import Conntrack
import Diagnostics
public import KernelLab
import Lab
import Scenarios
import Syntax
public import Wire
public import XTables

/// The matches and targets that the running kernel accepts, found by loading each extension's examples.
public struct KernelExtensions: Sendable {
  /// The family of the extensions.
  public let family: Family
  /// The accepted extensions, by name.
  public private(set) var available: Set<String> = []
  /// The refused extensions as `-m name` or `-j NAME`, with the kernel's error.
  public private(set) var refused: [String: String] = [:]

  /// Queries the kernel for each extension of the registry.
  public init(_ registry: Registry, _ host: FuzzHost, names: NameDatabase, asking lab: KernelLab) {
    family = host.family
    for descriptor in registry.all where descriptor.families.contains(host.family) {
      var refusal = "Ferrule has no example that the kernel accepts"
      var isTaken = false
      for example in descriptor.examples where !isTaken && example.saved != nil && example.family ?? family == family {
        let rules = ExampleRules(example, of: descriptor, host.family)
        let sets = example.trial?.given.sets.map { "\($0)\n" }.joined() ?? ""
        guard Self.isSound(rules.text, registry, names.knowing(sets: sets), family) else { continue }
        var scenario = Scenario(name: "example")
        (scenario.interfaces, scenario.setup) = (
          host.networks.map { Scenario.Interface(name: $0.interface, addresses: ["\($0.address)/\($0.prefixLength)"]) }, []
        )
        scenario.ipsets = sets.isEmpty ? nil : sets
        if family == .ipv4 { scenario.rules = rules.text } else { scenario.rules6 = rules.text }
        guard let error = lab.answer(scenario).error else {
          isTaken = true
          break
        }
        refusal = Self.short(error)
      }
      if isTaken {
        available.insert(descriptor.name)
      } else {
        refused["\(descriptor.kind == .match ? "-m" : "-j") \(descriptor.name)"] = refusal
      }
    }
    // A name may have two descriptions of which the kernel has only one.
    refused = refused.filter { !available.contains(String($0.key.dropFirst(3))) }
  }

  private static func isSound(_ text: String, _ registry: Registry, _ names: NameDatabase, _ family: Family) -> Bool {
    let parsed = RulesetParser(registry: registry, names: names, family: family).parse(SourceFile(name: "example", bytes: Array(text.utf8)))
    guard !parsed.hasErrors, let table = parsed.ruleset.tables.first else { return false }
    return TableValidator().diagnostics(for: table).allSatisfy { $0.severity != .error }
  }

  /// The first sentence of an error.
  private static func short(_ error: String) -> String {
    String(error.split(separator: ";").first ?? "").replacing("rules: ", with: "").replacing("rules6: ", with: "")
  }
}
