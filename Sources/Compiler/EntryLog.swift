import Conntrack
import XTables

/// The entries of a table while its rules come in, one behind the other in the order of their coming, whatever chain each
/// belongs to. Where a chain will lie is known at the end only; the jumps are filled in then, and the entries moved to their
/// places within the same memory where each chain's rules came together.
struct EntryLog: ~Copyable {
  /// Entries of one chain that came one after the other.
  private struct Run {
    let chain: Int
    let start: Int
    var end: Int
  }

  /// What a standard target's verdict holds until the chains have their places: the index of the chain it jumps to, or this, for
  /// a rule without a target, which goes on with the next entry.
  private static let goesOn = Int32.max

  private let encoder: EntryEncoder
  private let geometry: EntryGeometry
  private var entries: [UInt8] = []
  private var runs: [Run] = []
  private var hasMarks = false
  private(set) var count = 0

  /// - Parameter capacity: how many bytes the entries may come to. What is never written takes no memory.
  init(_ family: Family, capacity: Int) {
    encoder = EntryEncoder(family: family)
    geometry = EntryGeometry(family)
    entries.reserveCapacity(capacity)
  }

  var byteCount: Int { entries.count }

  /// - Parameter destination: the chain that a jump leads to.
  mutating func append(_ rule: Rule, to chain: Int, jumpingTo destination: Int?) {
    let start = entries.count
    encoder.append(rule, to: &entries)
    count += 1
    switch rule.target {
    case .none: mark(Self.goesOn)
    case .jump, .goto: mark(Int32(truncatingIfNeeded: destination ?? 0))
    case .verdict, .use: break
    }
    if runs.last?.chain == chain {
      runs[runs.count - 1].end = entries.count
    } else {
      runs.append(Run(chain: chain, start: start, end: entries.count))
    }
  }

  /// Empties the log, but keeps its room.
  mutating func forget() {
    entries.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
  }

  private mutating func mark(_ word: Int32) {
    entries.put(word, at: entries.count - 8)
    hasMarks = true
  }

  /// The whole table. Of `table` only the chains count, not their rules.
  consuming func blob(_ table: Table) -> TableBlob {
    let layout = ChainLayout(table, ruleBytes: ruleBytes(of: table.chains.count), geometry)
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

  /// Moves each run to its chain's place.
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
    // Nothing moves towards the front, so that the last run makes room for the one before it.
    for (run, place) in zip(runs, places).reversed() where run.start != place {
      Payload.move(run.start..<run.end, in: &entries, to: place)
    }
  }

  private mutating func resolveMarks(_ firstRules: [Int]) {
    var at = 0
    while at < entries.count, let target = entries.word(UInt16.self, at: at + geometry.targetOffset),
      let size = entries.word(UInt16.self, at: at + geometry.nextOffset)
    {
      let data = at + Int(target) + EntryGeometry.extensionHeader
      let next = at + Int(size)
      // A standard target has no name.
      if entries[at + Int(target) + 2] == 0, let mark = entries.word(Int32.self, at: data), mark >= 0 {
        entries.put(Int32(truncatingIfNeeded: mark == Self.goesOn ? next : firstRules[Int(mark)]), at: data)
      }
      at = next
    }
  }
}

/// Where the chains of a table lie.
private struct ChainLayout {
  /// By index of the chain in the table: its first rule, and the entry that ends it.
  let firstRules: [Int]
  let policies: [Int]
  let size: Int
  private let geometry: EntryGeometry

  init(_ table: Table, ruleBytes: [Int], _ geometry: EntryGeometry) {
    var firstRules = [Int](repeating: 0, count: table.chains.count)
    var policies = firstRules
    var at = 0
    for index in table.saveOrder {
      if !table.chains[index].isBuiltin { at += geometry.size + EntryGeometry.errorTarget }
      firstRules[index] = at
      policies[index] = at + ruleBytes[index]
      at = policies[index] + geometry.size + EntryGeometry.standardTarget
    }
    self.firstRules = firstRules
    self.policies = policies
    self.geometry = geometry
    size = at + geometry.size + EntryGeometry.errorTarget
  }

  /// The entries around the rules: the heads of the user's chains, the policies, and the table's end.
  func writeEnds(of table: Table, _ encoder: EntryEncoder, into entries: inout [UInt8]) {
    func write(_ entry: [UInt8], at place: Int) { Payload.copy(entry.indices, of: entry, into: &entries, at: place) }
    for (index, chain) in table.chains.enumerated() {
      if !chain.isBuiltin {
        write(encoder.errorEntry(chain.name), at: firstRules[index] - geometry.size - EntryGeometry.errorTarget)
      }
      let policy = encoder.policyEntry(chain.policy ?? .return, chain.isBuiltin ? chain.counters : .zero)
      write(policy, at: policies[index])
    }
    write(encoder.errorEntry("ERROR"), at: size - geometry.size - EntryGeometry.errorTarget)
  }
}
