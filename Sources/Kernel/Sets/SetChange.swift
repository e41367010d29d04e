internal import Glibc
internal import Wire
public import XTables

/// The ipsets that a change of tables creates, replaces and deletes, in the calling thread's network namespace.
///
/// New sets are created before the tables are compiled, because rules have their numbers. A set with other elements is made under a temporary
/// name and swapped with the loaded one right before the tables are replaced; what is not needed any more is deleted after it. So at any
/// moment all sets can go back: a swap is undone by a swap, and nothing old is deleted before the change has ended.
public struct SetChange: Sendable {
  /// One set before and after the change.
  public struct Step: Sendable {
    /// The set's name.
    public let name: String
    /// The loaded set; nil if it is created.
    public let before: AddressSet?
    /// The new set; nil if it is deleted.
    public let after: AddressSet?
    /// The name under which the new set is made before it is swapped with the loaded one; nil if it is not swapped.
    let temporary: String?

    /// The order in which steps are made: new sets before the lists that name them, deleted lists before the sets that they name.
    fileprivate var rank: Int {
      switch (before, after) {
      case (_, let after?): after.type.isList ? 1 : 0
      case (let before?, nil): before.type.isList ? 2 : 3
      case (nil, nil): 3
      }
    }
  }

  /// The sets that change, in the order in which they can be made and deleted.
  public private(set) var steps: [Step]
  /// The loaded lists of sets that the change leaves.
  public private(set) var lists: [AddressSet] = []
  /// The sets that a change of Ferrule created.
  private let own: Set<String>
  private let state: StateDirectory?

  /// The change to the sets of a file.
  ///
  /// - Parameters:
  ///   - wanted: the sets that are to be there. Others that earlier changes created are deleted.
  ///   - state: knows which sets earlier changes created; nil if the sets end with this process.
  ///   - adopts: true if a set of the file may be changed that another program created.
  /// - Throws: `KernelError` if a set of the file is one of another program, or has another type than the loaded one.
  public init(to wanted: AddressSets, in state: StateDirectory?, adopts: Bool) throws(KernelError) {
    var kernel = try KernelSets()
    let (loaded, unread) = try kernel.read()
    let own = state?.ownSets() ?? []
    var steps: [Step] = []
    for set in wanted.all {
      guard !unread.contains(set.name) else { throw Self.refusal(set.name, "the loaded set has elements that Ferrule cannot read") }
      guard let before = loaded.first(where: { $0.name == set.name }) else {
        steps.append(Step(name: set.name, before: nil, after: set, temporary: nil))
        continue
      }
      if set.isSame(as: before) { continue }
      guard own.contains(set.name) || adopts else {
        throw Self.refusal(
          set.name,
          "another program created the loaded set, which differs from the file's. Leave it out of the file, or give --adopt-sets to replace it"
        )
      }
      guard set.type == before.type, set.family == before.family else {
        throw Self.refusal(
          set.name, "the loaded set has another type (\(before.type.name)), and rules may name it. Give the new set another name")
      }
      let name = Self.temporaryName(steps.count, avoiding: unread.union((loaded + wanted.all).map(\.name)))
      steps.append(Step(name: set.name, before: before, after: set.carrying(from: before), temporary: name))
    }
    for set in loaded where own.contains(set.name) && wanted[set.name] == nil {
      steps.append(Step(name: set.name, before: set, after: nil, temporary: nil))
    }
    (self.steps, self.own, self.state) = (Self.inOrder(steps), own, state)
    lists = loaded.filter { set in set.type.isList && !steps.contains { $0.name == set.name } }
  }

  /// - Parameter steps: those of a record.
  init(steps: [Step], in state: StateDirectory?) {
    self.steps = steps
    self.state = state
    own = state?.ownSets() ?? []
  }

  /// The change that takes back the steps of a record, as far as the loaded sets still are those of it.
  init(undoing steps: [Step], in state: StateDirectory?) throws(KernelError) {
    let loaded = try steps.isEmpty ? [] : KernelSets.loaded()
    let names = Set(loaded.map(\.name))
    var undone: [Step] = []
    for step in steps {
      let now = loaded.first { $0.name == step.name }
      if now == nil, step.before == nil { continue }
      if let now, let before = step.before, before.isSame(as: now) { continue }
      let temporary = now == nil || step.before == nil ? nil : Self.temporaryName(undone.count, avoiding: names)
      let after = now.flatMap { step.before?.carrying(from: $0) } ?? step.before
      undone.append(Step(name: step.name, before: now, after: after, temporary: temporary))
    }
    self.init(steps: Self.inOrder(undone), in: state)
  }

  private static func inOrder(_ steps: [Step]) -> [Step] { (0...3).flatMap { rank in steps.filter { $0.rank == rank } } }

  private static func refusal(_ name: String, _ reason: String) -> KernelError { KernelError(.malformed("ipset \(name): \(reason)")) }

  private static func temporaryName(_ number: Int, avoiding names: Set<String>) -> String {
    for attempt in 0... where !names.contains("ferrule-new-\(number + attempt * 100_000)") {
      return "ferrule-new-\(number + attempt * 100_000)"
    }
    return ""
  }

  /// Whether no set changes.
  public var isEmpty: Bool { steps.isEmpty }

  /// The sets that change, each as in `set blocked`.
  var labels: [String] { steps.map { "set \($0.name)" } }

