import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Changes the ECN bits in IPv4 and TCP. Kernel: `ipt_ECN`, revision 0.
public enum ECNTarget: TargetExtension {
  /// The corresponding kernel structure is `ipt_ECN_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var operation: UInt8 = 0
    var codePoint: UInt8 = 0
    /// ECE in the lowest bit, CWR above it.
    var tcp: UInt8 = 0
  }

  /// `IPT_ECN_OP_*`.
  private enum Operation {
    static let setCodePoint: UInt8 = 0x01
    static let setECE: UInt8 = 0x10
    static let setCWR: UInt8 = 0x20
    static let setTCP: UInt8 = 0x30
  }

  public static let name = "ECN"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.sometimes
  public static let summary = "changes the bits of explicit congestion notification"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  private static func removes(_ info: Info) -> Bool { info.operation == Operation.setTCP && info.tcp & 3 == 0 }

  private static func tcpBit(_ name: String, _ operation: UInt8, bit: UInt8, _ summary: String) -> Option<Info> {
    let syntax = ValueSyntax<UInt8>.unsigned(0...1)
    return Option(
      name, arity: 1, placeholder: "0|1", grammar: syntax.grammar, samples: ["0", "1"], nearMisses: syntax.nearMisses,
      OptionUse(excludes: ["--ecn-tcp-remove"]), summary,
      read: { info, arguments throws(OptionError) in
        info.operation |= operation
        info.tcp = info.tcp & ~bit | (try syntax.parse(arguments.token, arguments) == 0 ? 0 : bit)
      },
      write: { info, text in
        guard info.operation & operation != 0, !removes(info) else { return }
        text.option(name)
        text.word(info.tcp & bit == 0 ? "0" : "1")
      })
  }

  public static let options: [Option<Info>] = [
    Option(
      flag: "--ecn-tcp-remove",
      present: Presence(
        get: removes,
        set: {
          $0.operation = Operation.setTCP
          $0.tcp &= ~3
        }), OptionUse(excludes: ["--ecn-tcp-cwr", "--ecn-tcp-ece"]), "clear the ECE and CWR flags of TCP"),
    tcpBit("--ecn-tcp-ece", Operation.setECE, bit: 1, "set or clear ECE"),
    tcpBit("--ecn-tcp-cwr", Operation.setCWR, bit: 2, "set or clear CWR"),
    Option(
      "--ecn-ip-ect", .unsigned(0...3), \.codePoint, present: .bits(\.operation, Operation.setCodePoint), .plain,
      "the code point of IPv4, 0 to 3"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ipt_ECN_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--ecn-tcp-remove", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 SEC", result: "packet: {flags: S}", before: "-p tcp", family: .ipv4,
      table: .mangle),
    .acts("--ecn-ip-ect 0", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=2", result: "packet: {tos: 0}", family: .ipv4, table: .mangle),
    .accepts("--ecn-tcp-ece 1 --ecn-ip-ect 2", before: "-p tcp", family: .ipv4, table: .mangle),
    .rejects("--ecn-tcp-remove", family: .ipv4, table: .mangle), .rejects("", family: .ipv4, table: .mangle),
    .rejects("--ecn-ip-ect 4", family: .ipv4, table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "ECN target: An operation is required") }
  }

  /// The corresponding kernel function is `ecn_tg_check`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ECN")
    let ece = info.tcp & 1
    let cwr = info.tcp >> 1 & 1
    if info.operation == Operation.setTCP, ece == 0, cwr == 0 { return text.word("TCP remove") }
    if info.operation & Operation.setECE != 0 { text.word("ECE=\(ece)") }
    if info.operation & Operation.setCWR != 0 { text.word("CWR=\(cwr)") }
    if info.operation & Operation.setCodePoint != 0 { text.word("ECT codepoint=\(info.codePoint)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.operation & 0xce != 0 || info.codePoint > 3 { throw .kernel("ECN: unknown operation") }
    if info.operation & Operation.setTCP != 0, site.protocolInverted || site.protocolNumber != IPProtocol.tcp.rawValue {
      throw .kernel("ECN: the TCP bits can be changed only in TCP packets", hint: "put -p tcp before it")
    }
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    var effects: [FieldEffect] = []
    if info.operation & Operation.setCodePoint != 0 { effects.append(.set(.typeOfService, info.codePoint, clearing: UInt8(3))) }
    if info.operation & Operation.setTCP != 0 {
      let mask = info.operation >> 4 & 3
      effects.append(
        .change(
          .tcpFlags, .masked(keep: 0xff & ~UInt128(mask << 6), flip: UInt128((info.tcp & mask) << 6)), when: .equals(.protocolNumber, 6)))
    }
    return effects
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    if info.operation & Operation.setCodePoint != 0, let old = packet.packet.tos {
      packet.packet.setTOS(old & ~3 | info.codePoint)
    }
    guard info.operation & Operation.setTCP != 0, let header = packet.packet.ipv4, header.proto == .tcp else { return .proceed }
    let at = header.headerLength
    guard TCPHeader(packet.packet.bytes, at: at) != nil else { return .verdict(.drop) }
    packet.packet.setCongestionFlags(info.tcp, mask: info.operation >> 4, at: at)
    return .proceed
  }
}

extension Packet {
  /// Sets ECE (bit 0) and CWR (bit 1), as far as the mask selects them.
  fileprivate mutating func setCongestionFlags(_ flags: UInt8, mask: UInt8, at start: Int) {
    let offset = start + TCPHeader.Offset.dataOffset
    guard let old = bytes.uint16(at: offset), let checksum = bytes.uint16(at: start + TCPHeader.Offset.checksum) else { return }
    let bits = UInt16(mask & 3) << 6
    let new = old & ~bits | UInt16(flags & 3) << 6 & bits
    guard new != old else { return }
    bytes.setUInt16(new, at: offset)
    bytes.setUInt16(Checksum.updated(checksum, from: old, to: new), at: start + TCPHeader.Offset.checksum)
  }
}
