internal import Compiler
internal import XTables

/// Parses one expression of a rule. An expression with a missing or unexpected attribute is `other`.
struct NftExpressionParser {
  private let name: String
  private let data: NftParser.Fields

  /// - Parameter name: ends at its first NUL.
  init(name: ArraySlice<UInt8>, data: NftParser.Fields) {
    self.name = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    self.data = data
  }

  /// What expressions may do to a packet, other than those below; an expression that is not listed may do anything. Kernel: `nft_expr_ops`
  /// of each.
  private static let effects: [String: NativeEffect] = [
    "rt": [], "fib": [], "socket": [], "osf": [], "numgen": [], "hash": [], "byteorder": [], "quota": [], "connlimit": [], "last": [],
    "xfrm": [], "tunnel": [], "inner": [], "dynset": [], "cmp": [], "bitwise": [], "range": [], "counter": [], "limit": [], "log": [],
    "match": [], "reject": .drops, "queue": .drops, "synproxy": .drops, "nat": .changes, "masq": .changes, "redir": .changes,
    "tproxy": .changes, "notrack": .changes, "objref": .changes, "dup": .changes, "flow_offload": .changes,
  ]

  var expression: NativeExpression { known ?? .other(name, effect) }

  private var effect: NativeEffect {
    switch name {
    case "ct": data[NftNumber.Loaded.connectionSource] == nil ? [] : .changes
    // A map of verdicts writes the verdict register, whose number is 0.
    case "lookup": data.number32(NftNumber.Loaded.lookupDestination) == 0 ? [.drops] : []
    case "payload": data[NftNumber.PayloadLoad.source] == nil ? [] : .changes
    case "meta": data[NftNumber.Meta.source] == nil ? [] : .changes
    // Writing an option of a header has a source register, `NFTA_EXTHDR_SREG`.
    case "exthdr": data[7] == nil ? [] : .changes
    default: Self.effects[name] ?? [.drops, .changes]
    }
  }

  private var known: NativeExpression? {
    guard data.isWhole else { return nil }
    switch name {
    case "meta": return meta
    case "payload": return payload
    case "cmp": return compare
    case "bitwise": return bitwise
    case "range": return range
    case "counter":
      return .counter(packets: data.number64(NftNumber.Counter.packets) ?? 0, bytes: data.number64(NftNumber.Counter.bytes) ?? 0)
    case "immediate": return immediate
    case "limit": return limit
    case "log": return log
    case "ct": return connection
    case "fib": return addressType
    case "lookup": return lookup
    case "byteorder": return byteOrder
    case "reject": return reject
    case "queue": return queue
    // A counter with a name.
    case "objref" where data.number32(NftNumber.ObjectReference.type) == NftNumber.ObjectReference.counter, "last": return .passive(name)
    case "match": return compat.map { .match(name: $0.name, revision: $0.revision, $0.info) }
    case "target": return compat.map { .target(name: $0.name, revision: $0.revision, $0.info) }
    default: return nil
    }
  }

  private var meta: NativeExpression? {
    guard let key = data.number32(NftNumber.Meta.key) else { return nil }
    if let source = data.number32(NftNumber.Meta.source) { return .setMeta(key: key, register: source) }
    return data.number32(NftNumber.Meta.destination).map { .meta(key: key, register: $0) }
  }

  private var payload: NativeExpression? {
    typealias Number = NftNumber.PayloadLoad
    guard data[Number.source] == nil, let register = data.number32(Number.destination), let base = data.number32(Number.base),
      let offset = data.number32(Number.offset), let length = data.number32(Number.length)
    else { return nil }
    return .payload(base: base, offset: offset, length: length, register: register)
  }

  private func value(_ type: UInt16) -> [UInt8]? {
    data[type].flatMap { NftParser.attribute(NftNumber.Data.value, in: $0) }.map { Array($0) }
  }

  private var compare: NativeExpression? {
    guard let register = data.number32(NftNumber.Compare.source),
      let comparison = data.number32(NftNumber.Compare.operation).flatMap({ NativeTest.Comparison(rawValue: $0) }),
      comparison.rawValue <= NativeTest.Comparison.atLeast.rawValue, let value = value(NftNumber.Compare.data)
    else { return nil }
    return .compare(register: register, comparison, value)
  }

  private var bitwise: NativeExpression? {
    typealias Number = NftNumber.Bitwise
    guard data.number32(Number.operation) ?? 0 == 0, let source = data.number32(Number.source),
      let register = data.number32(Number.destination), let mask = value(Number.mask), let flips = value(Number.flips)
    else { return nil }
    return .bitwise(source: source, register: register, mask: mask, flips: flips)
  }

  private var range: NativeExpression? {
    guard let register = data.number32(NftNumber.Range.source), let operation = data.number32(NftNumber.Range.operation), operation < 2,
      let low = value(NftNumber.Range.low), let high = value(NftNumber.Range.high)
    else { return nil }
    return .range(register: register, operation == 0 ? .inRange : .outOfRange, low, high)
  }

