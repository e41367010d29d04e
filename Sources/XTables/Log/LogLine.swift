import Wire

/// The log line of the kernel's packet logger, byte for byte. Every word ends in a blank, the last one included.
///
/// The corresponding kernel functions are `nf_log_ip_packet` and `nf_log_ip6_packet`.
public struct LogLine {
  var text = ""
  let bytes: [UInt8]
  let content: LogContent

  /// The log line of a packet, without a newline.
  ///
  /// - Parameter prefix: the text before the line, such as that of `--log-prefix`.
  public static func text(for context: PacketContext, prefix: String, content: LogContent) -> String {
    var line = LogLine(bytes: context.packet.bytes, content: content)
    line.add("\(prefix)IN=\(context.input?.name ?? "")", "OUT=\(context.output?.name ?? "")")
    if let port = context.physicalInput, port != context.input { line.add("PHYSIN=\(port.name)") }
    if let port = context.physicalOutput, port != context.output { line.add("PHYSOUT=\(port.name)") }
    if let input = context.input { line.addLink(context.packet.link, input, context.family) }
    let isWhole =
      context.family == .ipv4 ? line.addIPv4(at: 0, isQuoted: false) : line.addIPv6(at: 0, isQuoted: false)
    guard isWhole else { return line.text }
    if content.contains(.owner), let owner = context.owner, owner.hasFile {
      line.add("UID=\(owner.uid)", "GID=\(owner.gid)")
    }
    if context.mark != 0 { line.add("MARK=0x\(String(context.mark, radix: 16))") }
    return line.text
  }

  mutating func add(_ words: String...) {
    for word in words { text += word + " " }
  }

  /// Adds the link-layer header: its fields by name, or all its bytes.
  private mutating func addLink(_ link: LinkHeader?, _ input: Interface, _ family: Family) {
    if content.contains(.linkLayer) {
      guard let link else { return }
      add("MACSRC=\(link.source)", "MACDST=\(link.destination)", "MACPROTO=\(Self.hex(UInt32(link.etherType), digits: 4))")
      return
    }
    var header: [UInt8] = []
    if let link {
      header = link.destination.octets + link.source.octets
      header.appendUInt16(link.etherType)
    } else if input.name == "lo" {
      header = [UInt8](repeating: 0, count: 12)
      header.appendUInt16(family == .ipv4 ? 0x0800 : 0x86dd)
    }
    add("MAC=" + header.map { Hex.string([$0]) }.joined(separator: ":"))
  }

  /// Adds an IPv4 packet. Returns false if a header is truncated so that the kernel stops writing.
  mutating func addIPv4(at start: Int, isQuoted: Bool) -> Bool {
    guard let header = IPv4Header(bytes, at: start) else {
      text += "TRUNCATED"
      return false
    }
    add("SRC=\(header.source)", "DST=\(header.destination)", "LEN=\(header.totalLength)")
    add(
      "TOS=0x\(Self.upperHex(header.tos & 0x1e))", "PREC=0x\(Self.upperHex(header.tos & 0xe0))", "TTL=\(header.ttl)",
      "ID=\(header.identification)")
    if header.reservedFlag { add("CE") }
    if header.dontFragment { add("DF") }
    if header.moreFragments { add("MF") }
    if header.fragmentOffset != 0 { add("FRAG:\(header.fragmentOffset / 8)") }
    if content.contains(.ipOptions), header.headerLength > IPv4Header.minimumLength {
      let options = bytes.slice(at: start + IPv4Header.minimumLength, length: header.headerLength - IPv4Header.minimumLength)
      guard options.count == header.headerLength - IPv4Header.minimumLength else {
        text += "TRUNCATED"
        return false
      }
      addOptions(options)
    }
    return addTransport(
      header.proto, at: start + header.headerLength, .ipv4, isFragment: header.fragmentOffset != 0, isQuoted: isQuoted)
  }

  mutating func addOptions(_ options: ArraySlice<UInt8>) {
    add("OPT", "(" + options.map(Self.upperHex).joined() + ")")
  }

  mutating func addIncomplete(at start: Int) { add("INCOMPLETE", "[\(max(bytes.count - start, 0))", "bytes]") }

  static func upperHex(_ byte: UInt8) -> String { Hex.string([byte]).uppercased() }

  /// The number in lower-case hexadecimal, padded with zeroes.
  static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }
}
