public import Documents
public import Wire

extension Packet {
  /// The packet's fields as in the protocol's `pkt`, named as in a scenario's packet.
  public var labFields: JSONValue { .object(Packet.labFields(bytes, quoted: false)) }

  private static func labFields(_ bytes: [UInt8], quoted: Bool) -> JSONObject {
    let packet = Packet(bytes: bytes)
    guard let at = packet.transport, let source = packet.source, let destination = packet.destination else {
      return ["hex": .string(Hex.string(bytes))]
    }
    var fields: JSONObject = [
      "src": .string("\(source)"), "dst": .string("\(destination)"), "proto": .string("\(at.proto)"),
      "ttl": JSONValue(packet.ttl ?? 0), "tos": JSONValue(packet.tos ?? 0),
    ]
    if let header = packet.ipv4 {
      fields["len"] = .integer(header.totalLength)
      fields["ipid"] = JSONValue(header.identification)
      if header.dontFragment { fields["df"] = 1 }
    } else if let header = packet.ipv6 {
      fields["len"] = .integer(header.payloadLength + IPv6Header.length)
      if header.flowLabel != 0 { fields["flow"] = JSONValue(header.flowLabel) }
    }
    if at.fragmentOffset != 0 || at.moreFragments {
      fields["frag"] = [.integer(at.fragmentOffset), .integer(at.moreFragments ? 1 : 0)]
    }
    guard at.fragmentOffset == 0 else { return fields }
    packet.addTransport(at, to: &fields, quoted: quoted)
    return fields
  }

  private func addTransport(_ at: TransportLocator, to fields: inout JSONObject, quoted: Bool) {
    if let tcp {
      fields["sport"] = JSONValue(tcp.sourcePort)
      fields["dport"] = JSONValue(tcp.destinationPort)
      fields["seq"] = JSONValue(tcp.sequence)
      fields["ack"] = JSONValue(tcp.acknowledgment)
      fields["win"] = JSONValue(tcp.window)
      fields["flags"] = .string("\(tcp.flags)")
      if tcp.dataOffset > TCPHeader.minimumLength {
        let options = bytes.slice(at: at.offset &+ TCPHeader.minimumLength, length: tcp.dataOffset - TCPHeader.minimumLength)
        fields["opts"] = .string(Hex.string(options))
      }
      fields["payload"] = payload(from: at.offset &+ max(tcp.dataOffset, TCPHeader.minimumLength))
    } else if let icmp = icmp ?? icmpv6 {
      fields["type"] = JSONValue(icmp.type)
      fields["code"] = JSONValue(icmp.code)
      let isError = at.proto == .icmp ? ICMPHeader.isError(type: icmp.type) : ICMPHeader.isErrorV6(type: icmp.type)
      let rest = at.offset &+ ICMPHeader.length
      if isError {
        fields["mtu"] = JSONValue(at.proto == .icmp ? icmp.rest & 0xFFFF : icmp.rest)
        if !quoted, bytes.count > rest { fields["inner"] = .object(Packet.labFields(Array(bytes[rest...]), quoted: true)) }
      } else {
        fields["id"] = JSONValue(icmp.identifier)
        fields["iseq"] = JSONValue(icmp.sequence)
        if bytes.count > rest { fields["payload"] = payload(from: rest) }
      }
    } else if at.proto.hasPorts, let source = bytes.uint16(at: at.offset), let destination = bytes.uint16(at: at.offset &+ 2) {
      fields["sport"] = JSONValue(source)
      fields["dport"] = JSONValue(destination)
      fields["payload"] = payload(from: at.offset &+ (at.proto == .sctp ? SCTPHeader.length : UDPHeader.length))
    } else {
      fields["payload"] = payload(from: at.offset)
    }
  }

  /// One character for each byte, so that no byte is lost.
  private func payload(from offset: Int) -> JSONValue {
    .string(String(String.UnicodeScalarView(bytes.slice(at: offset).map { Unicode.Scalar($0) })))
  }
}
