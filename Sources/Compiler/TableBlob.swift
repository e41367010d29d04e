import Conntrack
public import Wire
public import XTables

/// A table in the kernel's own form: the entries, and the offsets of the built-in chains.
///
/// The corresponding kernel structures are `ipt_replace` and `ip6t_replace`.
public struct TableBlob: Sendable, Equatable {
  /// The name of the table.
  public let name: TableName
  /// The family of the table, which decides the layout of the entries.
  public let family: Family
  /// `NF_INET_*` bits of the hooks the table has.
  public let validHooks: UInt32
  /// The offset of each built-in chain's first entry, by hook number; only those of `validHooks` mean anything.
  public let hookEntries: [UInt32]
  /// The offset of each built-in chain's policy, by hook number, as in `hookEntries`.
  public let underflows: [UInt32]
  /// The number of entries, the one that ends the table included.
  public let entryCount: Int
  /// All entries, one behind the other: `ipt_entry` or `ip6t_entry` with matches and target.
  public let entries: [UInt8]

  /// Creates a blob from its parts, which are not checked. `hookEntries` and `underflows` have five elements.
  public init(
    name: TableName, family: Family, validHooks: UInt32, hookEntries: [UInt32], underflows: [UInt32], entryCount: Int,
    entries: [UInt8]
  ) {
    self.name = name
    self.family = family
    self.validHooks = validHooks
    self.hookEntries = hookEntries
    self.underflows = underflows
    self.entryCount = entryCount
    self.entries = entries
  }

  /// `sizeof(struct ipt_replace)`. The pointer to the old counters in it stays zero.
  public static let replaceHeaderSize = 96
  /// The offset of `num_counters` in `ipt_replace`. The pointer to the buffer for the old counters follows it.
  package static let countersOffset = 84

  /// The bytes of `ipt_replace` followed by the entries, as `ferrule compile` writes them.
  public var replaceBytes: [UInt8] { replaceHeader + entries }

  /// The number of ``replaceBytes``.
  package var replaceSize: Int { Self.replaceHeaderSize + entries.count }

  /// The bytes of `ipt_replace`.
  public var replaceHeader: [UInt8] {
    var header = [UInt8](repeating: 0, count: Self.replaceHeaderSize)
    for (index, byte) in name.rawValue.utf8.enumerated() { header[index] = byte }
    header.put(validHooks, at: 32)
    header.put(UInt32(entryCount), at: 36)
    header.put(UInt32(entries.count), at: 40)
    for hook in 0..<5 {
      header.put(hookEntries[hook], at: 44 + 4 * hook)
      header.put(underflows[hook], at: 64 + 4 * hook)
    }
    header.put(UInt32(entryCount), at: Self.countersOffset)
    return header
  }

  /// Reads bytes that ``replaceBytes`` wrote; nil if they are truncated or do not name a known table. The entries are not checked.
  public init?(replaceBytes bytes: [UInt8], family: Family) {
    guard bytes.count >= Self.replaceHeaderSize,
      let name = TableName(rawValue: String(decoding: bytes[0..<32].prefix { $0 != 0 }, as: UTF8.self)),
      let validHooks = bytes.word(UInt32.self, at: 32), let count = bytes.word(UInt32.self, at: 36),
      let size = bytes.word(UInt32.self, at: 40), Int(size) == bytes.count - Self.replaceHeaderSize
    else { return nil }
    let words = { (offset: Int) in (0..<5).map { bytes.word(UInt32.self, at: offset + 4 * $0) ?? 0 } }
    self.init(
      name: name, family: family, validHooks: validHooks, hookEntries: words(44), underflows: words(64),
      entryCount: Int(count), entries: Array(bytes[Self.replaceHeaderSize...]))
  }
}
