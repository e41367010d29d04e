import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Sets the tracking parameters of the packet's new connection. Kernel: `xt_CT`, revision 2.
public enum CTTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_ct_target_info_v1`, which revisions 1 and 2 share.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: CTFlags = []
    var zone: UInt16 = 0
    var events: UInt32 = 0
    var expectationEvents: UInt32 = 0
    var helper = FixedName<16>()
    var timeout = FixedName<32>()
    var padding: UInt32 = 0
    /// A pointer to the template, used by the kernel only; 0 in a rule's text.
    var template: UInt64 = 0

    /// The directions in which the zone applies; both if none is named.
    var directions: Zone.Directions {
      switch (flags.contains(.zoneOfOriginal), flags.contains(.zoneOfReply)) {
      case (true, false): .original
      case (false, true): .reply
      default: .both
      }
    }
  }

  /// The corresponding kernel structure is `xt_ct_target_info`.
  private struct WithoutTimeout: BitwiseCopyable, Sendable {
    var flags: CTFlags
    var zone: UInt16
    var events: UInt32
    var expectationEvents: UInt32
    var helper: FixedName<16>
    var padding: UInt32 = 0
    var template: UInt64 = 0
  }

  /// `XT_CT_*`.
  struct CTFlags: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt16

    static let untracked = CTFlags(rawValue: 0x01)
    /// The rule was written as NOTRACK.
    static let alias = CTFlags(rawValue: 0x02)
    static let zoneOfOriginal = CTFlags(rawValue: 0x04)
    static let zoneOfReply = CTFlags(rawValue: 0x08)
    static let zoneFromMark = CTFlags(rawValue: 0x10)
    static let all: CTFlags = [.untracked, .alias, .zoneOfOriginal, .zoneOfReply, .zoneFromMark]
  }

  public static let name = "CT"
  public static let families: Families = .both
  public static let summary = "sets how the packet's connection is tracked"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.raw]) }

  /// The names of the events, indexed by their bit; the corresponding kernel enumerations are `ip_conntrack_events` and
  /// `ip_conntrack_expect_events`.
  private static let events = [
    "new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark",
  ]

  public static let options: [Option<Info>] = [
    Option(
      flag: "--notrack",
      present: Presence(get: { $0.flags.contains(.untracked) }, set: { $0.flags.insert(.untracked) }), .plain,
      "do not track the packet"),
    Option(
      "--helper", .bareName(placeholder: "name"), \.helper, present: .when { !$0.helper.bytes.isEmpty }, .plain,
      "the helper to use"),
    Option(
      "--timeout", .bareName(placeholder: "name"), \.timeout, present: .when { !$0.timeout.bytes.isEmpty }, .plain,
      "the timeout policy to use"),
    events("--ctevents", \.events, events, "events of the connection to report"),
    events("--expevents", \.expectationEvents, ["new"], "events of its expectations to report"),
    zone("--zone-orig", [.zoneOfOriginal], "the zone of the original direction"),
    zone("--zone-reply", [.zoneOfReply], "the zone of the reply direction"),
    zone("--zone", [], "the zone of both directions"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, WithoutTimeout.self, abiSize: Int(xt_ct_target_info_size), userSize: 32,
      upgrade: {
        Info(
          flags: $0.flags, zone: $0.zone, events: $0.events, expectationEvents: $0.expectationEvents, helper: $0.helper)
      },
      downgrade: {
        guard $0.flags.isSubset(of: .untracked), $0.timeout.bytes.isEmpty else { return nil }
        return WithoutTimeout(
          flags: $0.flags, zone: $0.zone, events: $0.events, expectationEvents: $0.expectationEvents, helper: $0.helper)
      }),
    Layout(
      revision: 1, Info.self, abiSize: Int(xt_ct_target_info_v1_size), userSize: 64, upgrade: { $0 },
      downgrade: { $0.flags.isSubset(of: .untracked) ? $0 : nil }),
    Layout(revision: 2, abiSize: Int(xt_ct_target_info_v1_size), userSize: 64),
  ]
  public static let examples: [Example] = [
    .acts(
      "--notrack", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "conntrack: none",
      given: .init(rules: ["-t filter -A FORWARD -m conntrack --ctstate UNTRACKED"]), table: .raw),
    .acts("--zone 7", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "conntrack: {zone: 7}", table: .raw),
    .accepts("--ctevents new,destroy --expevents new --zone 7", table: .raw),
    .accepts("--zone-orig mark", table: .raw), .accepts("--zone-reply 1", table: .raw),
    .acts(
      "--helper ftp", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:21 S", result: "conntrack: {helper: ftp}", before: "-p tcp", table: .raw),
    .rejects("--zone 65536", table: .raw), .rejects("--ctevents old", table: .raw), .rejects("--helper ftp", table: .raw),
  ]

  private static func events(
    _ name: String, _ path: any WritableKeyPath<Info, UInt32> & Sendable, _ names: [String], _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "event[,event...]", grammar: "event { \",\" event }",
      samples: names.count > 1 ? ["new", names.joined(separator: ",")] : names, nearMisses: ["old", "new,", ""], .plain, summary,
      read: { info, arguments throws(OptionError) in
        var mask: UInt32 = 0
        for part in arguments.token.split(on: ",") {
          guard let bit = names.firstIndex(where: { part == $0 }) else {
            throw OptionError(
              "bad-value", "Unknown event type \"\(part.string)\"", at: part.range,
              hint: "the events are \(names.joined(separator: ", "))")
          }
          mask |= 1 << UInt32(bit)
        }
        info[keyPath: path] = mask
      },
      write: { info, text in
        let mask = info[keyPath: path]
        guard mask != 0 else { return }
        text.option(name)
        text.word(names.enumerated().filter { mask & 1 << UInt32($0.offset) != 0 }.map(\.element).joined(separator: ","))
      })
  }

  private static func zone(_ name: String, _ direction: CTFlags, _ summary: String) -> Option<Info> {
    let directions: CTFlags = [.zoneOfOriginal, .zoneOfReply]
    return Option(
      name, arity: 1, placeholder: "id|mark", grammar: "number | \"mark\"", samples: ["1", "65535", "mark"],
      nearMisses: ["65536", "-1", "x"], .plain, summary,
      read: { info, arguments throws(OptionError) in
        info.flags.insert(direction)
        info.zone = 0
        if arguments.token.string.lowercased() == "mark" {
          info.flags.insert(.zoneFromMark)
        } else if let number = arguments.token.unsigned, number <= 65535 {
          info.zone = UInt16(number)
        } else {
          throw OptionError(
            "bad-value", "Cannot parse \(arguments.token.string) as a zone ID", at: arguments.token.range,
            hint: "a zone is a number from 0 to 65535, or mark")
        }
      },
      write: { info, text in
        guard info.flags.contains(.zoneFromMark) || info.zone != 0 else { return }
        // Both directions together are stored as none.
        let given = info.flags.intersection(directions)
        guard (given == directions ? [] : given) == direction else { return }
        text.option(name)
        text.word(info.flags.contains(.zoneFromMark) ? "mark" : String(info.zone))
      })
  }

  public static func hostUses(_ info: Info) -> [HostUse] {
    (info.events != 0 ? [.selectsEvents] : []) + (info.helper.bytes.isEmpty ? [] : [.helper(info.helper.string)])
  }

  /// The corresponding kernel functions are `xt_ct_tg_check` and `xt_ct_set_helper`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    if info.flags.contains(.alias) { return text.word("NOTRACK") }
    text.word("CT")
    if info.flags.contains(.untracked) { text.word("notrack") }
    if !info.helper.bytes.isEmpty { text.word("helper \(info.helper.string)") }
    if !info.timeout.bytes.isEmpty { text.word("timeout \(info.timeout.string)") }
    for (name, mask, names) in [("ctevents", info.events, events), ("expevents", info.expectationEvents, ["new"])] where mask != 0 {
      text.word("\(name) \(names.enumerated().filter { mask & 1 << UInt32($0.offset) != 0 }.map(\.element).joined(separator: ","))")
    }
    guard info.flags.contains(.zoneFromMark) || info.zone != 0 else { return }
    let direction = info.directions == .original ? "-orig" : info.directions == .reply ? "-reply" : ""
    text.word("zone\(direction) \(info.flags.contains(.zoneFromMark) ? "mark" : String(info.zone))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if !info.flags.isSubset(of: .all) { throw .kernel("CT: unknown flags") }
    if info.flags.contains(.untracked) { return }
    let needsProtocol = !info.helper.bytes.isEmpty || !info.timeout.bytes.isEmpty
    if needsProtocol, site.protocolNumber == 0 || site.protocolInverted {
      throw .kernel("CT: a helper or a timeout policy needs a protocol", hint: "put -p with the protocol before it")
    }
  }

  public static func objects(_ info: Info) -> [KernelObjectUse] {
    info.helper.bytes.isEmpty || info.flags.contains(.untracked) ? [] : [.needs(.conntrackHelper(info.helper.string))]
  }

  public static func claims(_ info: Info) -> Bool { !info.flags.contains(.alias) }

  public static func services(_ info: Info) -> KernelServices { info.flags.contains(.untracked) ? [] : .conntrack }

  /// The corresponding kernel function is `xt_ct_target`.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    // A packet that has a connection or is untracked is not changed.
    let isUntracked = info.flags.contains(.untracked)
    let state = isUntracked ? ConntrackState.untracked : ConntrackState.new
    let tracking = FieldEffect.change(
      .connectionState, .masked(keep: 0, flip: UInt128(state)),
      when: .all([.equals(.connectionState, ConntrackState.invalid), .equals(.connectionExists, 0)]))
    return [tracking] + (isUntracked ? [] : Field.template.flatMap { FieldEffect.unknown($0) })
  }

  /// Helpers expect connections of other hosts. In a zone of one direction the table may hold two connections with one tuple.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool {
    info.helper.bytes.isEmpty && info.timeout.bytes.isEmpty && info.directions == .both
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    // The packet was tracked before, on its way through the loopback interface.
    guard case .none = packet.attachment else { return .proceed }
    if info.flags.contains(.untracked) {
      packet.attachment = .untracked
      return .proceed
    }
    var template = Template(zone: Zone(info.zone, info.directions), zoneIsMark: info.flags.contains(.zoneFromMark))
    if info.events != 0 || info.expectationEvents != 0 {
      template.events = ConnectionEvents(rawValue: UInt16(truncatingIfNeeded: info.events))
    }
    let number = packet.packet.transport?.proto ?? .none
    if !info.helper.bytes.isEmpty {
      guard let helper = packet.world.conntrack?.helper(named: info.helper.string, packet.family, number) else {
        return .unknown(UnknownReason("-j CT --helper \(info.helper.string)", needs: "a known helper of this name"))
      }
      template.helper = helper
    }
    if !info.timeout.bytes.isEmpty {
      guard let policy = packet.world.conntrack?.timeoutPolicy(named: info.timeout.string, packet.family, number) else {
        return .unknown(UnknownReason("-j CT --timeout \(info.timeout.string)", needs: "a known timeout policy of this name"))
      }
      template.timeoutPolicy = policy
    }
    template.rule = packet.slot
    template.mark = packet.world.memory.state(of: packet.slot) ?? 0
    packet.attachment = .template(template)
    return .proceed
  }
}
