internal import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// Compares a table in the kernel with the table that was sent to it.
struct TableReadback {
  private let table: TableBlob
  private let registry: Registry
  private let layout: EntryLayout

  init(_ table: TableBlob, registry: Registry) {
    self.table = table
    self.registry = registry
    layout = table.layout
  }

  /// - Parameter back: the table as it was read from the kernel.
  func verify(_ back: TableBlob) throws(KernelError) {
    guard back.entryCount == table.entryCount, back.entries.count == table.entries.count else {
      throw otherwise(
        "it has \(back.entryCount) entries (\(back.entries.count) bytes) instead of \(table.entryCount) (\(table.entries.count) bytes)")
    }
    for hook in table.hookEntries.indices where table.validHooks >> UInt32(hook) & 1 == 1 {
      guard back.hookEntries[hook] == table.hookEntries[hook], back.underflows[hook] == table.underflows[hook] else {
        throw otherwise("a built-in chain has another start or end")
      }
    }
    var different: Int?
    do throws(DecompileError) {
      try table.forEachEntry { place in
        if different == nil, !agrees(back.entries, place) { different = place.start }
      }
    } catch {
      different = error.offset
    }
    if let different {
      let rule = table.rule(at: different).map { RuleReference(chain: $0.chain, rule: $0.number) }
      throw otherwise("the rule has other bytes", rule)
    }
  }

  private func otherwise(_ text: String, _ rule: RuleReference? = nil) -> KernelError {
    KernelError(.readsBackOtherwise(text), family: table.family, table: table.name.rawValue, rule: rule)
  }

  /// True if an entry reads back as it was sent. Ignores the counters, `comefrom`, and what an extension keeps for itself.
  private func agrees(_ back: [UInt8], _ place: EntryExtent) -> Bool {
    let isSame = { (range: Range<Int>) in
      Self.bytesAgree(table.entries, back, (range.lowerBound + place.start)..<(range.upperBound + place.start))
    }
    guard isSame(0..<layout.comeFrom.lowerBound), isSame(layout.comeFrom.upperBound..<layout.counters.lowerBound) else { return false }
    if isSame(layout.size..<(place.end - place.start)) { return true }
    let entry = Array(table.entries[place.start..<place.end])
    guard let rule = try? TableDecompiler(registry: registry).decompile(entry, label: "", table.family),
      let mask = EntryEncoder(family: table.family).mask(rule), mask.count == entry.count
    else { return false }
    return (layout.size..<entry.count).allSatisfy { entry[$0] & mask[$0] == back[place.start + $0] & mask[$0] }
  }

  /// True if two buffers hold the same bytes in a range.
  private static func bytesAgree(_ left: [UInt8], _ right: [UInt8], _ range: Range<Int>) -> Bool {
    unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return range.isEmpty }
        return unsafe memcmp(left + range.lowerBound, right + range.lowerBound, range.count) == 0
      }
    }
  }
}
