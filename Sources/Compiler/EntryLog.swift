import Conntrack
import Netfilter
import Wire
import XTables

/// Collects the entries of a table in the order in which the rules are read, whatever chain each belongs to.
///
/// The places of the chains are known at the end only. Then the jumps are filled in, and the entries are put in the order of the
/// chains: within the same memory if the chains were read in that order and one at a time, otherwise in a copy.
struct EntryLog: ~Copyable {
  /// Consecutive entries of one chain.
  private struct Run {
    let chain: Int
    let start: Int
    var end: Int
  }

  /// Marks the verdict of a rule without a target, which continues with the next entry. Until the chains have their places, the
  /// verdict of a jump is the index of its chain.
  private static let goesOn = Int32.max

  private let encoder: EntryEncoder
  private let entryLayout: EntryLayout
  private var entries: [UInt8] = []
  private var runs: [Run] = []
  private var hasMarks = false
  private(set) var count = 0

  /// - Parameter capacity: the expected size of all entries in bytes. Reserved memory that is never written is never used.
  init(_ family: Family, capacity: Int) {
    encoder = EntryEncoder(family: family)
    entryLayout = EntryLayout(family)
    entries.reserveCapacity(capacity)
  }

  var byteCount: Int { entries.count }

  /// - Parameter destination: the index of the chain that a jump leads to.
  mutating func append(_ rule: Rule, to chain: Int, jumpingTo destination: Int?) {
    let start = entries.count
    encoder.append(rule, to: &entries)
    switch rule.target {
    case .none: mark(Self.goesOn)
    case .jump, .goto: mark(Int32(truncatingIfNeeded: destination ?? 0))
    case .verdict, .use: break
    }
    endRule(from: start, of: chain)
  }

  /// Appends a rule of a known shape.
  mutating func append(
    _ template: EntryTemplate, _ values: [PlainValue], of text: [UInt8], _ counters: Counters?, to chain: Int, jumpingTo destination: Int?
  ) {
    let start = entries.count
    template.append(values, of: text, counters, to: &entries)
    if template.goesOn { mark(Self.goesOn) }
    if template.isJump { mark(Int32(truncatingIfNeeded: destination ?? 0)) }
    endRule(from: start, of: chain)
  }

  private mutating func endRule(from start: Int, of chain: Int) {
    count += 1
    if runs.last?.chain == chain {
      runs[runs.count - 1].end = entries.count
    } else {
      runs.append(Run(chain: chain, start: start, end: entries.count))
    }
  }

  /// Empties the log and keeps its capacity.
  mutating func forget() {
    entries.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
  }

  private mutating func mark(_ word: Int32) {
    entries.put(word, at: entries.count - 8)
    hasMarks = true
  }

  /// Makes the blob of the whole table. The chains are taken from `table`; its rules are ignored.
  consuming func blob(_ table: Table) -> TableBlob {
    let layout = ChainLayout(table, ruleBytes: ruleBytes(of: table.chains.count), entryLayout)
    place(layout)
    layout.writeEnds(of: table, encoder, into: &entries)
    if hasMarks { resolveMarks(layout.firstRules) }
    let chains = table.chains
    var hookEntries = [UInt32](repeating: 0, count: 5)
    var underflows = [UInt32](repeating: 0, count: 5)
    for (index, chain) in chains.enumerated() {
      guard let hook = chain.hook else { continue }
      hookEntries[hook.rawValue] = UInt32(layout.firstRules[index])
      underflows[hook.rawValue] = UInt32(layout.policies[index])
    }
    let heads = chains.count { !$0.isBuiltin }
    return TableBlob(
      name: table.name, family: table.family, validHooks: table.name.hookMask.rawValue, hookEntries: hookEntries,
      underflows: underflows, entryCount: count + heads + chains.count + 1, entries: entries)
  }

  private func ruleBytes(of chainCount: Int) -> [Int] {
    var bytes = [Int](repeating: 0, count: chainCount)
    for run in runs { bytes[run.chain] += run.end - run.start }
    return bytes
  }

  /// Moves each run of entries to the place of its chain.
  private mutating func place(_ layout: ChainLayout) {
    var next = layout.firstRules
    var places: [Int] = []
    places.reserveCapacity(runs.count)
    for run in runs {
      places.append(next[run.chain])
      next[run.chain] += run.end - run.start
    }
    let isInOrder = zip(places, places.dropFirst()).allSatisfy { $0 < $1 }
    guard isInOrder else {
      var placed = [UInt8](repeating: 0, count: layout.size)
      for (run, place) in zip(runs, places) { Payload.copy(run.start..<run.end, of: entries, into: &placed, at: place) }
      entries = placed
      return
    }
    entries.append(contentsOf: repeatElement(0, count: layout.size - entries.count))
    // No entry moves towards the front. Starting with the last run, each finds its place free.
    for (run, place) in zip(runs, places).reversed() where run.start != place {
      Payload.move(run.start..<run.end, in: &entries, to: place)
    }
  }

  private mutating func resolveMarks(_ firstRules: [Int]) {
    var at = 0
    while at < entries.count, let place = try? entryLayout.entry(at: at, in: entries) {
      if entryLayout.isStandard(place, in: entries), let mark = entryLayout.verdict(of: place, in: entries), mark >= 0 {
        let destination = mark == Self.goesOn ? place.end : firstRules[Int(mark)]
        entries.put(Int32(truncatingIfNeeded: destination), at: place.target + EntryLayout.extensionHeader)
      }
      at = place.end
    }
  }
}

/// The offsets of the chains of a table.
private struct ChainLayout {
  /// By the index of the chain in the table: the offset of its first rule, and of the entry that ends it.
  let firstRules: [Int]
  let policies: [Int]
  let size: Int
  private let entryLayout: EntryLayout

  init(_ table: Table, ruleBytes: [Int], _ entryLayout: EntryLayout) {
    var firstRules = [Int](repeating: 0, count: table.chains.count)
    var policies = firstRules
    var at = 0
    for index in table.saveOrder {
      if !table.chains[index].isBuiltin { at += entryLayout.size + EntryLayout.errorTarget }
      firstRules[index] = at
      policies[index] = at + ruleBytes[index]
      at = policies[index] + entryLayout.size + EntryLayout.standardTarget
    }
    self.firstRules = firstRules
    self.policies = policies
    self.entryLayout = entryLayout
    size = at + entryLayout.size + EntryLayout.errorTarget
  }

  /// Writes the entries around the rules: the heads of user chains, the policies, and the table's end.
  func writeEnds(of table: Table, _ encoder: EntryEncoder, into entries: inout [UInt8]) {
    func write(_ entry: [UInt8], at place: Int) { Payload.copy(entry.indices, of: entry, into: &entries, at: place) }
    for (index, chain) in table.chains.enumerated() {
      if !chain.isBuiltin {
        write(encoder.errorEntry(chain.name), at: firstRules[index] - entryLayout.size - EntryLayout.errorTarget)
      }
      let policy = encoder.policyEntry(chain.policy ?? .return, chain.isBuiltin ? chain.counters : .zero)
      write(policy, at: policies[index])
    }
    write(encoder.errorEntry("ERROR"), at: size - entryLayout.size - EntryLayout.errorTarget)
  }
}
