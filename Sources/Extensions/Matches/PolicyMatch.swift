import CNetfilter
public import Wire
public import XTables

/// Matches the IPsec policy applied, or to be applied, to a packet. Kernel: `xt_policy`, revision 0.
public enum PolicyMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_policy_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var elements = InlineArray<4, Element>(repeating: Element())
    var flags: UInt16 = 0
    /// The number of elements. While options are parsed, the index of the current element.
    var count: UInt16 = 0
  }

  /// The corresponding kernel structure is `xt_policy_elem`.
  struct Element: BitwiseCopyable, Sendable {
    var source = InetNetwork()
    var destination = InetNetwork()
    var index: UInt32 = 0
    var requestID: UInt32 = 0
    var protocolNumber: UInt8 = 0
    var mode: UInt8 = 0
    var matched: UInt8 = 0
    var inverted: UInt8 = 0
  }

  /// The bits of `flags`: `XT_POLICY_MATCH_*`.
  private enum Flag {
    static let input: UInt16 = 0x01
    static let output: UInt16 = 0x02
    static let none: UInt16 = 0x04
    static let strict: UInt16 = 0x08
  }

  /// The bits of `xt_policy_spec`, the first declared lowest.
  fileprivate enum Subject {
    static let source: UInt8 = 0x01
    static let destination: UInt8 = 0x02
    static let protocolNumber: UInt8 = 0x04
    static let mode: UInt8 = 0x08
    static let index: UInt8 = 0x10
    static let requestID: UInt8 = 0x20
  }

  public static let name = "policy"
  public static let families: Families = .both
  public static let summary = "matches the IPsec policy of a packet"
  public static let initial = Info()

  /// An option with two possible words, one of which sets a bit. Printed by ``save(_:family:to:)``, as all options here.
  private static func choice(
    _ name: String, _ words: [(String, UInt16)], _ message: String, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: words.map(\.0).joined(separator: "|"), grammar: words.map { "\"\($0.0)\"" }.joined(separator: " | "),
      samples: words.map(\.0), nearMisses: ["", "other"], .plain, summary,
      read: { info, arguments throws(OptionError) in
        guard let word = words.first(where: { arguments.token == $0.0 }) else {
          throw OptionError(
            "bad-value", "\(message) \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "write " + words.map(\.0).joined(separator: " or "))
        }
        info.flags |= word.1
      },
      write: { _, _ in })
  }

  /// An option that tests the current element.
  private static func test<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<Element, Value> & Sendable, _ subject: UInt8,
    _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, OptionUse(repeatable: true), summary,
      read: { info, arguments throws(OptionError) in
        let at = min(Int(info.count), 3)
        guard info.elements[at].matched & subject == 0 else {
          throw OptionError("repeated-option", "policy match: double \(name) option", hint: "separate elements by --next")
        }
        info.elements[at][keyPath: path] = try syntax.parse(arguments.token, arguments)
        info.elements[at].matched |= subject
        if arguments.inverted { info.elements[at].inverted |= subject }
      },
      write: { _, _ in })
  }

  private static let mode = ValueSyntax<UInt8>(
    placeholder: "transport|tunnel", grammar: "\"transport\" | \"tunnel\"", samples: ["transport", "tunnel"], nearMisses: ["", "beet"],
    parse: { token, _ throws(OptionError) in
      if token == "transport" { return 0 }
      if token == "tunnel" { return 1 }
      throw OptionError(
        "bad-value", "policy match: invalid mode \"\(token.string)\"", at: token.range, hint: "write transport or tunnel")
    },
    print: { mode, text in text.word(mode == 0 ? "transport" : mode == 1 ? "tunnel" : "???") })

  private static let securityProtocol = ValueSyntax<UInt8>(
    placeholder: "ah|esp|ipcomp", grammar: "protocol", samples: ["ah", "esp", "50", "51", "108"], nearMisses: ["tcp", "6"],
    parse: { token, arguments throws(OptionError) in
      let number = try token.protocolNumber(arguments)
      guard [50, 51, 108].contains(number) else {
        throw OptionError("bad-value", "policy match: protocol must be ah/esp/ipcomp", at: token.range)
      }
      return number
    },
    print: { number, text in text.word(text.names.protocolName(number) ?? String(number)) })

  public static let options: [Option<Info>] = [
    choice("--dir", [("in", Flag.input), ("out", Flag.output)], "policy_match: invalid dir", "direction"),
    choice("--pol", [("ipsec", 0), ("none", Flag.none)], "policy match: invalid policy", "whether an IPsec policy applies to the packet"),
    Option(
      flag: "--strict", present: Presence(get: { _ in false }, set: { $0.flags |= Flag.strict }), .plain,
      "the policy has exactly these elements"),
    test("--reqid", .unsigned(), \.requestID, Subject.requestID, "request id"),
    test("--spi", .unsigned(), \.index, Subject.index, "security parameter index"),
    test("--proto", securityProtocol, \.protocolNumber, Subject.protocolNumber, "protocol"),
    test("--mode", mode, \.mode, Subject.mode, "mode"),
    test("--tunnel-dst", .hostMask, \.destination, Subject.destination, "destination of the tunnel"),
    test("--tunnel-src", .hostMask, \.source, Subject.source, "source of the tunnel"),
    Option(
      "--next", arity: 0, placeholder: "", grammar: "", samples: [""], OptionUse(repeatable: true, requires: ["--strict"]),
      "starts the next element",
      read: { info, arguments throws(OptionError) in
        guard info.count < 3 else {
          throw OptionError("too-many-values", "policy match: maximum policy depth reached", hint: "there are at most four elements")
        }
        info.count += 1
      },
      write: { _, _ in }),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_policy_info>.size)]
  public static let examples: [Example] = [
    .matches("--dir in --pol none", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .misses("--dir in --pol ipsec", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .accepts(
      "--dir in --pol ipsec --strict --reqid 1 ! --spi 0x1 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 --tunnel-src 10.0.0.0/8 --next --reqid 2",
      family: .ipv4),
    .rejects("--pol ipsec"), .rejects("--dir in --pol ipsec --strict"), .rejects("--dir in --pol none --next --strict"),
    .rejects("--dir in --reqid 1 --reqid 2"), .rejects("--dir out --pol ipsec"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    func refuse(_ message: String) -> OptionError { OptionError("bad-policy", "policy match: \(message)") }
    if info.flags & (Flag.input | Flag.output) == 0 { throw refuse("neither --dir in nor --dir out specified") }
    if info.flags & Flag.none != 0 {
      if info.flags & Flag.strict != 0 { throw refuse("policy none but --strict given") }
      if info.count != 0 { throw refuse("policy none but policy given") }
    } else {
      info.count += 1
    }
    for at in 0..<min(Int(info.count), 4) {
      let element = info.elements[at]
      if info.flags & Flag.strict != 0, element.matched == 0 {
        throw refuse(
          "empty policy element \(at). --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required."
        )
      }
      let isTransport = (element.mode == 0) != (element.inverted & Subject.mode != 0)
      if element.matched & (Subject.source | Subject.destination) != 0, isTransport {
        throw refuse("--tunnel-src/--tunnel-dst is only valid in tunnel mode")
      }
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("policy match dir \(info.flags & Flag.input != 0 ? "in" : "out")")
    text.word("pol \(info.flags & Flag.none != 0 ? "none" : "ipsec")")
    if info.flags & Flag.strict != 0 { text.word("strict") }
    let count = min(Int(info.count), 4)
    for index in 0..<count {
      if info.count > 1 { text.word("[\(index)]") }
      info.elements[index].list(to: &text, numeric: numeric)
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & (Flag.input | Flag.output) == 0 { throw .kernel("policy: neither incoming nor outgoing policy selected") }
    if info.flags & Flag.output != 0, !site.hooks.isDisjoint(with: [.prerouting, .input]) {
      throw .kernel("policy: --dir out is not valid in PREROUTING and INPUT", hint: "use --dir in there")
    }
    if info.flags & Flag.input != 0, !site.hooks.isDisjoint(with: [.postrouting, .output]) {
      throw .kernel("policy: --dir in is not valid in POSTROUTING and OUTPUT", hint: "use --dir out there")
    }
    if info.count > 4 { throw .kernel("policy: too many elements") }
  }

  public static func save(_ info: Info, family: Family, to text: inout RuleText) {
    text.option("--dir")
    text.word(info.flags & Flag.input != 0 ? "in" : "out")
    text.option("--pol")
    text.word(info.flags & Flag.none != 0 ? "none" : "ipsec")
    if info.flags & Flag.strict != 0 { text.option("--strict") }
    for at in 0..<min(Int(info.count), 4) {
      if at > 0 { text.option("--next") }
      save(info.elements[at], to: &text)
    }
  }

  private static func save(_ element: Element, to text: inout RuleText) {
    func begin(_ name: String, _ subject: UInt8, _ text: inout RuleText) -> Bool {
      guard element.matched & subject != 0 else { return false }
      text.option(name, inverted: element.inverted & subject != 0)
      return true
    }
    if begin("--reqid", Subject.requestID, &text) { text.word(String(element.requestID)) }
    if begin("--spi", Subject.index, &text) { text.word("0x" + String(element.index, radix: 16)) }
    if begin("--proto", Subject.protocolNumber, &text) { securityProtocol.print(element.protocolNumber, &text) }
    if begin("--mode", Subject.mode, &text) { mode.print(element.mode, &text) }
    if begin("--tunnel-dst", Subject.destination, &text) { ValueSyntax.hostMask.print(element.destination, &text) }
    if begin("--tunnel-src", Subject.source, &text) { ValueSyntax.hostMask.print(element.source, &text) }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .equals(.isTransformed, info.flags & Flag.none != 0 ? 0 : 1)
  }
}

extension Field {
  /// True if IPsec has transformed or will transform the packet. Kernel: `skb_sec_path`, `dst_entry.xfrm`.
  fileprivate static let isTransformed = Field(
    "ipsec.path", bits: 1, FieldTraits(.context, [.value, .unknown], needs: FieldNeeds("-m policy", .policies, isPartial: true))
  ) { context in
    guard context.world.host.usesIPsec == false else {
      return .unknown(UnknownReason("-m policy", lacking: .policies))
    }
    return .value(0)
  }
}

extension PolicyMatch.Element {
  /// The corresponding C function is `print_entry`.
  fileprivate func list(to text: inout RuleText, numeric: Bool) {
    typealias Subject = PolicyMatch.Subject
    func item(_ subject: UInt8, _ name: String, _ value: @autoclosure () -> String) {
      guard matched & subject != 0 else { return }
      text.option(name, inverted: inverted & subject != 0)
      text.word(value())
    }
    func network(_ network: InetNetwork) -> String {
      var inner = RuleText(names: text.names, family: text.family)
      inner.network(network, numeric: true)
      return inner.string
    }
    item(Subject.requestID, "reqid", String(requestID))
    item(Subject.index, "spi", "0x" + String(index, radix: 16))
    item(Subject.protocolNumber, "proto", (numeric ? nil : text.names.protocolName(protocolNumber)) ?? String(protocolNumber))
    item(Subject.mode, "mode", mode == 0 ? "transport" : mode == 1 ? "tunnel" : "???")
    item(Subject.destination, "tunnel-dst", network(destination))
    item(Subject.source, "tunnel-src", network(source))
  }
}
