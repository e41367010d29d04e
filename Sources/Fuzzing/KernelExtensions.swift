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
      for example in descriptor.examples + Self.examples(of: descriptor) where !isTaken && example.saved != nil && example.family ?? family == family {
        let flag = descriptor.kind == .match ? "-m" : "-j"
        let rule = ["-A", Self.chain(descriptor, example.table), example.before, flag, descriptor.name, example.text]
          .filter { !$0.isEmpty }.joined(separator: " ")
        // A rate is compared that a rule before measures.
        let measure = descriptor.name == "rateest" ? "-A INPUT -j RATEEST --rateest-name RE1 --rateest-interval 250ms --rateest-ewmalog 500ms\n" : ""
        let text = "*\(example.table.rawValue)\n\(measure)\(rule)\nCOMMIT\n"
        guard Self.isSound(text, registry, names, family) else { continue }
        var scenario = Scenario(name: "example")
        (scenario.interfaces, scenario.setup) = (host.networks.map { Scenario.Interface(name: $0.interface, addresses: ["\($0.address)/\($0.prefixLength)"]) }, [])
        if ["set", "SET"].contains(descriptor.name) { scenario.ipsets = Self.exampleSets(family) }
        if family == .ipv4 { scenario.rules = text } else { scenario.rules6 = text }
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

  /// A chain of the table from which the extension may be reached.
  private static func chain(_ descriptor: ExtensionDescriptor, _ table: TableName) -> String {
    let scope = descriptor.scope(descriptor.families.contains(.ipv4) ? .ipv4 : .ipv6)
    return (table.hooks.first { scope.hooks?.contains(HookMask([$0])) ?? true } ?? table.hooks[0]).name
  }

  /// Examples that need something of the host, and so are none of the extension's own.
  private static func examples(of descriptor: ExtensionDescriptor) -> [Example] {
    switch (descriptor.name, descriptor.kind) {
    case ("set", .match): [.accepts("--match-set foo src,dst,dst")]
    case ("SET", .target): [.accepts("--add-set foo src,dst,dst")]
    case ("rateest", .match): [.accepts("--rateest RE1 --rateest-gt --rateest-pps 1")]
    default: []
    }
  }

  private static func exampleSets(_ family: AddressFamily) -> String {
    ["foo", "bar", "x"].map { "create \($0) hash:ip,port,net family \(family == .ipv4 ? "inet" : "inet6") counters skbinfo timeout 0\n" }.joined()
  }

  private static func isSound(_ text: String, _ registry: Registry, _ names: NameDatabase, _ family: AddressFamily) -> Bool {
    let parsed = RulesetParser(registry: registry, names: names.knowing(sets: exampleSets(family)), family: family).parse(SourceFile(name: "example", bytes: Array(text.utf8)))
    guard !parsed.hasErrors, let table = parsed.ruleset.tables.first else { return false }
    return TableValidator().diagnostics(for: table).allSatisfy { $0.severity != .error }
  }

  /// The first sentence of a refusal.
  private static func short(_ error: String) -> String {
    String(error.split(separator: ";").first ?? "").replacing("rules: ", with: "").replacing("rules6: ", with: "")
  }
}
