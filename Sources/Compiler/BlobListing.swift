import Diagnostics
import Conntrack
public import Syntax
import Wire
public import XTables

/// A compiled table, entry by entry, with what each entry is.
public struct BlobListing: Encodable, Sendable {
  public struct Entry: Encodable, Sendable {
    public let offset: Int
    public let size: Int
    public let chain: String
    /// The rule, the policy, or the head or end of a chain.
    public let text: String
    public let hex: String
  }

  public let table: String
  public let family: String
  public let size: Int
  public let hookEntries: [String: Int]
  public let underflows: [String: Int]
  public let entries: [Entry]

  public init(_ table: Table, _ blob: TableBlob, printer: RulePrinter) {
    self.table = table.name.rawValue
    family = table.family.command
    size = blob.entries.count
    let hooks = table.name.hooks
    hookEntries = Dictionary(uniqueKeysWithValues: hooks.map { ($0.name, Int(blob.hookEntries[$0.rawValue])) })
    underflows = Dictionary(uniqueKeysWithValues: hooks.map { ($0.name, Int(blob.underflows[$0.rawValue])) })
    var entries: [Entry] = []
    var at = 0
    let geometry = EntryGeometry(table.family)
    func add(_ chain: String, _ text: String) {
      let size = Int(blob.entries.word(UInt16.self, at: at + geometry.nextOffset) ?? 0)
      let hex = blob.entries[at..<at + size].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      entries.append(Entry(offset: at, size: size, chain: chain, text: text, hex: hex))
      at += size
    }
    for chain in table.chainsInSaveOrder {
      if !chain.isBuiltin { add(chain.name, "chain \(chain.name)") }
      for rule in chain.rules { add(chain.name, printer.words(rule)) }
      add(chain.name, chain.policy.map { "policy \($0.rawValue)" } ?? "end: RETURN")
    }
    add("", "end of table")
    self.entries = entries
  }

  /// For people: a line for each entry.
  public var text: String {
    var lines = ["\(table): \(entries.count) entries, \(size) bytes"]
    for name in hookEntries.keys.sorted(by: { (hookEntries[$0] ?? 0, $0) < (hookEntries[$1] ?? 0, $1) }) {
      lines.append("  \(name) begins at \(hookEntries[name] ?? 0), its policy stands at \(underflows[name] ?? 0)")
    }
    for entry in entries {
      let offset = String(entry.offset)
      lines.append("  " + String(repeating: " ", count: max(0, 6 - offset.count)) + "\(offset) +\(entry.size)  \(entry.text)")
    }
    return lines.map { Escaping.line($0) + "\n" }.joined()
  }
}
