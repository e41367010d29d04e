import Conntrack
import Diagnostics
import Wire
import XTables

/// The output of `iptables -S`, of one table or of several after each other. It does not name its tables.
///
/// The policies tell the table: each table has other built-in chains. Where several tables fit, `-t NAME` in a comment or a prompt
/// above decides, then the order filter, nat, mangle, raw, security.
struct RuleListing {
  /// The tables by the offset of their first lines.
  private(set) var tables: [UInt32: TableName] = [:]
  /// The offsets of lines that are no commands of iptables, such as the prompt of a shell.
  private(set) var prompts: Set<UInt32> = []

  /// Reads the lines; nil if they are no such output.
  init?(_ syntax: RulesetSyntax) {
    let bytes = syntax.file.bytes
    var group: (start: UInt32, policies: Set<String>, named: TableName?)?
    var named: TableName?
    var isInPolicies = false
    for line in syntax.lines where line.kind != .blank {
      let words = bytes[line.content.range].split(whereSeparator: Lexer.isBlank).map { String(decoding: $0, as: UTF8.self) }
      if line.kind == .table || line.kind == .chain || line.kind == .commit { return nil }
      guard line.kind == .command, let first = words.first, first.hasPrefix("-") else {
        guard line.kind == .comment || words.contains(where: { $0.contains("tables") }) else { return nil }
        prompts.insert(line.range.lowerBound)
        if let option = words.firstIndex(of: "-t"), option + 1 < words.count { named = TableName(rawValue: words[option + 1]) }
        continue
      }
      guard ["-P", "-N", "-A"].contains(first), group != nil || first != "-A" else { return nil }
      if group == nil || first == "-P" && !isInPolicies {
        if let group { tables[group.start] = Self.table(group.policies, group.named) }
        group = (line.range.lowerBound, [], named)
        named = nil
      }
      isInPolicies = first == "-P"
      if isInPolicies, words.count > 1 { group?.policies.insert(words[1]) }
    }
    guard let group else { return nil }
    tables[group.start] = Self.table(group.policies, group.named)
  }

  private static func table(_ chains: Set<String>, _ named: TableName?) -> TableName {
    let order: [TableName] = [.filter, .nat, .mangle, .raw, .security]
    func has(_ table: TableName) -> Set<String> { Set(Table(table, .ipv4).chains.map(\.name)) }
    if let named, chains.isSubset(of: has(named)) { return named }
    return order.first { has($0) == chains } ?? order.first { chains.isSubset(of: has($0)) } ?? .filter
  }
}
