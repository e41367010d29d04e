import Netfilter
import Wire
public import XTables

/// The page of a match or target, generated from its declarations.
public struct ExtensionExplanation: Encodable, Sendable {
  struct Option: Encodable, Sendable {
    let name: String
    let aliases: [String]
    let argument: String
    let isInvertible: Bool
    let isMandatory: Bool
    let summary: String
  }

  struct Layout: Encodable, Sendable {
    let revision: Int
    let size: Int
  }

  struct Example: Encodable, Sendable {
    let rule: String
    let saved: String?
    var packets: [ExamplePacket]
  }

  let kind: String
  let name: String
  let kernelName: String
  let summary: String
  let families: [String]
  let tables: [String]?
  let hooks: [String]?
  let protocols: [String]?
  let options: [Option]
  let layouts: [Layout]
  let examples: [Example]

  /// Creates the page of a match or target from its declarations.
  public init(_ descriptor: ExtensionDescriptor) {
    kind = descriptor.kind.rawValue
    name = descriptor.name
    kernelName = descriptor.kernelName
    summary = descriptor.summary
    let served = [Family.ipv4, .ipv6].filter { descriptor.families.contains($0) }
    families = served.map(\.command)
    let scope = descriptor.scope(served.first ?? .ipv4)
    tables = scope.tables?.map(\.rawValue)
    hooks = scope.hooks?.hooks.map(\.name)
    protocols = scope.protocols?.map { BuiltinProtocol.savedName($0) ?? String($0) }
    options = descriptor.options.map {
      Option(
        name: $0.name, aliases: $0.aliases, argument: $0.placeholder, isInvertible: $0.isInvertible,
        isMandatory: $0.isMandatory, summary: $0.summary)
    }
    layouts = descriptor.layouts.map { Layout(revision: Int($0.revision), size: $0.size) }
    let word = (descriptor.kind == .match ? "-m " : "-j ") + descriptor.name
    var examples: [Example] = []
    for example in descriptor.examples where example.saved != nil {
      let join = { (text: String) in [example.before, word, text].filter { !$0.isEmpty }.joined(separator: " ") }
      let packet = example.trial.map { ExamplePacket($0) }
      if let place = examples.firstIndex(where: { $0.rule == join(example.text) }) {
        if let packet { examples[place].packets.append(packet) }
      } else {
        let saved = example.saved == example.text ? nil : example.saved.map(join)
        examples.append(Example(rule: join(example.text), saved: saved, packets: packet.map { [$0] } ?? []))
      }
    }
    self.examples = examples
  }

  /// The page as text for a terminal.
  public var text: String {
    var text = "\(kind == "match" ? "-m" : "-j") \(name): \(summary)\n\n"
    text += "  command  \(families.joined(separator: ", "))\n"
    if let tables { text += "  tables   \(tables.joined(separator: ", "))\n" }
    if let hooks { text += "  hooks    \(hooks.joined(separator: ", "))\n" }
    if let protocols { text += "  protocol \(protocols.joined(separator: " or "))\n" }
    let revisions = layouts.map { "revision \($0.revision) (\($0.size) bytes)" }.joined(separator: ", ")
    text += "  kernel   \(kernelName), \(revisions)\n"
    if !options.isEmpty { text += "\n" + optionLines }
    if !examples.isEmpty {
      text += "\nExamples\n\n"
      if examples.contains(where: { !$0.packets.isEmpty }) {
        text += "  The host has eth0 (10.0.0.1/24, fd00::1/64) and eth1 (10.0.1.1/24, fd01::1/64).\n\n"
      }
      for example in examples {
        text += "    \(example.rule)\n"
        if let saved = example.saved { text += "      saved as \(saved)\n" }
        for packet in example.packets { text += packet.lines.map { "      \($0)\n" }.joined() }
      }
    }
    return text
  }

  private var optionLines: String {
    let heads = options.map { option in
      (option.isInvertible ? "[!] " : "    ") + ([option.name] + option.aliases).joined(separator: ", ")
        + (option.argument.isEmpty ? "" : " \(option.argument)")
    }
    let width = min(44, heads.map(\.count).max() ?? 0)
    return zip(heads, options).map { head, option in
      let gap = String(repeating: " ", count: max(2, width + 2 - head.count))
      return "  \(head)\(gap)\(option.summary)\(option.isMandatory ? " (mandatory)" : "")\n"
    }.joined()
  }
}
