import Wire

/// A name of nft(8) for a part of the packet or its metadata, and the form of its values.
struct NativeSelector {
  /// The form of values.
  enum Form {
    case number, hexadecimal, ipv4, ipv6, interface
    case names([(String, UInt128)])
    /// Names of single bits, joined by commas.
    case flags([(String, UInt128)])
  }

  /// What a packet must be so that the name has a meaning. The rule tests it before.
  enum Need: Hashable {
    case family(UInt8)
    case transport(UInt8)

    /// The test.
    var match: NativeMatch {
      switch self {
      case .family(let number): NativeMatch(.meta(NativeFields.Meta.family), equals: UInt128(number))
      case .transport(let number): NativeMatch(.meta(NativeFields.Meta.transportProtocol), equals: UInt128(number))
      }
    }

    /// The need that a test ensures; nil for other tests.
    init?(_ match: NativeMatch) {
      guard match.operands.count == 1, match.operands[0].mask == nil, !match.isInverted, case .elements(let elements) = match.values,
        elements.count == 1, let range = elements[0].ranges.first, range.lowerBound == range.upperBound,
        let value = UInt8(exactly: range.lowerBound)
      else { return nil }
      switch match.operands[0].subject {
      case .meta(NativeFields.Meta.family): self = .family(value)
      case .meta(NativeFields.Meta.transportProtocol): self = .transport(value)
      default: return nil
      }
    }
  }

  let words: String
  let subject: NativeTest.Subject
  let form: Form
  let need: Need?

  private init(_ words: String, _ subject: NativeTest.Subject, _ form: Form, _ need: Need? = nil) {
    (self.words, self.subject, self.form, self.need) = (words, subject, form, need)
  }

  private static func network(_ offset: UInt32, _ length: UInt32) -> NativeTest.Subject {
    .payload(base: NativeTest.networkHeader, offset: offset, length: length)
  }

  private static func transport(_ offset: UInt32, _ length: UInt32) -> NativeTest.Subject {
    .payload(base: NativeTest.transportHeader, offset: offset, length: length)
  }

  /// All names. Of several for one subject, the first whose need is met is printed.
  static let all: [NativeSelector] = metadata + network + transports

