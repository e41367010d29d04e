import Conntrack
public import Diagnostics
public import XTables

/// A table for encoding as JSON: the chains in the order of iptables-save, the rules as text.
public struct TableOutline: Encodable, Sendable {
  /// One chain with its policy, counters and rules; `policy` is missing for a user chain.
  public struct Chain: Encodable, Sendable {
    let name: String
    let policy: String?
    let packets: UInt64
    let bytes: UInt64
    let rules: [Rule]
  }

  /// One rule: its number in the chain from 1, its line in the file, its text and its counters.
  public struct Rule: Encodable, Sendable {
    let number: Int
    let line: Int?
    let text: String
    let packets: UInt64
    let bytes: UInt64
    /// The user chain that the rule jumps to.
    let chain: String?
  }

  let table: String
  let family: String
  let chains: [Chain]

  /// Creates the outline.
  ///
  /// - Parameter file: the file of the rules, for line numbers; nil if there is none.
  public init(_ table: Table, printer: RulePrinter, file: SourceFile?) {
    self.table = table.name.rawValue
    family = table.family.command
    chains = table.chainsInSaveOrder.map { chain in
      Chain(
        name: chain.name, policy: chain.policy?.rawValue, packets: chain.counters.packets, bytes: chain.counters.bytes,
        rules: chain.rules.enumerated().map { index, rule in
          Rule(
            number: index + 1, line: rule.source.flatMap { file?.position(of: $0.range.lowerBound).line },
            text: printer.words(rule), packets: rule.counters.packets, bytes: rule.counters.bytes, chain: rule.target.chain)
        })
    }
  }
}
