import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Drops an IPv4 packet and sends an ICMP error or a TCP reset. Kernel: `ipt_REJECT`, revision 0.
public enum RejectTarget: TargetExtension {
  /// The corresponding kernel structure is `ipt_reject_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var with: UInt32 = 3
  }

  public static let name = "REJECT"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "drops the packet and sends an error or a reset to its sender"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.filter], hooks: [.input, .forward, .output]) }

  /// The kinds in the order of the kernel's numbers; an abbreviation stands for the first match.
  private static let kinds = [
    RejectKind(0, "icmp-net-unreachable", "net-unreach", .unreachable(code: 0)),
    RejectKind(1, "icmp-host-unreachable", "host-unreach", .unreachable(code: 1)),
    RejectKind(2, "icmp-proto-unreachable", "proto-unreach", .unreachable(code: 2)),
    RejectKind(3, "icmp-port-unreachable", "port-unreach", .unreachable(code: 3)),
    RejectKind(5, "icmp-net-prohibited", "net-prohib", .unreachable(code: 9)),
    RejectKind(6, "icmp-host-prohibited", "host-prohib", .unreachable(code: 10)),
    RejectKind(7, "tcp-reset", "tcp-rst", .reset),
    RejectKind(8, "icmp-admin-prohibited", "admin-prohib", .unreachable(code: 13)),
  ]

  public static let options: [Option<Info>] = [RejectKind.option(\.with, kinds)]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ipt_reject_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: reject FORWARD, answer: icmp 3/3",
      saved: "--reject-with icmp-port-unreachable", family: .ipv4),
    .acts(
      "--reject-with tcp-reset", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", result: "verdict: reject FORWARD, answer: tcp RA",
      before: "-p tcp", family: .ipv4),
    .accepts("--reject-with admin", saved: "--reject-with icmp-admin-prohibited", family: .ipv4),
    .rejects("--reject-with tcp-reset", family: .ipv4), .rejects("--reject-with echo-reply", family: .ipv4),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("reject-with \(kinds.first { $0.number == info.with }?.name ?? "")")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    try RejectKind.check(info.with, kinds, site)
  }

  /// The limits of the errors that the host sends are those of the host.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    RejectKind.act(info.with, kinds, &packet)
  }
}

/// Drops an IPv6 packet and sends an ICMPv6 error or a TCP reset. Kernel: `ip6t_REJECT`, revision 0.
public enum IPv6RejectTarget: TargetExtension {
  /// The corresponding kernel structure is `ip6t_reject_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var with: UInt32 = 4
  }

  public static let name = RejectTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = RejectTarget.summary
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { RejectTarget.scope(family) }

  private static let kinds = [
    RejectKind(0, "icmp6-no-route", "no-route", .unreachable(code: 0)),
    RejectKind(1, "icmp6-adm-prohibited", "adm-prohibited", .unreachable(code: 1)),
    RejectKind(3, "icmp6-addr-unreachable", "addr-unreach", .unreachable(code: 3)),
    RejectKind(4, "icmp6-port-unreachable", "port-unreach", .unreachable(code: 4)),
    RejectKind(6, "tcp-reset", "tcp-reset", .reset),
    RejectKind(7, "icmp6-policy-fail", "policy-fail", .unreachable(code: 5)),
    RejectKind(8, "icmp6-reject-route", "reject-route", .unreachable(code: 6)),
  ]

  public static let options: [Option<Info>] = [RejectKind.option(\.with, kinds)]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_reject_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "verdict: reject FORWARD, answer: icmpv6 1/4",
      saved: "--reject-with icmp6-port-unreachable", family: .ipv6),
    .accepts("--reject-with adm-prohibited", saved: "--reject-with icmp6-adm-prohibited", family: .ipv6),
    .accepts("--reject-with tcp-reset", before: "-p tcp", family: .ipv6),
    .rejects("--reject-with tcp-reset", family: .ipv6), .rejects("--reject-with icmp-port-unreachable", family: .ipv6),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("reject-with \(kinds.first { $0.number == info.with }?.name ?? "")")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    try RejectKind.check(info.with, kinds, site)
  }

  /// The limits of the errors that the host sends are those of the host.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    RejectKind.act(info.with, kinds, &packet)
  }
}

/// One kind of reply: the kernel's number and its names.
private struct RejectKind: Sendable {
  enum Answer: Sendable {
    /// A destination-unreachable error of ICMP or ICMPv6.
    case unreachable(code: UInt8)
    /// A TCP reset.
    case reset
  }

  let number: UInt32
  let name: String
  let alias: String
  let answer: Answer

  init(_ number: UInt32, _ name: String, _ alias: String, _ answer: Answer) {
    self.number = number
    self.name = name
    self.alias = alias
    self.answer = answer
  }

  static func option<Info>(
    _ path: any WritableKeyPath<Info, UInt32> & Sendable, _ kinds: [RejectKind]
  ) -> Option<Info> {
    Option(
      "--reject-with", arity: 1, placeholder: "type", grammar: kinds.map { "\"\($0.name)\"" }.joined(separator: " | "),
      samples: kinds.filter { $0.name != "tcp-reset" }.map(\.name) + [kinds[0].alias], nearMisses: ["echo-reply", "icmp-foo"],
      .plain, "what to answer with",
      read: { info, arguments throws(OptionError) in
        // A prefix of either name suffices, ignoring case; the first match is used.
        let word = arguments.token.string.lowercased()
        guard let kind = kinds.first(where: { $0.name.hasPrefix(word) || $0.alias.hasPrefix(word) }) else {
          throw OptionError(
            "bad-value", "unknown reject type \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "the types are \(kinds.map(\.name).joined(separator: ", "))")
        }
        info[keyPath: path] = kind.number
      },
      write: { info, text in
        guard let kind = kinds.first(where: { $0.number == info[keyPath: path] }) else { return }
        text.option("--reject-with")
        text.word(kind.name)
      })
  }

  /// The corresponding kernel functions are `reject_tg_check` and `reject_tg6_check`.
  static func check(_ number: UInt32, _ kinds: [RejectKind], _ site: RuleSite) throws(OptionError) {
    guard let kind = kinds.first(where: { $0.number == number }) else {
      throw .kernel("REJECT: there is no reply type \(number)")
    }
    if case .reset = kind.answer, site.protocolInverted || site.protocolNumber != IPProtocol.tcp.rawValue {
      throw .kernel("REJECT: tcp-reset is only for TCP", hint: "put -p tcp before it")
    }
  }

  static func act(_ number: UInt32, _ kinds: [RejectKind], _ packet: inout PacketContext) -> TargetOutcome {
    switch kinds.first(where: { $0.number == number })?.answer {
    case .unreachable(let code): packet.answerUnreachable(code: code)
    case .reset: packet.answerReset()
    case nil: break
    }
    return .verdict(.drop)
  }
}
