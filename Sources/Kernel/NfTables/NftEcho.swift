internal import Compiler
internal import Wire
internal import XTables

/// Compares the rules that the kernel sends back for a transaction, as it has stored them, with those that were asked for.
///
/// This is the readback of the rules that were added. A dump of a chain takes a time that grows with the square of its length: the kernel
/// walks through the chain from its beginning for each 32 KiB. Echoes take the same time for each rule. An echo is only ever a confirmation:
/// where one is missing or differs, the tables are read in full.
struct NftEcho {
  /// The tables with which rules are compared that the kernel sends back with other bytes.
  private lazy var tables = blobs.map { EchoedTable($0, registry) }
  private let blobs: [TableBlob]
  private let registry: Registry
  /// The offset in the transaction of the message that is compared next.
  private var sent = 0
  /// The number of rules that are as they were asked for.
  private var confirmed = 0
  private var isDoubtful = false

  init(_ tables: [TableBlob], _ registry: Registry) { (blobs, self.registry) = (tables, registry) }

  /// Compares a message of the kernel with the rule that the transaction added.
  mutating func take(_ message: NetlinkMessage, of batch: NftBatch) {
    guard message.type == NftBatch.newRule else { return }
    if batch.isSame(message, from: &sent) {
      confirmed += 1
      return
    }
    guard let place = batch.place(of: message.sequence), let echo = NftParser.rule(message),
      tables[place.table].confirms(echo, chain: place.chain, number: place.rule)
    else {
      isDoubtful = true
      return
    }
    confirmed += 1
  }

  /// Whether all rules that a transaction added are as they were asked for.
  func confirms(_ batch: NftBatch) -> Bool { !isDoubtful && confirmed == batch.addedRules }
}

extension NftBatch {
  /// Whether the kernel sends back the bytes that were sent: for a rule without parts that the kernel fills in or stores otherwise.
  ///
  /// - Parameter at: the offset of a message before the one that is sent back, which it becomes: echoes come in the order of the messages.
  fileprivate func isSame(_ echo: NetlinkMessage, from at: inout Int) -> Bool {
    typealias Rule = NftNumber.Rule
    while let length = bytes.hostWord(UInt32.self, at: at), length >= NetlinkMessage.headerLength,
      let sequence = bytes.hostWord(UInt32.self, at: at + 8), sequence <= echo.sequence
    {
      guard sequence == echo.sequence else {
        at += Int(length)
        continue
      }
      let body = at + NetlinkMessage.headerLength
      guard echo.body.count > 4, echo.body[0] == bytes[body] else { return false }
      let (sent, stored) = (NftParser.Fields(bytes[(body + 4)..<(at + Int(length))]), NftParser.Fields(echo.body[4...]))
      return stored.isWhole && stored[Rule.userData] == nil
        && [Rule.table, Rule.chain, Rule.expressions].allSatisfy { sent[$0] != nil && sent[$0] == stored[$0] }
    }
    return false
  }
}

/// A table whose rules are sent back in the order in which they were added.
private struct EchoedTable {
  private let blob: TableBlob
  private let layout: EntryLayout
  private let decoder: NativeRuleDecoder
  private let encoder: EntryEncoder
  private let rules: [String: Range<Int>]
  /// The names of the chains, by the offset of their first entry.
  private let names: [Int: String]
  /// The last rule that was compared, and the offset of the next one.
  private var last: (chain: String, number: Int, end: Int) = ("", 0, 0)

  init(_ blob: TableBlob, _ registry: Registry) {
    self.blob = blob
    layout = blob.layout
    decoder = NativeRuleDecoder(registry, blob.family) { HostInterfaces.name(of: $0) }
    encoder = EntryEncoder(family: blob.family)
    let chains = (try? blob.chains()) ?? []
    rules = Dictionary(chains.map { ($0.name, $0.rules) }) { first, _ in first }
    names = Dictionary(chains.map { ($0.rules.lowerBound, $0.name) }) { first, _ in first }
  }

  mutating func confirms(_ echo: (family: UInt8, table: String, chain: String, rule: NftRule), chain: String, number: Int) -> Bool {
    guard echo.family == (blob.family == .ipv4 ? 2 : 10), echo.table == blob.name.rawValue, echo.chain == chain,
      let place = entry(chain, number), let rule = try? decoder.rule(comment: echo.rule.comment, echo.rule.forEachExpression)
    else { return false }
    return isSame(rule, place)
  }

  /// The entry of a rule of a chain, by its number from 1.
  private mutating func entry(_ chain: String, _ number: Int) -> EntryExtent? {
    guard let range = rules[chain] else { return nil }
    if last.chain != chain || last.number >= number { last = (chain, 0, range.lowerBound) }
    var found: EntryExtent?
    while last.number < number {
      guard last.end < range.upperBound, let place = try? layout.entry(at: last.end, in: blob.entries) else { return nil }
      last = (chain, last.number + 1, place.end)
      found = place
    }
    return found
  }

  /// Whether a rule compiles to an entry, but for the counters.
  private func isSame(_ rule: Rule, _ place: EntryExtent) -> Bool {
    let entry = encoder.entry(rule)
    guard entry.count == place.end - place.start else { return false }
    func agrees(_ range: Range<Int>) -> Bool {
      entry[range].elementsEqual(blob.entries[place.start + range.lowerBound..<place.start + range.upperBound])
    }
    guard agrees(0..<layout.comeFrom.lowerBound), agrees(layout.comeFrom.upperBound..<layout.counters.lowerBound) else { return false }
    guard layout.isStandard(place, in: blob.entries), let code = layout.verdict(of: place, in: blob.entries), code >= 0 else {
      return agrees(layout.size..<entry.count)
    }
    // A jump has the offset of its chain, a rule without a target that of the next rule.
    let verdict = place.target - place.start + EntryLayout.extensionHeader
    let chain = Int(code) == place.end ? nil : names[Int(code)]
    return agrees(layout.size..<verdict) && rule.target.chain == chain && (chain != nil || rule.target == .none)
  }
}

extension ChangeRecord.Step {
  /// Whether the loaded tables and chains are those that this step makes, with as many rules. Policies and hooks are compared, rules are not.
  func agrees(with ruleset: NftRuleset) -> Bool {
    guard let table = NftBuiltinChain.find(after.name, after.family, in: ruleset), table.objects.isEmpty, !table.isDormant, !table.isOwned,
      let chains = try? after.chains()
    else { return false }
    var leading: [Int: Int] = [:]
    let layout = after.layout
    try? after.forEachEntry { place in
      guard layout.isStandard(place, in: after.entries), let code = layout.verdict(of: place, in: after.entries), code >= 0,
        Int(code) != place.end
      else { return }
      leading[Int(code), default: 0] += 1
    }
    let wanted = Dictionary(chains.map { ($0.name, $0) }) { first, _ in first }
    return table.chains.count == chains.count
      && table.chains.allSatisfy { chain in
        guard let wanted = wanted[chain.name], (wanted.hook == nil) == (chain.place == nil),
          chain.uses == wanted.ruleCount + leading[wanted.rules.lowerBound, default: 0]
        else { return false }
        return wanted.hook.map { NftBuiltinChain(after.name, $0).isPlace(of: chain) && chain.drops == (wanted.policy == .drop) } ?? true
      }
  }
}
