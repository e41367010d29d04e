import Diagnostics
import Netfilter
public import Syntax
import Wire
public import XTables

/// Lists a compiled table entry by entry, with the meaning of each entry. `ferrule compile --format json` encodes it; ``text`` is the form
/// for people.
public struct BlobListing: Encodable, Sendable {
  /// One entry of the blob: `ipt_entry` or `ip6t_entry` with its matches and target.
  public struct Entry: Encodable, Sendable {
    /// The offset of the entry from the start of the entries, in bytes.
    public let offset: Int
    /// The size of the entry in bytes (`next_offset`).
    public let size: Int
    /// The name of the chain that the entry belongs to; empty for the entry that ends the table.
    public let chain: String
    /// The rule as iptables-save prints it, or a remark: the policy, the head or the end of a chain.
    public let text: String
    /// The bytes of the entry as lower-case hexadecimal digits, without separators.
    public let hex: String
  }

  /// The name of the table, such as `filter`.
  public let table: String
  /// The command of the table's family: `iptables` or `ip6tables`.
  public let family: String
  /// The size of all entries in bytes.
  public let size: Int
  /// The offset of each built-in chain's first entry, by chain name (`hook_entry` of `ipt_replace`).
  public let hookEntries: [String: Int]
  /// The offset of each built-in chain's policy, by chain name (`underflow` of `ipt_replace`).
  public let underflows: [String: Int]
  /// The entries in the order of their offsets.
  public let entries: [Entry]

  /// Lists the entries of `blob`.
  ///
  /// - Parameters:
  ///   - table: the table that `blob` was compiled from.
  ///   - blob: what ``TableCompiler`` made of `table`.
  ///   - printer: prints the rules.
  public init(_ table: Table, _ blob: TableBlob, printer: RulePrinter) {
    self.table = table.name.rawValue
    family = table.family.command
    size = blob.entries.count
    let hooks = table.name.hooks
    hookEntries = Dictionary(uniqueKeysWithValues: hooks.map { ($0.name, Int(blob.hookEntries[$0.rawValue])) })
    underflows = Dictionary(uniqueKeysWithValues: hooks.map { ($0.name, Int(blob.underflows[$0.rawValue])) })
    var entries: [Entry] = []
    var at = 0
    func add(_ chain: String, _ text: String) {
      let end = (try? blob.layout.entry(at: at, in: blob.entries))?.end ?? at
      let hex = blob.entries[at..<end].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      entries.append(Entry(offset: at, size: end - at, chain: chain, text: text, hex: hex))
      at = end
    }
    for chain in table.chainsInSaveOrder {
      if !chain.isBuiltin { add(chain.name, "chain \(chain.name)") }
      for rule in chain.rules { add(chain.name, printer.words(rule)) }
      add(chain.name, chain.policy.map { "policy \($0.rawValue)" } ?? "end: RETURN")
    }
    add("", "end of table")
    self.entries = entries
  }

  /// One line for each entry, below a line of totals. Each line ends in a newline, and control characters are escaped.
  public var text: String {
    var lines = ["\(table): \(entries.count) entries, \(size) bytes"]
    for name in hookEntries.keys.sorted(by: { (hookEntries[$0] ?? 0, $0) < (hookEntries[$1] ?? 0, $1) }) {
      lines.append("  \(name) starts at offset \(hookEntries[name] ?? 0), its policy is at offset \(underflows[name] ?? 0)")
    }
    for entry in entries {
      let offset = String(entry.offset)
      lines.append("  " + String(repeating: " ", count: max(0, 6 - offset.count)) + "\(offset) +\(entry.size)  \(entry.text)")
    }
    return lines.map { Escaping.line($0) + "\n" }.joined()
  }
}
