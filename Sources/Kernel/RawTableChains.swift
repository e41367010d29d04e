internal import Wire

extension RawTable {
  /// A chain found in the entries.
  package struct Chain: Sendable, Equatable {
    package var name: String
    /// The policy of a built-in chain, `ACCEPT` or `DROP`; nil for a user's chain.
    package var policy: String?
    /// The counters of the policy, or of the final entry of a user's chain.
    package var counters: KernelCounters
    package var rules: [KernelCounters]
  }

  static let hookNames = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]

  /// The chains with their counters: built-in ones by hook, then the user's in the order of the entries. Stops at an invalid entry.
  package var chains: [Chain] {
    let layout = EntryLayout(family)
    var chains: [Chain] = []
    var current: Chain?
    var isBuiltin = false
    var at = 0
    while let targetOffset = entries.hostWord(UInt16.self, at: at + layout.targetOffset),
      let size = entries.hostWord(UInt16.self, at: at + layout.nextOffset), Int(size) >= layout.size,
      Int(size) <= entries.count - at, Int(targetOffset) + 32 <= Int(size)
    {
      let target = at + Int(targetOffset)
      let count = KernelCounters(
        packets: entries.hostWord(UInt64.self, at: at + layout.counters) ?? 0,
        bytes: entries.hostWord(UInt64.self, at: at + layout.counters + 8) ?? 0)
      if let hook = hookEntries.indices.first(where: { validHooks >> UInt32($0) & 1 == 1 && Int(hookEntries[$0]) == at }) {
        current = Chain(name: RawTable.hookNames[hook], counters: KernelCounters(), rules: [])
        isBuiltin = true
      }
      if entries.text(at: target + EntryLayout.name, length: EntryLayout.nameLength) == "ERROR" {
        // The error target holds the name of the chain that follows it. The table's last entry is an error target too.
        let name = entries.text(at: target + 32, length: min(32, at + Int(size) - target - 32))
        current = name.map { Chain(name: $0, counters: KernelCounters(), rules: []) }
        isBuiltin = false
      } else if var chain = current {
        let isUnderflow = underflows.indices.contains { validHooks >> UInt32($0) & 1 == 1 && Int(underflows[$0]) == at }
        let isLast = isBuiltin ? isUnderflow : isError(after: at + Int(size), layout)
        if isLast {
          chain.counters = count
          if isUnderflow { chain.policy = entries.hostWord(Int32.self, at: target + 32) == -1 ? "DROP" : "ACCEPT" }
          chains.append(chain)
          current = nil
        } else {
          chain.rules.append(count)
          current = chain
        }
      }
      at += Int(size)
    }
    return chains
  }

  private func isError(after offset: Int, _ layout: EntryLayout) -> Bool {
    guard let target = entries.hostWord(UInt16.self, at: offset + layout.targetOffset) else { return true }
    return entries.text(at: offset + Int(target) + EntryLayout.name, length: EntryLayout.nameLength) == "ERROR"
  }
}
