internal import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// The replacement of tables in nf_tables, in one transaction that is repeated while other programs change the ruleset.
struct NftReplacement {
  private var tables: [TableBlob]
  private var options: ReplaceOptions
  private let registry: Registry
  private let calls: any NftCalls
  private var recorded: [ChangeRecord.Step] = []
  private var attempts = NftAttempts()

  /// What is to be changed of a table.
  private struct Step {
    /// Its place among the tables.
    let place: Int
    let change: ChangeRecord.Step
    let live: NftTable?
  }

  /// What became of a transaction.
  private enum Outcome {
    /// - Parameter isConfirmed: true if the kernel has sent back all rules that were added, as they were asked for.
    case made(isConfirmed: Bool)
    case changedMeanwhile
  }

  init(_ tables: [TableBlob], _ options: ReplaceOptions, _ registry: Registry, _ calls: any NftCalls) {
    (self.tables, self.options, self.registry, self.calls) = (tables, options, registry, calls)
  }

  /// - Throws: `KernelError`; nothing is then changed, or the next command takes back what is not known.
  mutating func run() throws(KernelError) {
    var areSetsSwapped = false
    while true {
      let ruleset: NftRuleset
      let steps: [Step]
      do throws(KernelError) {
        ruleset = try read()
        steps = try self.steps(ruleset)
        if !steps.isEmpty || options.changesSets { try note(steps.map(\.change)) }
        if !areSetsSwapped { try options.sets?.swap() }
        areSetsSwapped = true
      } catch {
        throw try abandoned(error)
      }
      guard !steps.isEmpty else { return try end(options.changesSets ? options.outcome : nil) }
      if case .made(let isConfirmed) = try commit(steps, ruleset.generation) {
        try verify(steps, ruleset.generation, isConfirmed: isConfirmed)
        return try end(options.outcome)
      }
      do throws(KernelError) { try attempts.wait("committing to nf_tables") } catch { throw try abandoned(error) }
    }
  }

  // MARK: The record

  private mutating func note(_ steps: [ChangeRecord.Step]) throws(KernelError) {
    guard let state = options.state, recorded.isEmpty || !Self.isSame(recorded, steps) else { return }
    try state.note(ChangeRecord(steps: steps, of: .nft, sets: ChangedSets(options.sets)))
    recorded = steps
  }

  /// Whether steps replace the same tables by the same; counters are ignored.
  private static func isSame(_ left: [ChangeRecord.Step], _ right: [ChangeRecord.Step]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy {
        $0.existed == $1.existed && $0.before.hasSameEntries(as: $1.before) && $0.after.hasSameEntries(as: $1.after)
      }
  }

  private func end(_ outcome: StateDirectory.Outcome?) throws(KernelError) {
    guard !recorded.isEmpty || options.changesSets else { return }
    if let outcome { try options.state?.end(outcome) } else { try options.state?.cancel() }
  }

  /// The error after which no table is changed; the sets have gone back, and the record is deleted.
  private func abandoned(_ error: KernelError) throws(KernelError) -> KernelError {
    let error = options.undoSets(after: error)
    if error.notRestored.isEmpty, !recorded.isEmpty { try options.state?.cancel() }
    return error
  }

  // MARK: The transaction

  /// Reads the ruleset; again while memory for the answers is short.
  private mutating func read() throws(KernelError) -> NftRuleset {
    let calls = calls
    return try retrying { () throws(KernelError) in try calls.ruleset() }
  }

  private mutating func retrying<Result>(_ call: () throws(KernelError) -> Result) throws(KernelError) -> Result {
    while true {
      do throws(KernelError) { return try call() } catch {
        guard error.isTransient else { throw error }
        try attempts.wait("asking for the rules of nf_tables")
      }
    }
  }

  private mutating func steps(_ ruleset: NftRuleset) throws(KernelError) -> [Step] {
    let loaded = tables.map { NftLoadedTable(ruleset, $0.family, $0.name, registry) }
    for live in loaded { try live.refuseLoss() }
    for family in Set(options.basis.map(\.family)) { renew(family, from: loaded) }
    var steps: [Step] = []
    for (place, (after, live)) in zip(tables, loaded).enumerated() {
      let isDeleted = options.deleted.contains(place)
      guard let step = try ChangeRecord.Step(from: live.blob, to: after, options, stays: !isDeleted) else { continue }
      if !isDeleted || live.source != nil { steps.append(Step(place: place, change: step, live: live.source)) }
    }
    return steps
  }

  /// Makes the tables of a family anew if others are loaded than those from which they were made. If that is not possible, they stay, and
  /// are refused.
  private mutating func renew(_ family: Family, from loaded: [NftLoadedTable]) {
    let places = tables.indices.filter { tables[$0].family == family }
    let basis = places.map { loaded[$0].blob ?? TableCompiler().compile(Table(tables[$0].name, family)) }
    let isStale = basis.contains { table in
      options.basis.contains { $0.family == family && $0.name == table.name && !$0.hasSameEntries(as: table) }
    }
    guard isStale, let renewed = options.renewed(Ruleset(family, tables: places.compactMap { loaded[$0].typed })),
      renewed.map(\.name) == basis.map(\.name)
    else { return }
    for (place, table) in zip(places, renewed) { tables[place] = table }
    options.basis = options.basis.filter { $0.family != family } + basis
  }

