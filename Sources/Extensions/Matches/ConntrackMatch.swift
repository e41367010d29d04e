import CNetfilter
public import Wire
public import XTables

/// Matches the connection tracking data of a packet. Kernel: `xt_conntrack`, revision 3.
public enum ConntrackMatch: MatchExtension {
  public typealias Info = ConntrackTest

  public static let name = "conntrack"
  public static let families: Families = .both
  public static let summary = "matches state, addresses, ports and status of the packet's connection"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--ctstate", ConntrackTest.states(ConntrackTest.stateNames, "ctstate"), \.state, .state, .plain,
      "state of the packet in its connection"),
    protocolOption,
    Option("--ctorigsrc", .hostMask, \.originalSource, .originalSource, .plain, "source of the original direction"),
    Option("--ctorigdst", .hostMask, \.originalDestination, .originalDestination, .plain, "destination of the original direction"),
    Option("--ctreplsrc", .hostMask, \.replySource, .replySource, .plain, "source of the reply direction"),
    Option("--ctrepldst", .hostMask, \.replyDestination, .replyDestination, .plain, "destination of the reply direction"),
    port("--ctorigsrcport", \.ports.originalSource, \.highPorts.originalSource, .originalSourcePort),
    port("--ctorigdstport", \.ports.originalDestination, \.highPorts.originalDestination, .originalDestinationPort),
    port("--ctreplsrcport", \.ports.replySource, \.highPorts.replySource, .replySourcePort),
    port("--ctrepldstport", \.ports.replyDestination, \.highPorts.replyDestination, .replyDestinationPort),
    Option("--ctstatus", status, \.status, .status, .plain, "status bits of the connection"),
    Option("--ctexpire", .range(), \.expiry, .expiry, .plain, "seconds until the connection expires"),
    Option(
      "--ctdir", arity: 1, placeholder: "ORIGINAL|REPLY", grammar: "\"ORIGINAL\" | \"REPLY\"", samples: ["ORIGINAL", "REPLY", "reply"],
      nearMisses: ["", "BOTH", "ORIG"], .plain, "direction in which the packet flows",
      read: { info, arguments throws(OptionError) in
        let isReply = "REPLY".equalsIgnoringCase(arguments.token)
        guard isReply || "ORIGINAL".equalsIgnoringCase(arguments.token) else { throw arguments.badValue(hint: "write ORIGINAL or REPLY") }
        info.matched.insert(.direction)
        if isReply { info.inverted.insert(.direction) } else { info.inverted.remove(.direction) }
      },
      write: { info, text in
        guard info.matched.contains(.direction) else { return }
        text.option("--ctdir")
        text.word(info.inverted.contains(.direction) ? "REPLY" : "ORIGINAL")
      }),
  ]
  public static let layouts = ConntrackTest.layouts
  public static let examples: [Example] = [
    .misses("--ctstate RELATED,ESTABLISHED", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .matches("--ctstate RELATED,ESTABLISHED", "eth1 udp 10.0.1.9:53 > 10.0.0.9:1000", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .matches("--ctorigdstport 53 --ctdir REPLY", "eth1 udp 10.0.1.9:53 > 10.0.0.9:1000", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .accepts("! --ctstate NEW,SNAT,UNTRACKED", saved: "! --ctstate NEW,UNTRACKED,SNAT"),
    .accepts("--ctproto 6 --ctdir REPLY"), .accepts("--ctproto tcp", saved: "--ctproto 6"),
    .accepts("--ctorigsrc 10.0.0.0/8 ! --ctrepldst 192.0.2.1", family: .ipv4), .accepts("--ctorigdst 2001:db8::/32", family: .ipv6),
    .accepts("--ctorigdstport 80:90"), .accepts("--ctstatus NONE"),
    .accepts("! --ctstatus ASSURED,expected", saved: "! --ctstatus EXPECTED,ASSURED"),
    .accepts("--ctexpire 60:", saved: "--ctexpire 60:4294967295"), .rejects("--ctstate FOO"), .rejects("--ctstate NEW,"),
    .rejects("--ctdir both"),
    .rejects("! --ctdir REPLY"), .rejects(""),
  ]

  private static let protocolOption: Option<Info> = {
    let syntax = ValueSyntax<UInt16>.protocolNumber
    return Option(
      "--ctproto", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses,
      invertible: true, .plain, "protocol of the connection",
      read: { info, arguments throws(OptionError) in
        info.protocolNumber = try syntax.parse(arguments.token, arguments)
        // As iptables, which tests the wrong bit: protocol 0 is refused after an inverted `--ctstatus`.
        if info.protocolNumber == 0, info.inverted.contains(.status) {
          throw arguments.refused("never-matches", "rule would never match protocol")
        }
        info.matched.insert(.protocolNumber)
        if arguments.inverted { info.inverted.insert(.protocolNumber) }
      },
      write: { info, text in
        guard info.matched.contains(.protocolNumber) else { return }
        text.option("--ctproto", inverted: info.inverted.contains(.protocolNumber))
        syntax.print(info.protocolNumber, &text)
      })
  }()

  private static func port(
    _ name: String, _ low: any WritableKeyPath<Info, UInt16> & Sendable, _ high: any WritableKeyPath<Info, UInt16> & Sendable,
    _ subject: ConntrackTest.Subjects
  ) -> Option<Info> {
    let syntax = ValueSyntax.portComponents
    return Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, OptionUse(greatest: syntax.greatest),
      "port or range; the option names the side and the direction",
      read: { info, arguments throws(OptionError) in
        let range = try syntax.parse(arguments.token, arguments)
        info[keyPath: low] = range.low
        info[keyPath: high] = range.high
        info.matched.insert(subject)
        if arguments.inverted { info.inverted.insert(subject) }
      },
      write: { info, text in
        guard info.matched.contains(subject) else { return }
        text.option(name, inverted: info.inverted.contains(subject))
        // An older structure has no upper bound.
        let top = info[keyPath: high] == 0 ? info[keyPath: low] : info[keyPath: high]
        syntax.print(PortRange(info[keyPath: low], top), &text)
      })
  }

  private static let statusNames: [(name: String, bit: UInt16)] = [
    ("NONE", 0), ("EXPECTED", 0x01), ("SEEN_REPLY", 0x02), ("ASSURED", 0x04), ("CONFIRMED", 0x08),
  ]

  static let status = ValueSyntax<UInt16>(
    placeholder: "status[,status...]", grammar: "conntrack-status { \",\" conntrack-status }",
    samples: statusNames.map(\.name) + ["EXPECTED,ASSURED", "as,c"], nearMisses: ["", "FOO", "NONE,"],
    parse: { token, _ throws(OptionError) in
      var mask: UInt16 = 0
      for part in token.split(on: ",") {
        guard !part.bytes.isEmpty, let found = statusNames.first(where: { $0.name.beginsIgnoringCase(with: part) }) else {
          throw OptionError(
            "bad-value", "Bad ctstatus \"\(token.rest(from: part))\"", at: part.range,
            hint: "the words are " + statusNames.map(\.name).joined(separator: ", "))
        }
        mask |= found.bit
      }
      return mask
    },
    print: { mask, text in
      let set = statusNames.filter { mask & $0.bit != 0 }.map(\.name)
      text.word(set.isEmpty && mask == 0 ? "NONE" : set.joined(separator: ","))
    })

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "conntrack: At least one option is required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list(to: &text, numeric: numeric)
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  /// `NFT_CT_STATE`, `NFT_CT_DIRECTION`, `NFT_CT_STATUS` and `NFT_CT_MARK`.
  public static let nativeFields: [NativeTest.Subject: Field] = [
    .connection(0): .nativeConnectionState, .connection(1): .connectionDirection, .connection(2): .connectionStatus,
    .connection(3): .connectionMark,
  ]

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition(family) }
}

extension Option where Info == ConntrackTest {
  /// An option whose presence and inversion are the same bit of two words of the structure.
  fileprivate init<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<ConntrackTest, Value> & Sendable,
    _ subject: ConntrackTest.Subjects, _ use: OptionUse, _ summary: String
  ) {
    self.init(
      name, syntax, path,
      invert: Inversion(
        get: { $0.inverted.contains(subject) },
        set: { if $1 { $0.inverted.insert(subject) } }),
      present: Presence(get: { $0.matched.contains(subject) }, set: { $0.matched.insert(subject) }), use, summary)
  }
}
