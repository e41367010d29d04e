import Netfilter
public import Wire

/// The rules of an example as iptables-save text.
public struct ExampleRules: Sendable {
  /// Every table that has rules, each with its `COMMIT`.
  public let text: String
  /// The table of the example's rule.
  public let table: TableName
  /// The name of the built-in chain of the example's rule.
  public let chain: String
  /// The number of the example's rule in its chain, from 1.
  public let number: Int

  /// Writes the rules that precede the example's rule, and then that rule.
  ///
  /// - Parameter isBare: leaves the match or target out of the rule, and keeps the words before it.
  public init(_ example: Example, of descriptor: ExtensionDescriptor, _ family: Family, isBare: Bool = false) {
    let chain = ExampleRules.chain(example, descriptor.scope(family))
    let option = descriptor.kind == .match ? "-m" : "-j"
    let words = ["-A \(chain)", example.before] + (isBare ? [] : [option, descriptor.name, example.text])
    var tables: [(name: String, lines: [String])] = []
    func add(_ line: String, to table: String) {
      if let place = tables.firstIndex(where: { $0.name == table }) {
        tables[place].lines.append(line)
      } else {
        tables.append((table, [line]))
      }
    }
    for rule in example.trial?.given.rules ?? [] {
      let parts = rule.split(separator: " ", maxSplits: 2)
      if parts.count == 3, parts[0] == "-t" {
        add(String(parts[2]), to: String(parts[1]))
      } else {
        add(rule, to: example.table.rawValue)
      }
    }
    add(words.filter { !$0.isEmpty }.joined(separator: " "), to: example.table.rawValue)
    let own = tables.first { $0.name == example.table.rawValue }?.lines ?? []
    number = own.count { $0.hasPrefix("-A \(chain) ") || $0 == "-A \(chain)" }
    text = tables.map { "*\($0.name)\n" + $0.lines.joined(separator: "\n") + "\nCOMMIT\n" }.joined()
    table = example.table
    self.chain = chain
  }

  /// The chain that the example names, or the first one on the packet's path in which the kernel accepts the extension.
  private static func chain(_ example: Example, _ scope: Scope) -> String {
    if let chain = example.trial?.chain { return chain.name }
    let way: [Hook] =
      switch example.trial?.packet.hasPrefix("local ") {
      case true?: [.output, .postrouting]
      case false?: [.prerouting, .forward, .postrouting]
      case nil: example.table.hooks
      }
    let hooks = way.filter(example.table.hooks.contains) + example.table.hooks
    return (hooks.first { scope.hooks?.contains(HookMask($0)) ?? true } ?? hooks[0]).name
  }
}
