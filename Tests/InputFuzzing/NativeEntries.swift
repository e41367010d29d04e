import Evaluator
import Extensions
import Netfilter
import XTables

/// Rules of nf_tables in the words of nft(8), and tables of them.
enum NativeEntries {
  /// A line is a rule of an `inet` table, or of an `ip` or `ip6` table if it starts with that word.
  static func read(_ bytes: [UInt8]) {
    var table = NativeTable(.inet, "t")
    var rules: [NativeRule] = []
    for line in HostEntries.text(bytes).split(whereSeparator: \.isNewline).prefix(400) {
      if let rule = try? NativeRule(text: String(line), in: .inet) { rules.append(rule) }
      if let set = try? NativeSet(text: String(line), in: .ip6) { table.sets["s\(table.sets.count)"] = set }
    }
    table.chains = [NativeTable.NativeChain(name: "c", rules: rules), NativeTable.NativeChain(name: "d", rules: [])]
    read(table)
  }

  /// What is printed is parsed as the same; packets pass the chains.
  static func read(_ table: NativeTable) {
    for rule in table.chains.flatMap(\.rules) {
      guard let text = try? NativeRule(text: rule.text(in: table.family), in: table.family).text(in: table.family) else {
        preconditionFailure("a printed rule cannot be parsed: \(rule.text(in: table.family))")
      }
      precondition(text == rule.text(in: table.family), "a rule changes when it is printed and parsed: \(text)")
    }
    for set in table.sets.values { _ = try? NativeSet(text: set.text(in: table.family), in: table.family) }
    let fields = NativeFields(.ferrule)
    for chain in table.chains {
      guard let rules = OtherChainRules(table, chain: chain.name, at: .forward, drops: true, slot: -1000, fields) else { continue }
      PacketEntries.carry(passing: rules)
    }
  }
}