  /// The same change without the sets whose elements packets add and delete, if only their elements differ: those are not the file's to say.
  public func sparing(_ names: Set<String>) throws(KernelError) -> SetChange {
    var kept = self
    var kernel = try KernelSets()
    kept.steps = []
    for step in steps {
      if names.contains(step.name), let before = step.before, let after = step.after, after.hasSameForm(as: before) {
        if let temporary = step.temporary { try kernel.destroy(temporary) }
      } else {
        kept.steps.append(step)
      }
    }
    if kept.isEmpty, !isEmpty {
      try state?.noteOwnSets(own)
      try state?.cancel()
    }
    return kept
  }

  /// All sets as they will be, as `ipset save` prints them.
  ///
  /// - Parameter kept: the sets to delete that stay, because something names them.
  public func future(keeping kept: Set<String>) throws(KernelError) -> String {
    let changed = Set(steps.flatMap { [$0.name, $0.temporary].compactMap(\.self) }).subtracting(kept)
    let sets = try KernelSets.loaded().filter { !changed.contains($0.name) } + steps.compactMap(\.after)
    return (sets.filter { !$0.type.isList } + sets.filter(\.type.isList)).map { $0.saved() }.joined()
  }

  // MARK: Forward

  /// Records the change, and makes the new sets. No rule and no list names them yet. If that fails, they are deleted again.
  public func begin(_ backend: Backend) throws(KernelError) {
    guard !steps.isEmpty else { return }
    try state?.note(ChangeRecord(steps: [], of: backend, sets: ChangedSets(self)))
    var made = self
    made.steps = []
    do throws(KernelError) {
      try state?.noteOwnSets(own.union(steps.flatMap { [$0.name, $0.temporary].compactMap(\.self) }))
      var kernel = try KernelSets()
      for step in steps {
        guard let set = step.after?.named(step.temporary ?? step.name) else { continue }
        try kernel.create(set)
        made.steps.append(step)
        try kernel.fill(set)
      }
    } catch {
      var refusal = error
      // A set that another program created in the meantime is not deleted: it is not among those that were made.
      refusal.notRestored = made.goBack()
      if refusal.notRestored.isEmpty { try state?.cancel() }
      throw refusal
    }
  }

  /// Swaps the loaded sets with the new ones, each in one call.
  func swap() throws(KernelError) {
    guard !steps.isEmpty else { return }
    var kernel = try KernelSets()
    for step in steps { if let temporary = step.temporary { try kernel.swap(step.name, temporary) } }
  }

  /// Deletes what the change replaced. A set that a rule still names is left, and deleted after a later change.
  ///
  /// - Returns: the names of the sets that are left.
  @discardableResult
  public func finish() -> [String] {
    guard !steps.isEmpty, var kernel = try? KernelSets() else { return [] }
    var left: [String] = []
    for step in steps {
      guard let name = step.temporary ?? (step.after == nil ? step.name : nil) else { continue }
      if (try? kernel.destroy(name)) == nil { left.append(name) }
    }
    let gone = Set(steps.flatMap { [$0.temporary, $0.after == nil ? $0.name : nil].compactMap(\.self) }).subtracting(left)
    try? state?.noteOwnSets(own.union(steps.map(\.name)).union(left).subtracting(gone))
    return left
  }

  // MARK: Back

  /// Deletes the new sets again, if no table was replaced and no record of tables is left.
  public func abandon() {
    guard !steps.isEmpty else { return }
    if let state {
      guard let record = try? state.pending(), record.steps.isEmpty else { return }
    }
    if goBack().isEmpty { try? state?.cancel() }
  }

  /// Undoes what was done of the change, which is found by looking: a set was swapped if its elements, and those under the temporary name,
  /// are more those of the new set than of the old one. The tables have gone back before, so that no rule names a new set.
  ///
  /// - Returns: the sets that could not be put back, each with the reason.
  func goBack() -> [String] {
    guard !steps.isEmpty else { return [] }
    do throws(KernelError) {
      var kernel = try KernelSets()
      let loaded = try kernel.read().sets
      var failed: [String] = []
      // Lists before their members.
      for step in steps.reversed() {
        do throws(KernelError) {
          try Self.undo(step, &kernel, loaded)
        } catch {
          failed.append("set \(step.name) (\(error))")
        }
      }
      if failed.isEmpty { try? state?.noteOwnSets(own) }
      return failed
    } catch {
      return labels.map { "\($0) (\(error))" }
    }
  }

  private static func undo(_ step: Step, _ kernel: inout KernelSets, _ loaded: [AddressSet]) throws(KernelError) {
    guard let after = step.after else { return }
    func find(_ name: String) -> AddressSet? { loaded.first { $0.name == name } }
    guard let before = step.before else {
      // A set that has anything else was made or filled by another program.
      guard let made = find(step.name), made.hasSameForm(as: after), made.elements(missingIn: after).isEmpty else { return }
      return try kernel.destroy(step.name)
    }
    guard let temporary = step.temporary, let other = find(temporary) else { return }
    if let now = find(step.name), distance(now, after) + distance(other, before) < distance(now, before) + distance(other, after) {
      try kernel.swap(step.name, temporary)
    }
    try kernel.destroy(temporary)
  }

  /// In how many elements two sets differ. Another form counts as one.
  private static func distance(_ one: AddressSet, _ other: AddressSet) -> Int {
    one.elements(missingIn: other).count + other.elements(missingIn: one).count + (one.hasSameForm(as: other) ? 0 : 1)
  }
}

extension KernelSets {
  /// All sets of the calling thread's network namespace that Ferrule understands.
  static func loaded() throws(KernelError) -> [AddressSet] {
    var kernel = try KernelSets()
    return try kernel.read().sets
  }
}
