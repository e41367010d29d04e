internal import Compiler
internal import Glibc
internal import XTables

/// Finds the rule because of which the kernel refused a table. The kernel returns only an error number, so parts of the table are tried in
/// a private network namespace: the refused rule is the last one of the shortest refused prefix.
///
/// A rule that names an object outside the tables cannot be tried there, because the namespace has none. Such rules are left out. If the
/// rest is accepted and there is exactly one such rule, that rule is reported.
struct RefusalSearch {
  private let table: Table
  private let error: KernelError

  init(_ table: Table, _ error: KernelError) {
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
    table.chainsInSaveOrder.flatMap { chain in
      chain.rules.enumerated().map { (RuleReference(chain: chain.name, rule: $0.offset + 1), $0.element.needsObject) }
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
      part.update(at: index) { chain in
        chain.rules = chain.rules.enumerated().filter { places.contains(RuleReference(chain: chain.name, rule: $0.offset + 1)) }
          .map(\.element)
      }
    }
    let trial = TableCompiler().compile(part)
    return (try? NetworkNamespace.onNewThread { try TableSocket(trial.family).replace(trial) }) != nil
  }
}

extension Rule {
  /// Whether the kernel refuses the rule unless an object outside the tables exists.
  fileprivate var needsObject: Bool {
    objectUses.contains { use in
      switch use {
      case .needs, .needsSet: true
      case .makes, .changesSet: false
      }
    }
  }
}
