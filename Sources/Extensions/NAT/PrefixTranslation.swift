import Netfilter
import Wire
import XTables

/// Two IPv6 prefixes; the second replaces the first (RFC 6296). The corresponding kernel structure is `ip6t_npt_tginfo`.
public struct PrefixTranslation: BitwiseCopyable, Sendable {
  var source = InetAddress()
  var destination = InetAddress()
  var sourceLength: UInt8 = 0
  var destinationLength: UInt8 = 0
  /// The checksum adjustment; used by the kernel only.
  var adjustment: UInt16 = 0

  static let options: [Option<PrefixTranslation>] = [
    option("--src-pfx", \.source, \.sourceLength, "the prefix that is replaced"),
    option("--dst-pfx", \.destination, \.destinationLength, "the new prefix"),
  ]

  private static func option(
    _ name: String, _ address: any WritableKeyPath<Self, InetAddress> & Sendable,
    _ length: any WritableKeyPath<Self, UInt8> & Sendable, _ summary: String
  ) -> Option<PrefixTranslation> {
    let syntax = ValueSyntax.hostMask
    return Option(
      name, arity: 1, placeholder: "prefix/length", grammar: syntax.grammar, samples: ["2001:db8::/64", "fd00::/48"],
      nearMisses: ["2001:db8::/129", "x"], .mandatory, summary,
      read: { info, arguments throws(OptionError) in
        let network = try syntax.parse(arguments.token, arguments)
        info[keyPath: address] = network.address
        info[keyPath: length] = UInt8(AddressMask(mask: network.mask.bits(.ipv6)).prefix(.ipv6) ?? 128)
      },
      write: { info, text in
        guard info[keyPath: address].bits(.ipv6) != 0 || info[keyPath: length] != 0 else { return }
        text.option(name)
        text.word("\(info[keyPath: address].address(.ipv6))/\(info[keyPath: length])")
      })
  }

  /// The corresponding kernel function is `ip6t_npt_checkentry`.
  func check(_ target: String) throws(OptionError) {
    for (prefix, length) in [(source, sourceLength), (destination, destinationLength)] {
      guard length <= 64 else {
        throw .kernel("\(target): a prefix is longer than 64 bits", hint: "write at most /64")
      }
      let mask = AddressMask.mask(prefix: Int(length), .ipv6)
      guard prefix.bits(.ipv6) & ~mask == 0 else {
        throw .kernel("\(target): a prefix has bits outside its length", hint: "write these bits as zero")
      }
    }
  }

  /// The new address begins with the new prefix, up to the longer of the two lengths. The bits after that are unknown.
  var change: FieldChange {
    let mask = AddressMask.mask(prefix: Int(max(sourceLength, destinationLength)), .ipv6)
    let first = destination.bits(.ipv6) & mask
    return .range(first...(first | ~mask))
  }

  /// The corresponding kernel functions are `ip6t_snpt_tg` and `ip6t_dnpt_tg`.
  func translate(_ end: Packet.End, of packet: inout PacketContext) -> TargetOutcome {
    translateQuoted(end, &packet.packet)
    guard let old = end == .source ? packet.packet.source : packet.packet.destination else { return .verdict(.drop) }
    guard let new = mapped(old.bits) else {
      // The pointer of the parameter problem is the offset of the address field.
      packet.answerICMPError(type: 4, code: 0, information: end == .source ? 8 : 24)
      return .verdict(.drop)
    }
    packet.packet.setNetworkAddress(.v6(IPv6Address(rawValue: new)), of: end)
    return .proceed
  }

  /// Translates the address of the other end in the packet that an ICMPv6 error quotes.
  private func translateQuoted(_ end: Packet.End, _ packet: inout Packet) {
    guard packet.ipv6?.nextHeader == .icmpv6, let header = ICMPHeader(packet.bytes, at: IPv6Header.length),
      ICMPHeader.isErrorV6(type: header.type)
    else { return }
    let start = IPv6Header.length + ICMPHeader.length
    let field = start + (end == .source ? IPv6Header.Offset.destination : IPv6Header.Offset.source)
    guard packet.bytes.holds(IPv6Header.length, at: start), let old = packet.bytes.uint128(at: field) else { return }
    guard (old ^ source.bits(.ipv6)) & AddressMask.mask(prefix: Int(sourceLength), .ipv6) == 0, let new = mapped(old) else {
      return
    }
    packet.bytes.setUInt128(new, at: field)
  }

  /// The address with the other prefix, and one word adjusted so that checksums stay correct; nil if no word can be adjusted. The
  /// corresponding kernel function is `ip6t_npt_map_pfx`.
  private func mapped(_ address: UInt128) -> UInt128? {
    let length = Int(max(sourceLength, destinationLength))
    let mask = AddressMask.mask(prefix: length, .ipv6)
    let replaced = address & ~mask | destination.bits(.ipv6) & mask
    func word(_ index: Int, of bits: UInt128) -> UInt16 { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * index)) }
    let index = length <= 48 ? 3 : (4..<8).first { word($0, of: replaced) != 0xffff }
    guard let index else { return nil }
    func sum(_ bits: UInt128) -> UInt64 { (0..<8).reduce(0) { $0 + UInt64(word($1, of: bits)) } }
    let difference = UInt64(Checksum.fold(sum(source.bits(.ipv6)))) + UInt64(~Checksum.fold(sum(destination.bits(.ipv6))))
    var new = Checksum.fold(UInt64(word(index, of: replaced)) + difference)
    if new == 0xffff { new = 0 }
    let shift = UInt128(112 - 16 * index)
    return replaced & ~(0xffff << shift) | UInt128(new) << shift
  }
}