  private var immediate: NativeExpression? {
    guard let register = data.number32(NftNumber.Immediate.destination), let nested = data.nested(NftNumber.Immediate.data) else {
      return nil
    }
    if let verdict = nested.nested(NftNumber.Data.verdict) {
      guard let code = verdict.number32(NftNumber.Data.code) else { return nil }
      return .verdict(Int32(bitPattern: code), chain: verdict.text(NftNumber.Data.chain))
    }
    return nested.bytes(NftNumber.Data.value).map { .constant(register: register, $0) }
  }

  /// Only limits of packets, `NFT_LIMIT_PKTS`. With the flag `NFT_LIMIT_F_INV` the packets above the rate match.
  private var limit: NativeExpression? {
    typealias Number = NftNumber.Limit
    guard data.number32(Number.type) ?? 0 == 0, let rate = data.number64(Number.rate), let unit = data.number64(Number.unit) else {
      return nil
    }
    let burst = data.number32(Number.burst) ?? 0
    switch data.number32(Number.flags) ?? 0 {
    case 0: return .limit(rate: rate, unit: unit, burst: burst)
    case 1: return .overLimit(rate: rate, unit: unit, burst: burst)
    default: return nil
    }
  }

  /// A log to a group, or to the kernel's log.
  private var log: NativeExpression? {
    guard data[NftNumber.Log.group] != nil else {
      // The kernel always tells the level; the level 8 is for the audit subsystem.
      guard let level = data.number32(NftNumber.Log.level), level < 8,
        let flags = UInt8(exactly: data.number32(NftNumber.Log.flags) ?? 0)
      else { return nil }
      return .kernelLog(
        NativeLogging(.kernel(level: UInt8(level), LogContent(rawValue: flags)), prefix: data.text(NftNumber.Log.prefix) ?? ""))
    }
    guard let group = data.number32(NftNumber.Log.group).flatMap({ UInt16(exactly: $0) }) else { return nil }
    return .log(
      NativeLog(
        group: group, prefix: Array((data[NftNumber.Log.prefix] ?? []).prefix { $0 != 0 }), length: data.number32(NftNumber.Log.length),
        threshold: data.number32(NftNumber.Log.threshold).flatMap { UInt16(exactly: $0) } ?? 0))
  }

  /// A property of the connection, not of one of its directions.
  private var connection: NativeExpression? {
    typealias Number = NftNumber.Connection
    guard data[NftNumber.Loaded.connectionSource] == nil, data[Number.direction] == nil, let key = data.number32(Number.key),
      let register = data.number32(Number.destination)
    else { return nil }
    return .connection(key: key, register: register)
  }

  private var addressType: NativeExpression? {
    typealias Number = NftNumber.Fib
    guard data.number32(Number.result) == Number.addressType, let register = data.number32(Number.destination) else { return nil }
    switch data.number32(Number.flags) {
    case Number.source: return .addressType(isSource: true, register: register)
    case Number.target: return .addressType(isSource: false, register: register)
    default: return nil
    }
  }

  /// A set, or a map of verdicts, which writes the verdict register.
  private var lookup: NativeExpression? {
    typealias Number = NftNumber.Lookup
    guard let set = data.text(Number.set), let register = data.number32(Number.source), (data.number32(Number.flags) ?? 0) & ~1 == 0 else {
      return nil
    }
    let destination = data.number32(NftNumber.Loaded.lookupDestination)
    guard destination == nil || destination == 0 else { return nil }
    return .lookup(set: set, register: register, isInverted: data.number32(Number.flags) == 1, isMap: destination != nil)
  }

  private var byteOrder: NativeExpression? {
    typealias Number = NftNumber.ByteOrder
    guard let source = data.number32(Number.source), let register = data.number32(Number.destination),
      let length = data.number32(Number.length), let size = data.number32(Number.size), length == size
    else { return nil }
    return .byteOrder(source: source, register: register, size: size)
  }

  /// The types are `NFT_REJECT_ICMP_UNREACH`, `NFT_REJECT_TCP_RST` and `NFT_REJECT_ICMPX_UNREACH`.
  private var reject: NativeExpression? {
    let code = data.number32(NftNumber.Reject.code).flatMap { UInt8(exactly: $0) }
    switch (data.number32(NftNumber.Reject.type), code) {
    case (0, let code?): return .reject(.unreachable(code))
    case (1, _): return .reject(.reset)
    case (2, let code?) where code < 4: return .reject(.anyFamily(code))
    default: return nil
    }
  }

  /// One queue. The flag is `NFT_QUEUE_FLAG_BYPASS`.
  private var queue: NativeExpression? {
    typealias Number = NftNumber.Queue
    guard data[Number.register] == nil, data.number32(Number.total) ?? 1 <= 1, data.number32(Number.flags) ?? 0 < 2,
      let number = data.number32(Number.number).flatMap({ UInt16(exactly: $0) })
    else { return nil }
    return .queue(number, isBypassed: data.number32(Number.flags) == 1)
  }

  private var compat: (name: String, revision: UInt8, info: [UInt8])? {
    guard let name = data.text(NftNumber.Compat.name), let revision = data.number32(NftNumber.Compat.revision),
      let revision = UInt8(exactly: revision)
    else { return nil }
    return (name, revision, data.bytes(NftNumber.Compat.info) ?? [])
  }
}
