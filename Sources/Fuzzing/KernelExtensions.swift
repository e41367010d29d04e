import Compiler
import Conntrack
import Diagnostics
public import KernelLab
import Lab
import Syntax
public import Wire
public import XTables

/// Which matches and targets the running kernel takes, found by asking it for each extension's own examples.
public struct KernelExtensions: Sendable {
  public let family: AddressFamily
  /// By name.
  public private(set) var available: Set<String> = []
  /// What was said to all examples of the others: `-m name` or `-j NAME`, and the refusal.
  public private(set) var refused: [String: String] = [:]

  public init(_ registry: Registry, _ host: FuzzHost, names: NameDatabase, asking lab: KernelLab) {
    family = host.family
    for descriptor in registry.all where descriptor.families.contains(host.family) {
      var refusal = "Ferrule knows no example that the kernel would take"
      var isTaken = false
      for example in descriptor.examples where !isTaken && example.saved != nil && example.family ?? family == family {
        let rules = ExampleRules(example, of: descriptor, host.family)
        let sets = example.trial?.given.sets.map { "\($0)\n" }.joined() ?? ""
        guard Self.isSound(rules.text, registry, names.knowing(sets: sets), family) else { continue }
        var scenario = Scenario(name: "example")
        (scenario.interfaces, scenario.setup) = (host.networks.map { Scenario.Interface(name: $0.interface, addresses: ["\($0.address)/\($0.prefixLength)"]) }, [])
        scenario.ipsets = sets.isEmpty ? nil : sets
        if family == .ipv4 { scenario.rules = rules.text } else { scenario.rules6 = rules.text }
        guard let error = lab.answer(scenario).error else {
          isTaken = true
          break
        }
        refusal = Self.short(error)
      }
      if isTaken { available.insert(descriptor.name) } else { refused["\(descriptor.kind == .match ? "-m" : "-j") \(descriptor.name)"] = refusal }
    }
    // One name may have two descriptions, of which the kernel has the one.
    refused = refused.filter { !available.contains(String($0.key.dropFirst(3))) }
  }

  private static func isSound(_ text: String, _ registry: Registry, _ names: NameDatabase, _ family: AddressFamily) -> Bool {
    let parsed = RulesetParser(registry: registry, names: names, family: family).parse(SourceFile(name: "example", bytes: Array(text.utf8)))
    guard !parsed.hasErrors, let table = parsed.ruleset.tables.first else { return false }
    return TableValidator().diagnostics(for: table).allSatisfy { $0.severity != .error }
  }

  /// The first sentence of a refusal.
  private static func short(_ error: String) -> String {
    String(error.split(separator: ";").first ?? "").replacing("rules: ", with: "").replacing("rules6: ", with: "")
  }
}
