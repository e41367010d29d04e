import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Lowers or adds the MSS option of a TCP SYN. Kernel: `xt_TCPMSS`, revision 0.
public enum TCPMSSTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_tcpmss_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var size: UInt16 = 0
  }

  /// `XT_TCPMSS_CLAMP_PMTU`.
  private static let clamps: UInt16 = 0xffff

  public static let name = "TCPMSS"
  public static let families: Families = .both
  public static let ending = TargetEnding.sometimes
  public static let summary = "sets or lowers the maximum segment size in a TCP SYN"
  public static let needs: [HostFact] = [.routes]
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [IPProtocol.tcp.rawValue]) }

  public static let options: [Option<Info>] = [
    Option(
      "--set-mss", arity: 1, placeholder: "value", grammar: "number", samples: ["0", "1400", "65495"],
      nearMisses: ["-1", "65516", "x"], .plain, "the size in bytes",
      read: { info, arguments throws(OptionError) in
        // The greatest length without the IP header.
        let header: UInt16 = arguments.draft.family == .ipv4 ? 20 : 40
        info.size = try ValueSyntax.unsigned(0...(UInt16.max - header)).parse(arguments.token, arguments)
      },
      write: { info, text in
        guard info.size != clamps else { return }
        text.option("--set-mss")
        text.word(String(info.size))
      }),
    Option(
      flag: "--clamp-mss-to-pmtu", present: Presence(get: { $0.size == clamps }, set: { $0.size = clamps }), .plain,
      "limit the MSS to the path MTU of both directions"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_tcpmss_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--set-mss 1400", on: "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S opts=020405b4", result: "packet: {opts: '02040578'}",
      before: "-p tcp -m tcp --tcp-flags SYN,RST SYN", table: .mangle),
    .rejects("", before: "-p tcp", table: .mangle), .rejects("--set-mss 1400", before: "-p tcp", table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "TCPMSS target: At least one parameter is required") }
  }

  /// The corresponding kernel function is `tcpmss_tg4_check`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word(info.size == clamps ? "TCPMSS clamp to PMTU" : "TCPMSS set \(info.size)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.size == clamps, !site.hooks.isSubset(of: [.forward, .output, .postrouting]) {
      throw .kernel(
        "TCPMSS: --clamp-mss-to-pmtu needs a route, so it cannot be used from PREROUTING or INPUT",
        hint: "move the rule to FORWARD, OUTPUT or POSTROUTING")
    }
    let looksForSYN = site.matches.contains { use in
      use.descriptor.kernelName == TCPMatch.name
        && Payload.load(TCPMatch.Info.self, from: use.payload)?.requiresFlags(0x02) == true
    }
    if !looksForSYN {
      throw .kernel("TCPMSS: the rule must match SYN packets only", hint: "put -p tcp --tcp-flags SYN,RST SYN before it")
    }
  }

  /// The corresponding kernel function is `tcpmss_mangle_packet`.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    FieldEffect.unknown(.maximumSegmentSize, .tcpOption(TCPOptionKind.maximumSegmentSize), .datagramLength)
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    guard let transport = packet.packet.transport, !transport.isTruncated else { return .verdict(.drop) }
    guard transport.fragmentOffset == 0 else { return .proceed }
    let length = packet.packet.count - transport.offset
    guard let header = TCPHeader(packet.packet.bytes, at: transport.offset), header.dataOffset >= TCPHeader.minimumLength,
      header.dataOffset <= length
    else { return .verdict(.drop) }
    var size = info.size
    if size == clamps {
      guard let unit = pathMTU(&packet) else {
        return .unknown(UnknownReason("-j TCPMSS --clamp-mss-to-pmtu", lacking: .routes))
      }
      let overhead = (packet.family == .ipv4 ? 20 : 40) + TCPHeader.minimumLength
      guard unit > overhead else { return .verdict(.drop) }
      size = UInt16(clamping: unit - overhead)
    }
    if let place = option(in: packet.packet.bytes, transport.offset, header) {
      let old = packet.packet.bytes.uint16(at: place) ?? 0
      if old > size { packet.packet.replaceTCPWord(size, at: place) }
      return .proceed
    }
    // The option is not inserted if there is data after the header, or if the header has its maximum length.
    guard length == header.dataOffset, header.dataOffset < 60 else { return .proceed }
    packet.packet.insertTCPOption(maximumSegmentSize: min(size, packet.family == .ipv4 ? 536 : 1220), at: transport.offset)
    return .proceed
  }

  /// The smaller path MTU of the two directions.
  private static func pathMTU(_ packet: inout PacketContext) -> Int? {
    guard let source = packet.packet.source, let destination = packet.packet.destination,
      let forward = packet.world.host.route(
        to: destination, from: source, mark: packet.mark, input: packet.input, output: packet.output),
      let backward = packet.world.host.route(to: source, from: nil, mark: 0, input: nil, output: nil)
    else { return nil }
    return backward.output == nil && backward.type != .local ? forward.mtu : min(forward.mtu, backward.mtu)
  }

  /// The position of the option's value. As the kernel: an option with an invalid length is skipped byte by byte.
  private static func option(in bytes: [UInt8], _ start: Int, _ header: TCPHeader) -> Int? {
    var at = TCPHeader.minimumLength
    while at <= header.dataOffset - 4 {
      guard let kind = bytes.uint8(at: start + at), let length = bytes.uint8(at: start + at + 1) else { return nil }
      if kind == TCPOptionKind.maximumSegmentSize, length == 4 { return start + at + 2 }
      at += kind <= TCPOptionKind.noOperation || length == 0 ? 1 : Int(length)
    }
    return nil
  }
}

extension Packet {
  /// Replaces a 16-bit word at an even or odd offset of the TCP header and updates the checksum.
  fileprivate mutating func replaceTCPWord(_ value: UInt16, at place: Int) {
    guard let transport, let old = bytes.uint16(at: place) else { return }
    bytes.setUInt16(value, at: place)
    adjustTCPChecksum(transport.offset, from: old, to: value)
  }

  private mutating func adjustTCPChecksum(_ start: Int, from old: UInt16, to new: UInt16) {
    guard let checksum = bytes.uint16(at: start + TCPHeader.Offset.checksum) else { return }
    bytes.setUInt16(Checksum.updated(checksum, from: old, to: new), at: start + TCPHeader.Offset.checksum)
  }

  /// Inserts the option directly after the fixed header. The packet has no data.
  fileprivate mutating func insertTCPOption(maximumSegmentSize size: UInt16, at start: Int) {
    let length = bytes.count - start
    guard let word = bytes.uint16(at: start + TCPHeader.Offset.dataOffset) else { return }
    var option: [UInt8] = [TCPOptionKind.maximumSegmentSize, 4]
    option.appendUInt16(size)
    bytes.insert(contentsOf: option, at: start + TCPHeader.minimumLength)
    adjustTCPChecksum(start, from: UInt16(clamping: length), to: UInt16(clamping: length + 4))
    adjustTCPChecksum(start, from: 0, to: 0x0204)
    adjustTCPChecksum(start, from: 0, to: size)
    // The data offset counts words in its upper four bits.
    bytes.setUInt16(word &+ 0x1000, at: start + TCPHeader.Offset.dataOffset)
    adjustTCPChecksum(start, from: word, to: word &+ 0x1000)
    updateLengthField()
  }
}
