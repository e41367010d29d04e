import Conntrack
public import Diagnostics
public import XTables

/// A table as a value that can be encoded: chains in the order save prints them, rules as text.
public struct TableOutline: Encodable, Sendable {
  public struct Chain: Encodable, Sendable {
    let name: String
    let policy: String?
    let packets: UInt64
    let bytes: UInt64
    let rules: [Rule]
  }

  public struct Rule: Encodable, Sendable {
    let number: Int
    let line: Int?
    let text: String
    let packets: UInt64
    let bytes: UInt64
    /// The user chain the rule leads to.
    let chain: String?
  }

  let table: String
  let family: String
  let chains: [Chain]

  /// - Parameter file: where the rules were written, for their line numbers.
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
