public import Compiler
internal import Glibc
internal import Wire
public import XTables

extension RawTable {
  /// Converts a compiled table to the form that the kernel takes.
  public init(_ blob: TableBlob) {
    self.init(
      family: blob.family, name: blob.name.rawValue, validHooks: blob.validHooks, hookEntries: blob.hookEntries,
      underflows: blob.underflows, entryCount: blob.entryCount, entries: blob.entries)
  }
}

extension KernelTables {
  /// Replaces tables by compiled ones, all or none. The caller holds the lock.
  ///
  /// If the kernel refuses a table, the tables replaced before it are restored with their counters. Each table is sent whole in one
  /// call, so time and memory grow only with its size.
  /// - Parameters:
  ///   - tables: the tables to load.
  ///   - registry: knows which bytes of a match or target the kernel uses for itself.
  ///   - whole: returns the typed form of the table at an index; called only to find the rule that the kernel refused.
  /// - Throws: `KernelError` with the table, the rule if it was found, and the tables that could not be restored.
  public func apply(
    _ tables: [RawTable], _ options: ApplyOptions = ApplyOptions(), registry: Registry, whole: (Int) -> Table?
  ) throws(KernelError) {
    var earlier: [RawTable] = []
    do throws(KernelError) {
      for (index, table) in tables.enumerated() {
        let socket = try RawTable.socket(table.family)
        let before = try RawTable.read(table.family, table.name, over: socket)
        do throws(KernelError) {
          try table.replace(over: socket)
          if options.keepsCounters { try table.addCounters(over: socket) }
        } catch {
          throw whole(index).map { RefusalSearch(KernelTable($0), error).located } ?? error
        }
        earlier.append(before)
      }
      if options.verifies {
        for table in tables { try TableReadback(table, registry: registry).verify() }
      }
    } catch {
      var refusal = error
      for table in earlier.reversed() {
        do throws(KernelError) {
          let socket = try RawTable.socket(table.family)
          try table.replace(over: socket)
          try table.addCounters(over: socket)
        } catch { refusal.notRestored.append("\(table.name) (\(error))") }
      }
      throw refusal
    }
  }
}

extension RawTable {
  /// Adds the counters of the entries to those of the kernel's table, which must have the same entries.
  ///
  /// The corresponding kernel structure is `xt_counters_info`.
  func addCounters(over socket: FileDescriptor) throws(KernelError) {
    let layout = EntryLayout(family)
    var bytes = Array(name.utf8) + [UInt8](repeating: 0, count: 32 - name.utf8.count)
    bytes.reserveCapacity(40 + 16 * entryCount)
    bytes.appendHostWord(UInt64(entryCount))
    var at = 0
    while at < entries.count, let size = entries.hostWord(UInt16.self, at: at + layout.nextOffset), size > 0 {
      bytes += entries[(at + layout.counters)..<(at + layout.counters + 16)]
      at += Int(size)
    }
    let result = unsafe bytes.withUnsafeBytes {
      unsafe setsockopt(socket.number, RawTable.level(family), Option.addCounters, $0.baseAddress, socklen_t($0.count))
    }
    guard result == 0 else { throw KernelError(.refused, family: family, table: name, error: .last) }
  }
}

/// Compares a table in the kernel with the table that was sent to it.
struct TableReadback {
  private let table: RawTable
  private let registry: Registry
  private let layout: EntryLayout

  init(_ table: RawTable, registry: Registry) {
    self.table = table
    self.registry = registry
    layout = EntryLayout(table.family)
  }