  private mutating func commit(_ steps: [Step], _ generation: UInt32) throws(KernelError) -> Outcome {
    var batch = NftBatch(generation: generation, capacity: steps.reduce(1 << 16) { $0 + 2 * $1.change.after.entries.count })
    do throws(KernelError) {
      for (index, step) in steps.enumerated() {
        let change = try NftTableChange(
          step.change, step.live, isDeleted: options.deleted.contains(step.place), isNew: options.carriesCounters == nil, registry)
        try batch.change(change, index: index)
      }
    } catch {
      throw try abandoned(error)
    }
    batch.finish()
    let isEchoed = options.comparison != nil && calls.canEcho(rules: batch.addedRules, size: batch.bytes.count)
    if isEchoed { batch.requestEchoes() }
    var echo = NftEcho(isEchoed ? steps.map(\.change.after) : [], registry)
    let failure: (error: SystemError, sequence: UInt32)?
    do throws(KernelError) { failure = try calls.commit(batch.bytes, last: batch.last) { if isEchoed { echo.take($0, of: batch) } } } catch
    {
      return try outcome(of: steps, generation, unknownAfter: error)
    }
    guard let failure else { return .made(isConfirmed: isEchoed && echo.confirms(batch)) }
    if [ERESTART, EAGAIN, ENOBUFS, EINTR].contains(failure.error.number) { return .changedMeanwhile }
    let table = batch.table(of: failure.sequence).map { steps[$0].change.after }
    let rule = batch.place(of: failure.sequence).map { RuleReference(chain: $0.chain, rule: $0.rule) }
    throw try abandoned(KernelError(.refused, family: table?.family, table: table?.name.rawValue, rule: rule, error: failure.error))
  }

  /// What became of a transaction whose answer is missing: the generation tells it, or else the tables.
  ///
  /// - Throws: the error if the transaction was not made and repeating it is of no use; also if the tables are neither the old nor the new
  ///   ones. The record then stays, and the next command compares it with what is loaded.
  private mutating func outcome(of steps: [Step], _ generation: UInt32, unknownAfter error: KernelError) throws(KernelError) -> Outcome {
    let ruleset = try read()
    if ruleset.generation != generation {
      if steps.allSatisfy({ difference(of: $0, in: ruleset) == nil }) { return .made(isConfirmed: false) }
      guard steps.allSatisfy({ isUnchanged($0, in: ruleset) }) else { throw error }
    }
    guard error.isTransient else { throw try abandoned(error) }
    return .changedMeanwhile
  }

  // MARK: Reading back

  /// Compares the loaded tables with what was asked for. Rules that another program has changed since are not compared.
  ///
  /// - Parameter isConfirmed: true if the rules that were added are known to be loaded. The others were so before; that no further ones are
  ///   loaded is told by the chains.
  /// - Throws: `KernelError` with the first difference, or why they cannot be compared; the old tables are loaded again.
  private mutating func verify(_ steps: [Step], _ generation: UInt32, isConfirmed: Bool) throws(KernelError) {
    guard options.comparison != nil else { return }
    var found: KernelError?
    do throws(KernelError) {
      let calls = calls
      func loaded(hasRules: Bool) throws(KernelError) -> NftRuleset? {
        try retrying { () throws(KernelError) in try calls.ruleset(at: generation &+ 1, hasRules: hasRules) }
      }
      if isConfirmed {
        guard let chains = try loaded(hasRules: false) else { return }
        if steps.allSatisfy({ !options.deleted.contains($0.place) && $0.change.agrees(with: chains) }) { return }
      }
      guard let ruleset = try loaded(hasRules: true) else { return }
      for step in steps where found == nil { found = difference(of: step, in: ruleset) }
    } catch {
      found = error
    }
    guard var refusal = found else { return }
    do throws(KernelError) {
      try NftTables(registry: registry, calls: calls).putBack(steps.map(\.change), registry)
    } catch {
      refusal.notRestored = steps.map { "\($0.change.before.label) (\(error))" }
      throw refusal
    }
    throw try abandoned(refusal)
  }

  /// How a loaded table differs from the one that was asked for; nil if it does not.
  private func difference(of step: Step, in ruleset: NftRuleset) -> KernelError? {
    let (after, isDeleted) = (step.change.after, options.deleted.contains(step.place))
    let live = NftLoadedTable(ruleset, after.family, after.name, registry)
    func otherwise(_ text: String) -> KernelError {
      KernelError(.readsBackOtherwise(text), family: after.family, table: after.name.rawValue)
    }
    if isDeleted { return live.source == nil ? nil : otherwise("it was to be deleted") }
    if let native = live.natives.first { return otherwise(native.text) }
    guard let blob = live.blob else { return otherwise("it is missing") }
    guard !blob.isSame(as: after, registry) else { return nil }
    do throws(KernelError) { try TableReadback(after, registry: registry).verify(blob) } catch { return error }
    return otherwise("a rule or chain differs")
  }

  private func isUnchanged(_ step: Step, in ruleset: NftRuleset) -> Bool {
    let live = NftLoadedTable(ruleset, step.change.before.family, step.change.before.name, registry)
    guard step.change.existed else { return live.source == nil }
    return live.natives.isEmpty && live.blob?.isSame(as: step.change.before, registry) ?? false
  }
}
