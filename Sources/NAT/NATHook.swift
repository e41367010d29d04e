public import Conntrack
public import Netfilter
public import Wire

extension ConntrackTable {
  /// The NAT operation at a hook. It runs the nat table's rules for the first packet of a connection.
  ///
  /// The rules' targets call `setUpNAT`. If none does, the null binding is set up. Then this packet and all later packets of the connection
  /// are translated, including packets quoted by ICMP errors. The corresponding kernel functions are `nf_nat_ipv4_fn`, `nf_nat_ipv6_fn` and
  /// `nf_nat_inet_fn`.
  /// - Parameters:
  /// - output: the index of the output interface; known at POSTROUTING only.
  /// - rules: runs the nat table's chain of the hook. Any verdict but `.accept` is returned at once.
  public func translate(
    packet: inout Packet, attachment: Attachment, hook: Hook, output: Int32? = nil,
    random: inout some RandomNumberGenerator, now: Instant, rules: (inout Packet) -> NetfilterVerdict
  ) -> NetfilterVerdict {
    guard case .connection(let handle, let info) = attachment, let status = status(of: handle) else { return .accept }
    let manip = Manip(hook)
    if info == .related || info == .relatedReply, let at = packet.transport,
      at.proto == (at.family == .ipv4 ? .icmp : .icmpv6)
    {
      guard let connection = self[handle] else { return .accept }
      return translateError(packet: &packet, at: at, connection, info, hook) ? .accept : .drop
    }
    if info != .established, info != .establishedReply, !status.contains(manip.doneStatus) {
      let verdict = rules(&packet)
      guard verdict == .accept else { return verdict }
      if !isNATSetUp(handle, manip) {
        let verdict = setUpNullBinding(handle, manip, random: &random, now: now)
        guard verdict == .accept else { return verdict }
      }
    } else if hook == .postrouting, info.direction == .original, let output,
      let masqueraded = masqueradeInterface(of: handle), masqueraded != output
    {
      // The route changed to another interface than the one the connection is masqueraded to.
      kill(handle, info.direction, bytes: packet.count, now: now)
      return .drop
    }
    return translateEstablished(packet: &packet, handle, info, manip)
  }

  /// Translates a packet by its connection's tuples. The corresponding kernel function is `nf_nat_packet`.
  private func translateEstablished(
    packet: inout Packet, _ handle: ConnectionHandle, _ info: ConnectionInfo, _ manip: Manip
  ) -> NetfilterVerdict {
    let needed = manip.status(info.direction)
    // Most packets need no translation at this hook; only for the others is the connection read as a whole.
    guard let status = status(of: handle), status.contains(needed), let connection = self[handle] else { return .accept }
    // The translated packet has the inverse of the tuple of its replies.
    guard let target = connection.tuple(info.direction.opposite).inverted() else { return .drop }
    return packet.translate(manip, to: target) ? .accept : .drop
  }

  /// Translates a packet of TCP or UDP of a settled connection as it is translated at PREROUTING, and then at POSTROUTING.
  ///
  /// - Parameter packet: a whole one with at least twenty bytes of its transport header, which is never refused.
  public func translateSettled(_ packet: inout Packet, _ handle: ConnectionHandle, _ direction: Direction) {
    guard let connection = self[handle], let target = connection.tuple(direction.opposite).inverted() else { return }
    for manip in [Manip.destination, .source] {
      if connection.status.contains(manip.status(direction)) { _ = packet.translate(manip, to: target) }
    }
  }

  /// Translates an ICMP error: first the quoted packet, which travelled in the opposite direction, then the error. False if it must
  /// be dropped.
  /// The corresponding kernel function is `nf_nat_icmp_reply_translation`.
  private func translateError(
    packet: inout Packet, at: TransportLocator, _ connection: Connection, _ info: ConnectionInfo, _ hook: Hook
  ) -> Bool {
    let manip = Manip(hook)
    guard let header = ICMPHeader(packet.bytes, at: at.offset) else { return false }
    if packet.isTransportChecksumValid == false { return false }
    let redirect: UInt8 = at.family == .ipv4 ? 5 : 137
    if header.type == redirect {
      // Drops an ICMP redirect for a translated connection: its addresses are wrong for the receiver.
      guard connection.status.isSuperset(of: .natDoneMask), connection.status.isDisjoint(with: .natMask) else { return false }
    }
    let needed = manip.status(info.direction)
    guard connection.status.contains(needed) else { return true }
    let answer = connection.tuple(info.direction.opposite)
    let quoted = at.offset + ICMPHeader.length
    guard packet.translate(manip.opposite, to: answer, at: quoted), let target = answer.inverted() else { return false }
    var outer = target
    outer.proto = at.proto
    if at.family == .ipv4 {
      packet.updateTransportChecksum()
      return packet.translate(manip, to: outer)
    }
    guard packet.translate(manip, to: outer) else { return false }
    packet.updateTransportChecksum()
    return true
  }

  /// The destination of a redirected connection before translation, as the socket options `SO_ORIGINAL_DST` and `IP6T_SO_ORIGINAL_DST`
  /// return it. Nil if no connection has these ends. The corresponding kernel function is `getorigdst`.
  public func originalDestination(
    proto: IPProtocol = .tcp, local: IPAddress, localPort: UInt16, peer: IPAddress, peerPort: UInt16, now: Instant
  ) -> (address: IPAddress, port: UInt16)? {
    guard proto == .tcp || proto == .sctp,
      let tuple = Tuple(proto: proto, source: local, sourceID: localPort, destination: peer, destinationID: peerPort),
      let found = find(tuple, now: now), let connection = self[found.handle]
    else { return nil }
    return (connection.original.destination, connection.original.destinationID)
  }
}