  func verify() throws(KernelError) {
    let back = try RawTable.read(table.family, table.name)
    guard back.entryCount == table.entryCount, back.entries.count == table.entries.count else {
      throw otherwise(
        "it has \(back.entryCount) entries (\(back.entries.count) bytes) instead of \(table.entryCount) (\(table.entries.count) bytes)")
    }
    for hook in table.hookEntries.indices where table.validHooks >> UInt32(hook) & 1 == 1 {
      guard back.hookEntries[hook] == table.hookEntries[hook], back.underflows[hook] == table.underflows[hook] else {
        throw otherwise("a built-in chain has another start or end")
      }
    }
    var at = 0
    while at < table.entries.count {
      guard let size = table.entries.hostWord(UInt16.self, at: at + layout.nextOffset).map({ Int($0) }), size >= layout.size,
        at + size <= table.entries.count, agrees(back.entries, at, size)
      else { throw otherwise("the rule has other bytes", table.rule(at: at)) }
      at += size
    }
  }

  private func otherwise(_ text: String, _ rule: RuleReference? = nil) -> KernelError {
    KernelError(.readsBackOtherwise(text), family: table.family, table: table.name, rule: rule)
  }

  /// True if an entry reads back as it was sent. Ignores the counters, `comefrom`, and what an extension keeps for itself.
  private func agrees(_ back: [UInt8], _ start: Int, _ size: Int) -> Bool {
    func isSame(_ range: Range<Int>) -> Bool {
      RawTable.bytesAgree(table.entries, back, range.lowerBound + start..<range.upperBound + start)
    }
    guard isSame(0..<layout.scratch.lowerBound), isSame(layout.scratch.upperBound..<layout.counters) else { return false }
    if isSame(layout.size..<size) { return true }
    let target = table.entries.hostWord(UInt16.self, at: start + layout.targetOffset).map { Int($0) } ?? 0
    var at = layout.size
    while at + 32 <= size, let length = table.entries.hostWord(UInt16.self, at: start + at).map({ Int($0) }), length >= 32,
      at + length <= size
    {
      let known = userSize(at >= target ? .target : .match, start + at, length - 32)
      guard isSame(at..<(at + 32 + min(known, length - 32))) else { return false }
      at += length
    }
    return at == size
  }

  /// The number of bytes at the start of a match's or target's structure that come from the user (`userspacesize`).
  private func userSize(_ kind: ExtensionDescriptor.Kind, _ at: Int, _ size: Int) -> Int {
    let name = table.entries.text(at: at + EntryLayout.name, length: EntryLayout.nameLength) ?? ""
    let revision = table.entries[at + 31]
    let data = Array(table.entries[(at + 32)..<(at + 32 + size)])
    let found = registry.decode(kind, kernelName: name, revision: revision, data, table.family).descriptor
    return found.layouts.first { $0.revision == revision }?.userSize ?? size
  }
}

extension RawTable {
  /// The rule whose entry begins at an offset; nil if no rule's entry begins there.
  fileprivate func rule(at offset: Int) -> RuleReference? {
    let layout = EntryLayout(family)
    var place = RuleReference(chain: "", rule: 0)
    var at = 0
    while at <= offset, let size = entries.hostWord(UInt16.self, at: at + layout.nextOffset), size > 0,
      let target = entries.hostWord(UInt16.self, at: at + layout.targetOffset).map({ at + Int($0) })
    {
      if let hook = hookEntries.indices.first(where: { validHooks >> UInt32($0) & 1 == 1 && Int(hookEntries[$0]) == at }) {
        place = RuleReference(chain: RawTable.hookNames[hook], rule: 0)
      }
      if entries.text(at: target + EntryLayout.name, length: EntryLayout.nameLength) == "ERROR" {
        place = RuleReference(chain: entries.text(at: target + 32, length: 30) ?? "", rule: 0)
      } else {
        place.rule += 1
      }
      at += Int(size)
    }
    return place.rule > 0 ? place : nil
  }

  /// True if two buffers hold the same bytes in a range.
  fileprivate static func bytesAgree(_ left: [UInt8], _ right: [UInt8], _ range: Range<Int>) -> Bool {
    unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return range.isEmpty }
        return unsafe memcmp(left + range.lowerBound, right + range.lowerBound, range.count) == 0
      }
    }
  }
}
