internal import Glibc

/// Finds the rule because of which the kernel refused a table. The kernel returns only an error number, so parts of the table are tried in
/// a private network namespace: the refused rule is the last one of the shortest refused prefix.
///
/// A rule that names an ipset, an accounting object or an estimator cannot be tried there, because the namespace has none. Such rules are
/// left out. If the rest is accepted and there is exactly one such rule, that rule is reported.
struct RefusalSearch {
  private let table: KernelTable
  private let error: KernelError

  init(_ table: KernelTable, _ error: KernelError) {
    self.table = table
    self.error = error
  }

  /// The error, with the rule if it was found.
  var located: KernelError {
    var located = error
    if error.rule == nil, error.error.map({ $0.number != EPERM && $0.number != EAGAIN }) ?? false { located.rule = search() }
    return located
  }

  /// The rules, each with whether it names an object that the private namespace does not have.
  private var places: [(place: RuleReference, isBound: Bool)] {
    table.chains.flatMap { chain in
      chain.rules.enumerated().map { (RuleReference(chain: chain.name, rule: $0.offset + 1), namesObject($0.element.entry)) }
    }
  }

  private func search() -> RuleReference? {
    let all = places
    let (bound, free) = (all.filter(\.isBound).map(\.place), all.filter { !$0.isBound }.map(\.place))
    guard !isTaken(Set(free)) else { return bound.count == 1 ? bound[0] : nil }
    // Invariant: the first `low` rules are accepted, the first `high` are refused.
    var low = 0
    var high = free.count
    guard high > 0, isTaken([]) else { return nil }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isTaken(Set(free[..<middle])) { low = middle } else { high = middle }
    }
    return free[high - 1]
  }

  private func isTaken(_ places: Set<RuleReference>) -> Bool {
    var part = table
    for index in part.chains.indices {
      let chain = part.chains[index]
      part.chains[index].rules = chain.rules.enumerated().filter { places.contains(RuleReference(chain: chain.name, rule: $0.offset + 1)) }
        .map(\.element)
    }
    let trial = part
    do {
      try NetworkNamespace.onNewThread {
        let handle = try TableHandle(trial.family, trial.name)
        try handle.replace(by: trial, keepsCounters: false)
        try handle.commit()
      }
      return true
    } catch {
      return false
    }
  }

  private func namesObject(_ entry: [UInt8]) -> Bool {
    let layout = EntryLayout(table.family)
    let target = Int(entry.hostWord(UInt16.self, at: layout.targetOffset) ?? 0)
    if entry.text(at: target + EntryLayout.name, length: EntryLayout.nameLength) == "SET" { return true }
    var at = layout.size
    while at < target, let size = entry.hostWord(UInt16.self, at: at), size >= 32 {
      if ["set", "nfacct", "rateest"].contains(entry.text(at: at + EntryLayout.name, length: EntryLayout.nameLength)) { return true }
      at += Int(size)
    }
    return false
  }
}
