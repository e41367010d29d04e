import CNetfilter
import Conntrack
import Netfilter
public import Wire
public import XTables

/// Answers TCP handshakes for a server. The server receives only completed handshakes. Kernel: `xt_SYNPROXY`, revision 0.
public enum SynproxyTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_synproxy_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var options: UInt8 = 0
    var windowScale: UInt8 = 0
    var segmentSize: UInt16 = 0
  }

  private typealias Bit = SynproxyOptions.Bit

  public static let name = "SYNPROXY"
  public static let families: Families = .both
  public static let ending = TargetEnding.sometimes
  public static let summary = "completes TCP handshakes with clients on behalf of a server"
  public static let traits: ExtensionTraits = .proxies
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.input, .forward]) }

  public static let options: [Option<Info>] = [
    Option(
      flag: "--sack-perm", present: .bits(\.options, Bit.selectiveAcknowledgment), .plain, "the server supports SACK"),
    Option(flag: "--timestamp", present: .bits(\.options, Bit.timestamp), .plain, "the server supports TCP timestamps"),
    number("--wscale", \.windowScale, Bit.windowScale, "the window scale of the server"),
    number("--mss", \.segmentSize, Bit.segmentSize, "the maximum segment size of the server"),
    Option(flag: "--ecn", present: .bits(\.options, Bit.congestionNotification), .plain, "the server supports ECN"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<nf_synproxy_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--sack-perm --wscale 7 --mss 1460", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", result: "verdict: drop FORWARD, answer: tcp SA",
      before: "-p tcp"),
    .accepts("--sack-perm --timestamp --wscale 9 --mss 1460", before: "-p tcp"), .rejects("--mss 1460"),
  ]

  /// The corresponding C type has 32 bits; the structure stores the low bits.
  private static func number<Word: FixedWidthInteger & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Info, Word> & Sendable, _ bit: UInt8, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "value", grammar: "number", samples: ["0", "7"], nearMisses: ["-1", "4294967296"], .plain, summary,
      read: { info, arguments throws(OptionError) in
        let number = try ValueSyntax<UInt32>.unsigned().parse(arguments.token, arguments)
        let kept = Word(truncatingIfNeeded: number)
        if UInt32(kept) != number { arguments.wrapped(keptAs: String(kept)) }
        info[keyPath: path] = kept
        info.options |= bit
      },
      write: { info, text in
        guard info.options & bit != 0 else { return }
        text.option(name)
        text.word(String(info[keyPath: path]))
      })
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("SYNPROXY ")
    if info.options & Bit.selectiveAcknowledgment != 0 { text.glue("sack-perm ") }
    if info.options & Bit.timestamp != 0 { text.glue("timestamp ") }
    if info.options & Bit.windowScale != 0 { text.glue("wscale \(info.windowScale) ") }
    if info.options & Bit.segmentSize != 0 { text.glue("mss \(info.segmentSize) ") }
    if info.options & Bit.congestionNotification != 0 { text.glue("ecn ") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if site.protocolInverted || site.protocolNumber != IPProtocol.tcp.rawValue {
      throw .kernel("SYNPROXY: works with TCP only", hint: "put -p tcp before it")
    }
  }

  public static func services(_ info: Info) -> KernelServices { .synproxy }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    FieldEffect.translation + FieldEffect.unknown(.connectionState)
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    let isSound = packet.input == nil || packet.packet.isTransportChecksumValid ?? false
    let sysctl = packet.family == .ipv4 ? "net.ipv4.ip_default_ttl" : "net.ipv6.conf.all.hop_limit"
    guard isSound, let table = packet.world.conntrack,
      let proxy = Synproxy(packet.packet, ttl: UInt8(clamping: packet.world.host.sysctl(sysctl) ?? 64))
    else { return .verdict(.drop) }
    let server = Synproxy.Server(options: info.options, windowScale: info.windowScale, segmentSize: info.segmentSize)
    guard let outcome = proxy.handshake(server, packet.attachment, in: table, now: packet.world.instant) else { return .proceed }
    packet.effects += outcome.sent.map { .send($0.packet, $0.attachment) }
    return .verdict(outcome.verdict)
  }
}
