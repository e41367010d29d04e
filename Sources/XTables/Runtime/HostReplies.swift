import Conntrack
import Netfilter
public import Wire

/// The packets that this host sends in answer to a packet.
///
/// Two values in them depend on secrets of the kernel and are zero here: the identification of an IPv4 packet that may be
/// fragmented, and the flow label of an ICMPv6 error.
extension PacketContext {
  /// Answers with an ICMP or ICMPv6 destination-unreachable error of the given code.
  ///
  /// The corresponding kernel functions are `nf_send_unreach` and `nf_send_unreach6`.
  public mutating func answerUnreachable(code: UInt8) {
    guard hasAnswerableChecksum else { return }
    answerICMPError(type: packet.family == .ipv4 ? 3 : 1, code: code)
  }

  /// Answers a TCP segment with a reset. Does nothing if the packet is no intact TCP segment, or is a reset itself.
  ///
  /// The corresponding kernel functions are `nf_send_reset` and `nf_send_reset6`.
  public mutating func answerReset() {
    guard let transport = packet.transport, transport.proto == .tcp, transport.fragmentOffset == 0, !transport.isTruncated,
      let segment = packet.tcp, !segment.flags.contains(.rst), let source = packet.source,
      let destination = packet.destination, believesSum || packet.hasValidSum(at: transport)
    else { return }
    guard isAnswerable(destination), family == .ipv4 || isUnicast(source) && isUnicast(destination) else { return }
    var fields = PacketFields(destination, source, proto: .tcp)
    (fields.sourcePort, fields.destinationPort) = (segment.destinationPort, segment.sourcePort)
    fields.identification = 0
    fields.dontFragment = true
    fields.window = 0
    if segment.flags.contains(.ack) {
      fields.sequence = segment.acknowledgment
      fields.tcpFlags = .rst
    } else {
      let data = packet.count - transport.offset - segment.dataOffset
      let flags: UInt32 = (segment.flags.contains(.syn) ? 1 : 0) + (segment.flags.contains(.fin) ? 1 : 0)
      fields.acknowledgment = segment.sequence &+ flags &+ UInt32(truncatingIfNeeded: data)
      fields.tcpFlags = [.rst, .ack]
    }
    send(fields)
    world.conntrack?.noteReset(answering: attachment, now: world.instant)
  }

  /// Sends an ICMP or ICMPv6 error about the packet, unless RFC 1122 or RFC 4443 forbids it or a rate limit applies.
  ///
  /// The corresponding kernel functions are `icmp_send` and `icmp6_send`.
  /// - Parameter information: the second word of the ICMP header: the MTU or the pointer.
  public mutating func answerICMPError(type: UInt8, code: UInt8, information: UInt32 = 0) {
    guard let source = packet.source, let destination = packet.destination, let transport = packet.transport else { return }
    if input ?? arrival != nil, packet.type != .host { return }
    let isAllowed = family == .ipv4 ? mayBeAnsweredIPv4(transport, destination) : mayBeAnsweredIPv6(transport, source, destination)
    guard isAllowed else { return }
    let sender: IPAddress
    switch errorSender(to: source, insteadOf: destination) {
    case .address(let found): sender = found
    case .none: return note { _ in .note("no ICMP error is sent to \(source): this host has no route or no address for it") }
    case .unknown:
      return note { _ in .note("an ICMP error is sent to \(source); its source address is unknown without the host's routes") }
    }
    var fields = PacketFields(sender, source, proto: family == .ipv4 ? .icmp : .icmpv6)
    fields.identification = 0
    (fields.icmpType, fields.icmpCode, fields.mtu) = (type, code, information)
    if family == .ipv4 {
      fields.tos = (packet.tos ?? 0) & 0x1e | 0xc0
      if packet.ipv4?.headerLength ?? 0 > IPv4Header.minimumLength {
        note { _ in .note("the ICMP error is simulated without the IP options that the kernel would copy into it") }
      }
    }
    let route = world.host.route(to: source, from: sender, mark: 0, input: nil, output: nil)
    let unit = route?.mtu ?? 1500
    let room =
      family == .ipv4 ? min(unit, 576) - IPv4Header.minimumLength - ICMPHeader.length : 1280 - IPv6Header.length - ICMPHeader.length
    guard room > IPv4Header.minimumLength else { return }
    guard world.mayAnswer(source, icmpType: type, code: code) else {
      return effects.append(.note("no ICMP error is sent to \(source): the ICMP rate limit is reached"))
    }
    fields.quoted = Array(bytesInMemory.prefix(room))
    send(fields)
  }

  private mutating func send(_ fields: PacketFields) {
    // Building fails only for a packet that is too long, which no answer is.
    if let reply = try? fields.packet() { effects.append(.reply(reply, attachment.answer)) }
  }

  /// Whether the destination permits an answer: none is sent for a packet to many hosts.
  private func isAnswerable(_ destination: IPAddress) -> Bool {
    guard family == .ipv4 else { return true }
    let type = world.host.addressType(destination, on: nil)
    return !destination.isMulticast && type != .broadcast && type != .multicast
  }

  private func isUnicast(_ address: IPAddress) -> Bool { !address.isMulticast && address.bits != 0 }

  private func mayBeAnsweredIPv4(_ transport: TransportLocator, _ destination: IPAddress) -> Bool {
    guard isAnswerable(destination), transport.fragmentOffset == 0 else { return false }
    guard transport.proto == .icmp else { return true }
    // No error answers an error or a message of unknown type.
    guard let type = packet.bytes.uint8(at: transport.offset) else { return false }
    return type <= 18 && !(1...7).contains(type) && !(9...12).contains(type)
  }

