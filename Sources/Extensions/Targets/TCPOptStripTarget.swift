import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Overwrites TCP options with no-operation. Kernel: `xt_TCPOPTSTRIP`, revision 0.
public enum TCPOptStripTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_tcpoptstrip_target_info`: one bit for each kind.
  public struct Info: BitwiseCopyable, Sendable {
    var kinds = InlineArray<8, UInt32>(repeating: 0)

    func contains(_ kind: UInt8) -> Bool { kinds[Int(kind >> 5)] & 1 << UInt32(kind & 31) != 0 }

    mutating func insert(_ kind: UInt8) { kinds[Int(kind >> 5)] |= 1 << UInt32(kind & 31) }

    var all: [UInt8] { (0...UInt8.max).filter(contains) }
  }

  private static let names: [(name: String, kind: UInt8)] = [
    ("wscale", TCPOptionKind.windowScale), ("mss", TCPOptionKind.maximumSegmentSize),
    ("sack-permitted", TCPOptionKind.sackPermitted), ("sack", TCPOptionKind.sack), ("timestamp", TCPOptionKind.timestamps),
    ("md5", TCPOptionKind.md5),
  ]

  public static let name = "TCPOPTSTRIP"
  public static let families: Families = .both
  public static let ending = TargetEnding.sometimes
  public static let summary = "overwrites TCP options with NOP"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle], protocols: [IPProtocol.tcp.rawValue]) }

  public static let options: [Option<Info>] = [
    Option(
      "--strip-options", arity: 1, placeholder: "option[,option...]", grammar: "tcp-option { \",\" tcp-option }",
      samples: ["2,3,4,5,6,7", "mss", "timestamp,255"], nearMisses: ["0", "1,2", "2,2", "256", "foo", ""], .plain,
      "the options, by number or name",
      read: { info, arguments throws(OptionError) in
        for part in arguments.token.split(on: ",") { info.insert(try kind(part, info)) }
      },
      write: { info, text in
        guard !info.all.isEmpty else { return }
        text.option("--strip-options")
        text.word(info.all.map(String.init).joined(separator: ","))
      })
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_tcpoptstrip_target_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--strip-options timestamp", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S opts=020405b40101080a0000000100000000",
      result: "packet: {opts: '020405b4010101010101010101010101'}", saved: "--strip-options 8", before: "-p tcp", table: .mangle),
    .accepts("", before: "-p tcp", table: .mangle),
    .accepts("--strip-options timestamp,mss", saved: "--strip-options 2,8", before: "-p tcp", table: .mangle),
    .rejects("--strip-options 1", before: "-p tcp", table: .mangle), .rejects("", table: .mangle),
  ]

  private static func kind(_ token: Token, _ info: Info) throws(OptionError) -> UInt8 {
    let number = names.first { token == $0.name }.map { UInt64($0.kind) } ?? token.unsigned
    guard let number, number <= 255 else {
      throw OptionError(
        "bad-value", "Bad TCP option value \"\(token.string)\"", at: token.range,
        hint: "give a number from 2 to 255, or one of \(names.map(\.name).joined(separator: ", "))")
    }
    guard number >= 2 else { throw OptionError("bad-value", "Option value may not be 0 or 1", at: token.range) }
    guard !info.contains(UInt8(number)) else {
      throw OptionError("bad-value", "Option \"\(token.string)\" already specified", at: token.range, hint: "name it once")
    }
    return UInt8(number)
  }

  /// The corresponding kernel function is `tcpoptstrip_mangle_packet`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    if info.all.isEmpty { return }
    let kinds = info.all.map { kind in (numeric ? nil : names.last { $0.kind == kind }?.name) ?? String(kind) }
    text.word("TCPOPTSTRIP options \(kinds.joined(separator: ","))")
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    guard !info.all.isEmpty else { return [] }
    let stripped = info.all.map { FieldEffect.change(.tcpOption($0), .unknown) }
    // Stripped options become no-operation.
    let others = FieldEffect.unknown(.tcpOption(TCPOptionKind.noOperation))
    return stripped + others + (info.contains(TCPOptionKind.maximumSegmentSize) ? FieldEffect.unknown(.maximumSegmentSize) : [])
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    guard let transport = packet.packet.transport, !transport.isTruncated else { return .verdict(.drop) }
    guard transport.fragmentOffset == 0 else { return .proceed }
    guard let header = TCPHeader(packet.packet.bytes, at: transport.offset), header.dataOffset >= TCPHeader.minimumLength,
      packet.packet.bytes.holds(header.dataOffset, at: transport.offset)
    else { return .verdict(.drop) }
    var at = TCPHeader.minimumLength
    while at < header.dataOffset - 1 {
      let kind = packet.packet.bytes[transport.offset + at]
      let claimed = packet.packet.bytes[transport.offset + at + 1]
      let length = kind <= TCPOptionKind.noOperation || claimed == 0 ? 1 : Int(claimed)
      guard at + length <= header.dataOffset else { break }
      if info.contains(kind) { packet.packet.blankTCPOption(at..<(at + length), of: transport.offset) }
      at += length
    }
    return .proceed
  }
}

extension Packet {
  /// Overwrites a range of a TCP header, counted from its start, with no-operation.
  fileprivate mutating func blankTCPOption(_ range: Range<Int>, of start: Int) {
    for at in range {
      guard let old = bytes.uint8(at: start + at), let checksum = bytes.uint16(at: start + TCPHeader.Offset.checksum) else { return }
      let shift: UInt16 = at % 2 == 0 ? 8 : 0
      bytes.setUInt8(TCPOptionKind.noOperation, at: start + at)
      bytes.setUInt16(
        Checksum.updated(checksum, from: UInt16(old) << shift, to: UInt16(TCPOptionKind.noOperation) << shift),
        at: start + TCPHeader.Offset.checksum)
    }
  }
}
