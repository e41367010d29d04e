internal import Kernel
internal import Wire
internal import XTables

/// A report of nf_tables about a rule that a packet matched, or the end of a chain that it reached: `NFT_MSG_TRACE`.
struct NftTrace: Sendable, Equatable {
  /// `NFT_TRACETYPE_*`.
  enum Kind: UInt32, Sendable {
    case policy = 1
    case `return`, rule
  }

  /// The number of the packet, the same until it leaves the hook. A later packet may get it again.
  let packet: UInt32
  let kind: Kind
  /// The family of the packet, and that of the table, `NFPROTO_*`.
  let family: Family
  let tableFamily: UInt8
  let table: String
  let chain: String
  /// The number that the kernel gave to the rule; nil at the end of a chain.
  let handle: UInt64?
  let mark: UInt32

  private enum Attribute {
    static let table: UInt16 = 1, chain: UInt16 = 2, handle: UInt16 = 3, type: UInt16 = 4, packet: UInt16 = 6, mark: UInt16 = 14
    static let family: UInt16 = 15
  }

  /// `NFNLGRP_NFTRACE`.
  static let group: Int32 = 9
  /// `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_TRACE`.
  private static let type: UInt16 = 10 << 8 | 17

  /// Nil for other or invalid messages.
  init?(_ message: NetlinkMessage) {
    guard message.type == Self.type, message.body.count >= 4 else { return nil }
    let attributes = message.attributes(from: 4)
    guard let kind = attributes.network32(Attribute.type).flatMap(Kind.init(rawValue:)),
      let packet = attributes.network32(Attribute.packet),
      let table = attributes.text(Attribute.table), let chain = attributes.text(Attribute.chain),
      let family = attributes.network32(Attribute.family).flatMap({ UInt8(exactly: $0) }).flatMap(Family.init(rawValue:))
    else { return nil }
    (self.packet, self.kind, self.family, self.table, self.chain) = (packet, kind, family, table, chain)
    tableFamily = message.body[0]
    handle = attributes.network64(Attribute.handle)
    mark = attributes.network32(Attribute.mark) ?? 0
  }
}

/// The numbers of the rules under test in nf_tables, by the handles that traces have.
struct NftPlaces: Sendable {
  private struct Key: Hashable {
    let family: UInt8
    let table: String
    let chain: String
  }

  /// The chains: the hook of a base chain, the table as a trace of the engine names it, and the numbers of its rules.
  private var chains: [Key: (hook: Int?, table: String, numbers: [UInt64: Int])] = [:]
  /// The hook in which each packet is, by its number: a trace tells only the chain.
  private var hooks: [UInt32: Int] = [:]

  init() {}

  /// - Parameter ruleset: everything that is loaded.
  init(_ ruleset: NftRuleset) {
    for table in ruleset.tables where table.name != Observer.tableName {
      let title = NftBuiltinChain.iptables(table)?.name.rawValue ?? table.title
      for chain in table.chains {
        let numbers = Dictionary(chain.rules.enumerated().map { ($1.handle, $0 + 1) }) { first, _ in first }
        chains[Key(family: table.family, table: table.name, chain: chain.name)] = (chain.place.map { Int($0.hook) }, title, numbers)
      }
    }
  }

  /// The report in the form that ip_tables' traces have: `filter:FORWARD:rule:3`. Nil for one that ip_tables does not give.
  mutating func record(_ trace: NftTrace) -> ObserverRecord? {
    if trace.table == Observer.tableName {
      guard trace.kind == .rule else { return nil }
      return ObserverRecord(kind: .identified(trace.packet), hook: 0, payload: [])
    }
    guard let chain = chains[Key(family: trace.tableFamily, table: trace.table, chain: trace.chain)] else { return nil }
    if let hook = chain.hook { hooks[trace.packet] = hook }
    guard let hook = hooks[trace.packet] else { return nil }
    let place: String
    if let handle = trace.handle {
      guard let number = chain.numbers[handle] else { return nil }
      place = "rule:\(number)"
    } else {
      // The end of a built-in chain is reported twice.
      if trace.kind != .policy, chain.hook != nil { return nil }
      place = "\(trace.kind == .policy ? "policy" : "return"):\(chain.numbers.count + 1)"
    }
    var record = ObserverRecord(kind: .trace("\(chain.table):\(trace.chain):\(place)"), hook: hook, payload: [], mark: trace.mark)
    record.packet = trace.packet
    record.family = trace.family
    return record
  }
}
