import Diagnostics
import Notation
package import Suites
package import Wire
package import XTables

/// An extension's example that names a packet, as a test of a scenario file: the evaluator runs it, and a kernel can be asked about it.
package struct ExamplePlay: Sendable, CustomStringConvertible {
  package let descriptor: ExtensionDescriptor
  package let example: Example
  package let trial: Example.Trial
  /// That of the packet.
  package let family: Family
  private let registry: Registry

  package var description: String {
    "\(descriptor.kind == .match ? "-m" : "-j") \(descriptor.name) \(example.text): \(trial.packet)"
  }

  /// Every example of a registry that names a packet.
  package static func all(_ registry: Registry) -> [ExamplePlay] {
    registry.all.flatMap { descriptor in
      descriptor.examples.compactMap { example in
        example.trial.map {
          ExamplePlay(descriptor: descriptor, example: example, trial: $0, family: family(of: $0.packet), registry: registry)
        }
      }
    }
  }

  private static func family(of packet: String) -> Family {
    let lines = PacketNotation.read(SourceFile(name: "packet", bytes: Array(packet.utf8))).lines
    let spec: PacketSpec? =
      switch lines.first?.step.action {
      case .receive(let frame): frame.packet
      case .local(_, let spec): spec
      default: nil
      }
    switch spec?.content {
    case .fields(let fields): return fields.source.family
    case .bytes(let bytes): return Packet(bytes: bytes).family ?? .ipv4
    case nil: return .ipv4
    }
  }

  /// What is expected of the packet, as a scenario file says it.
  private func expectation(_ rules: ExampleRules) -> String {
    let rule = "\(rules.table.rawValue) \(rules.chain) \(rules.number)"
    return switch trial.outcome {
    case .matches: "matches: \(rule)"
    case .misses: "misses: \(rule), reaches: \(rules.table.rawValue) \(rules.chain)"
    case .becomes(let result): "matches: \(rule), \(result)"
    case .passes: "matches: \(rule), verdict: accept"
    case .unknown: "verdict: unknown"
    }
  }

  /// The example as it stands.
  package func reading() -> ScenarioFile.Reading {
    let rules = ExampleRules(example, of: descriptor, family)
    return read(rules, expectation(rules))
  }

  /// What must hold of an example that is played without its match or target.
  package enum Control: Sendable {
    /// The rule matches: the match alone kept it from matching.
    case passes
    /// The expectation does not hold: what the example says is the target's doing.
    case fails
    /// The packet goes on as it does with the target.
    case isTheSame
  }

  /// The example without its match or target; nil where that shows nothing, or where the example says why it would not.
  package func control() -> (reading: ScenarioFile.Reading, control: Control)? {
    let rules = ExampleRules(example, of: descriptor, family, isBare: true)
    switch trial.outcome {
    case .misses where trial.reason == nil:
      return (read(rules, "matches: \(rules.table.rawValue) \(rules.chain) \(rules.number)"), .passes)
    case .becomes(let result): return (read(rules, result), .fails)
    case .passes: return (read(rules, "verdict: accept"), .isTheSame)
    case .matches, .misses, .unknown: return nil
    }
  }

  private func read(_ rules: ExampleRules, _ expectation: String) -> ScenarioFile.Reading {
    func block(_ name: String, _ text: String) -> String {
      "    \(name): |\n" + text.split(separator: "\n").map { "      \($0)\n" }.joined()
    }
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
    let sets = trial.given.sets.joined(separator: "\n")
    let interfaces =
      (family == .ipv4 ? ["10.0.0.1/24", "10.0.1.1/24"] : ["fd00::1/64", "fd01::1/64"]).enumerated()
      .map { "eth\($0.offset): {addresses: ['\($0.element)'], group: 0}" }.joined(separator: ", ")
    let text =
      "host: {interfaces: {\(interfaces)}, routes: [], sockets: [], queues: {}}\ntests:\n  - name: \(quoted(description))\n"
      + trial.given.host.map { "    \($0)\n" }.joined()
      + (sets.isEmpty ? "" : block("ipsets", sets)) + block(family == .ipv4 ? "rules" : "rules6", rules.text)
      + "    steps:\n" + trial.after.map { "      - \($0.hasPrefix("wait ") ? "wait: \($0.dropFirst(5))" : quoted($0))\n" }.joined()
      + "      - packet: \(quoted(trial.packet))\n        expect: {\(expectation)}\n"
    return ScenarioFile.read(
      SourceFile(name: "example.yaml", bytes: Array(text.utf8)), registry: registry, loader: .none)
  }
}