  private static let metadata: [NativeSelector] = {
    typealias Meta = NativeFields.Meta
    return [
      NativeSelector("meta nfproto", .meta(Meta.family), .names([("ipv4", 2), ("ipv6", 10)])),
      NativeSelector("meta l4proto", .meta(Meta.transportProtocol), .names(protocols)),
      NativeSelector("meta protocol", .meta(Meta.protocol), .names([("ip", 0x0800), ("ip6", 0x86dd), ("arp", 0x0806)])),
      NativeSelector("meta mark", .meta(Meta.mark), .hexadecimal), NativeSelector("meta length", .meta(Meta.length), .number),
      NativeSelector("iifname", .meta(Meta.inputName), .interface), NativeSelector("oifname", .meta(Meta.outputName), .interface),
      NativeSelector(
        "meta pkttype", .meta(Meta.packetType), .names([("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)])),
      NativeSelector("meta skuid", .meta(Meta.user), .number), NativeSelector("meta skgid", .meta(Meta.group), .number),
      NativeSelector(
        "ct state", .connection(0), .flags([("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64)])),
      NativeSelector("ct direction", .connection(1), .names([("original", 0), ("reply", 1)])),
      NativeSelector(
        "ct status", .connection(2),
        .flags([("expected", 1), ("seen-reply", 2), ("assured", 4), ("confirmed", 8), ("snat", 16), ("dnat", 32), ("dying", 512)])),
      NativeSelector("ct mark", .connection(3), .hexadecimal),
      NativeSelector("fib saddr type", .addressType(isSource: true), .names(addressTypes)),
      NativeSelector("fib daddr type", .addressType(isSource: false), .names(addressTypes)),
    ]
  }()

  private static let network: [NativeSelector] = {
    let (ipv4, ipv6) = (Need.family(2), Need.family(10))
    return [
      NativeSelector("ip saddr", network(12, 4), .ipv4, ipv4), NativeSelector("ip daddr", network(16, 4), .ipv4, ipv4),
      NativeSelector("ip protocol", network(9, 1), .names(protocols), ipv4), NativeSelector("ip ttl", network(8, 1), .number, ipv4),
      NativeSelector("ip length", network(2, 2), .number, ipv4), NativeSelector("ip id", network(4, 2), .number, ipv4),
      NativeSelector("ip frag-off", network(6, 2), .hexadecimal, ipv4),
      NativeSelector("ip6 saddr", network(8, 16), .ipv6, ipv6), NativeSelector("ip6 daddr", network(24, 16), .ipv6, ipv6),
      NativeSelector("ip6 nexthdr", network(6, 1), .names(protocols), ipv6), NativeSelector("ip6 hoplimit", network(7, 1), .number, ipv6),
    ]
  }()

  private static let transports: [NativeSelector] = {
    var list: [NativeSelector] = []
    for (name, number) in [("tcp", UInt8(6)), ("udp", 17), ("udplite", 136), ("sctp", 132), ("dccp", 33)] {
      list.append(NativeSelector("\(name) sport", transport(0, 2), .number, .transport(number)))
      list.append(NativeSelector("\(name) dport", transport(2, 2), .number, .transport(number)))
    }
    list.append(
      NativeSelector(
        "tcp flags", transport(13, 1),
        .flags([("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)]), .transport(6)))
    for (name, number, types) in [("icmp", UInt8(1), icmpTypes), ("icmpv6", 58, icmpv6Types)] {
      list.append(NativeSelector("\(name) type", transport(0, 1), .names(types), .transport(number)))
      list.append(NativeSelector("\(name) code", transport(1, 1), .number, .transport(number)))
    }
    return list + [NativeSelector("th sport", transport(0, 2), .number), NativeSelector("th dport", transport(2, 2), .number)]
  }()

  private static let protocols: [(String, UInt128)] = [
    ("icmp", 1), ("igmp", 2), ("tcp", 6), ("udp", 17), ("dccp", 33), ("gre", 47), ("esp", 50), ("ah", 51), ("icmpv6", 58),
    ("ipv6-icmp", 58), ("sctp", 132), ("udplite", 136),
  ]
  private static let addressTypes: [(String, UInt128)] = [
    ("unicast", 1), ("local", 2), ("broadcast", 3), ("anycast", 4), ("multicast", 5), ("blackhole", 6), ("unreachable", 7), ("prohibit", 8),
  ]
  private static let icmpTypes: [(String, UInt128)] = [
    ("echo-reply", 0), ("destination-unreachable", 3), ("source-quench", 4), ("redirect", 5), ("echo-request", 8),
    ("router-advertisement", 9), ("router-solicitation", 10), ("time-exceeded", 11), ("parameter-problem", 12), ("timestamp-request", 13),
    ("timestamp-reply", 14), ("info-request", 15), ("info-reply", 16), ("address-mask-request", 17), ("address-mask-reply", 18),
  ]
  private static let icmpv6Types: [(String, UInt128)] = [
    ("destination-unreachable", 1), ("packet-too-big", 2), ("time-exceeded", 3), ("parameter-problem", 4), ("echo-request", 128),
    ("echo-reply", 129), ("mld-listener-query", 130), ("mld-listener-report", 131), ("mld-listener-done", 132), ("nd-router-solicit", 133),
    ("nd-router-advert", 134), ("nd-neighbor-solicit", 135), ("nd-neighbor-advert", 136), ("nd-redirect", 137),
    ("mld2-listener-report", 143),
  ]

  /// A part of a header without a name: `@th,16,16`, in bits. Nil for other subjects.
  init?(raw subject: NativeTest.Subject) {
    guard case .payload(let base, let offset, let length) = subject, base == NativeTest.networkHeader || base == NativeTest.transportHeader
    else { return nil }
    let header = base == NativeTest.networkHeader ? "nh" : "th"
    self.init("@\(header),\(UInt64(offset) * 8),\(UInt64(length) * 8)", subject, .hexadecimal)
  }

  /// Parses `@th,16,16`.
  init?(raw word: String) {
    let fields = word.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == 3, fields[0] == "@nh" || fields[0] == "@th", let offset = UInt32(fields[1]), let length = UInt32(fields[2]),
      offset % 8 == 0, length % 8 == 0, offset < 2048, (8...128).contains(length)
    else { return nil }
    let base = fields[0] == "@nh" ? NativeTest.networkHeader : NativeTest.transportHeader
    self.init(word, .payload(base: base, offset: offset / 8, length: length / 8), .hexadecimal)
  }
}

// MARK: Values

extension NativeSelector {
  /// The number of bits of a value.
  private var bits: Int { 8 * (subject.length ?? 4) }
  private var greatest: UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }

  /// A value in the words of nft(8).
  func text(_ value: UInt128) -> String {
    switch form {
    case .number: return "\(value)"
    case .hexadecimal: return "0x" + String(value, radix: 16)
    case .ipv4 where value <= UInt128(UInt32.max): return "\(IPAddress(family: .ipv4, bits: value))"
    case .ipv6: return "\(IPAddress(family: .ipv6, bits: value))"
    case .ipv4: return "0x" + String(value, radix: 16)
    case .names(let names): return names.first { $0.1 == value }?.0 ?? "\(value)"
    case .flags(let names):
      let known = names.filter { value & $0.1 == $0.1 }
      return value != 0 && known.reduce(0, { $0 | $1.1 }) == value
        ? known.map(\.0).joined(separator: ",") : "0x" + String(value, radix: 16)
    case .interface: return Self.name(value).map { "\"\($0)\"" } ?? "0x" + String(value, radix: 16)
    }
  }

  /// The name of an interface; nil if a value has no such text.
  private static func name(_ value: UInt128) -> String? {
    let bytes = (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
    let name = bytes.prefix { $0 != 0 }
    guard !name.isEmpty, name.count < 16, bytes[name.count...].allSatisfy({ $0 == 0 }),
      name.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "\\") })
    else { return nil }
    let text = String(decoding: name, as: UTF8.self)
    // It would be parsed as a number.
    return text.hasPrefix("0x") || UInt128(text) != nil ? nil : text
  }

  /// A range in the words of nft(8): a value, a prefix, the start of a name, or two ends.
  func text(_ range: ClosedRange<UInt128>) -> String {
    let (low, high) = (range.lowerBound, range.upperBound)
    if low == high { return text(low) }
    let tail = low ^ high
    let isPrefix = tail & (tail &+ 1) == 0 && low & tail == 0
    let length = bits - (128 - tail.leadingZeroBitCount)
    switch form {
    case .ipv4 where isPrefix && length >= 0, .ipv6 where isPrefix && length >= 0: return "\(text(low))/\(length)"
    case .interface where isPrefix && length > 0 && length % 8 == 0:
      if let name = Self.name(low), name.utf8.count == length / 8 { return "\"\(name)*\"" }
      return "0x\(String(low, radix: 16))-0x\(String(high, radix: 16))"
    case .interface, .names, .flags:
      return "0x\(String(low, radix: 16))-0x\(String(high, radix: 16))"
    default: return "\(text(low))-\(text(high))"
    }
  }

  /// A range between braces, where commas separate elements.
  func element(_ range: ClosedRange<UInt128>) -> String {
    let text = text(range)
    return text.contains(",") ? "0x" + String(range.lowerBound, radix: 16) : text
  }

  /// Parses a value; nil if it is none.
  func value(_ word: String) -> UInt128? {
    let number = word.hasPrefix("0x") ? UInt128(word.dropFirst(2), radix: 16) : UInt128(word)
    if let number { return number <= greatest ? number : nil }
    switch form {
    case .number, .hexadecimal: return nil
    case .ipv4: return IPAddress(word).flatMap { $0.family == .ipv4 ? $0.bits : nil }
    case .ipv6: return IPAddress(word).flatMap { $0.family == .ipv6 ? $0.bits : nil }
    case .names(let names): return names.first { $0.0 == word }?.1
    case .flags(let names):
      var value: UInt128 = 0
      for flag in word.split(separator: ",", omittingEmptySubsequences: false) {
        guard let known = names.first(where: { $0.0 == flag }) else { return nil }
        value |= known.1
      }
      return value
    case .interface:
      return word.hasPrefix("0x") ? nil : Self.range(name: word).flatMap { $0.lowerBound == $0.upperBound ? $0.lowerBound : nil }
    }
  }

  /// Parses a range; nil if it is none.
  func range(_ word: String) -> ClosedRange<UInt128>? {
    if case .interface = form, !word.hasPrefix("0x") { return Self.range(name: word) }
    if let value = value(word) { return value...value }
    if let slash = word.lastIndex(of: "/") {
      guard let value = value(String(word[..<slash])), let length = Int(word[word.index(after: slash)...]), (0...bits).contains(length)
      else { return nil }
      let tail = length == bits ? 0 : greatest >> UInt128(length)
      return value & tail == 0 ? value...(value | tail) : nil
    }
    // Names of values contain dashes too; a range has one between two values.
    for dash in word.indices where word[dash] == "-" {
      guard let low = value(String(word[..<dash])), let high = value(String(word[word.index(after: dash)...])) else { continue }
      return low <= high ? low...high : nil
    }
    return nil
  }

  /// The values of names that are equal to a word, or start with it before a `*`.
  private static func range(name word: String) -> ClosedRange<UInt128>? {
    let isStart = word.hasSuffix("*")
    let bytes = Array(isStart ? word.dropLast().utf8 : word.utf8[...])
    guard !bytes.isEmpty || isStart, bytes.count < 16 else { return nil }
    var low: UInt128 = 0
    for (index, byte) in bytes.enumerated() { low |= UInt128(byte) << UInt128(120 - 8 * index) }
    return low...(isStart ? low | (UInt128.max >> UInt128(8 * bytes.count)) : low)
  }
}