  private func mayBeAnsweredIPv6(_ transport: TransportLocator, _ source: IPAddress, _ destination: IPAddress) -> Bool {
    guard !destination.isMulticast, isUnicast(source), !world.host.isAnycast(source) else { return false }
    guard transport.proto == .icmpv6, !transport.isTruncated else { return true }
    guard let type = packet.bytes.uint8(at: transport.offset) else { return transport.fragmentOffset != 0 }
    return transport.fragmentOffset != 0 || type >= 128
  }

  /// The source address of an error: the packet's destination if that is an address of this host, otherwise the one the routes
  /// give.
  private func errorSender(to source: IPAddress, insteadOf destination: IPAddress) -> SourceAddress {
    guard let type = world.host.addressType(destination, on: nil) else { return .unknown }
    // The kernel's `icmp6_send` also uses an anycast destination as source. A copied packet may leave by another interface, and NAT at
    // OUTPUT may have turned the packet to this host: what counts is its route (`RTCF_LOCAL`).
    let routed = hook == .output ? reroutedOutput ?? output : output
    let leaves = family == .ipv4 && routed.map { $0.name != "lo" } == true
    // A destination that is only local by a route is no source for IPv6. Kernel: `ipv6_chk_addr`.
    let isOwn = type == .local && !leaves && (family == .ipv4 || world.host.holds(destination))
    if isOwn || type == .anycast && family == .ipv6 { return .address(destination) }
    if family == .ipv4, let input, world.host.sysctl("net.ipv4.icmp_errors_use_inbound_ifaddr") == 1 {
      let inbound = world.host.sourceAddress(through: input, to: source, onLink: true)
      if inbound != .none { return inbound }
    }
    guard let route = world.host.route(to: source, from: nil, mark: 0, input: nil, output: nil) else { return .unknown }
    guard let output = route.output else { return .none }
    // An ICMPv6 error has an address of the interface on which the packet, or the original of a copy, arrived. Kernel: `icmp6_send`.
    if family == .ipv6, let input = arrival ?? input,
      case .address(let near) = world.host.sourceAddress(through: input, to: source, onLink: false)
    {
      return .address(near)
    }
    if let own = route.preferredSource { return .address(own) }
    let chosen = world.host.sourceAddress(through: output, to: source, onLink: false)
    // A host without an IPv4 address sends from the dummy address of RFC 7600. Kernel: `INADDR_DUMMY`.
    return chosen == .none && family == .ipv4 ? .address(.v4(IPv4Address(rawValue: 0xC000_0008))) : chosen
  }

  /// Whether the checksum of the payload is right, or not checked for its protocol.
  ///
  /// The corresponding kernel functions are `nf_reject_verify_csum` and `nf_ip_checksum`.
  private var hasAnswerableChecksum: Bool {
    guard let transport = packet.transport, transport.fragmentOffset == 0 else { return false }
    if family == .ipv6, transport.isTruncated || transport.offset >= packet.count { return false }
    switch transport.proto {
    case .ah, .esp, .sctp, .udplite: return true
    case .udp where packet.udp?.checksum == 0: return true
    case .gre where packet.gre.map({ $0.flags & 0x8000 == 0 }) ?? false: return true
    default: return believesSum || packet.hasValidSum(at: transport)
    }
  }

  /// Whether a sum that was computed before is taken for right: at OUTPUT, where copies of received packets come by.
  ///
  /// The corresponding kernel functions are `nf_ip_checksum` and `nf_ip6_checksum`.
  private var believesSum: Bool { hasComputedSum && hook == .output }
}

extension World {
  /// The TTL of packets of this host, or the hop limit of those that leave through an interface. Kernel: `ip4_dst_hoplimit`,
  /// `ip6_dst_hoplimit`.
  public func hopLimit(_ family: Family, through output: Interface?) -> UInt8 {
    let name = family == .ipv4 ? "net.ipv4.ip_default_ttl" : "net.ipv6.conf.\(output?.name ?? "default").hop_limit"
    return UInt8(clamping: host.sysctl(name) ?? 64)
  }

  /// Whether the rate limits permit an ICMP message now. A permitted message uses up part of the limits.
  ///
  /// The corresponding kernel functions are `icmpv4_xrlim_allow` and `icmpv6_xrlim_allow`.
  public func mayAnswer(_ destination: IPAddress, icmpType type: UInt8, code: UInt8) -> Bool {
    guard let policy = host.icmpRateLimit(type: type, code: code, to: destination) else { return true }
    return icmpRateLimit.allows(to: destination, policy, now: now, random: &random)
  }
}

extension Packet {
  /// Whether the checksum over everything from the transport header on is right. Over IPv4 only TCP and UDP have a pseudo header.
  fileprivate func hasValidSum(at transport: TransportLocator) -> Bool {
    guard transport.offset <= count else { return false }
    // Over IPv4 the kernel includes the IP header, whose own sum is all ones, so that a payload of zeroes is right as well. That
    // does not hold if IP options, such as a recorded route, were changed on the way.
    var pseudo: UInt64 = family == .ipv4 ? 0 : 0xffff
    if family == .ipv6 || transport.proto == .tcp || transport.proto == .udp {
      guard let sum = pseudoHeaderSum(protocol: transport.proto, length: count - transport.offset) else { return false }
      pseudo += sum
    }
    return Checksum.compute(bytes, in: (family == .ipv4 ? 0 : transport.offset)..<count, initial: pseudo) == 0
  }
}
