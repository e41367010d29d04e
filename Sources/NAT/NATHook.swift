public import Conntrack
public import Wire

extension ConntrackTable {
  /// The operation of address translation at a hook, around the rules of the nat table.
  ///
  /// The first packet of a connection is shown to the rules, whose targets call `setUpNAT`; when none of them does, the null binding is set up.
  /// That packet and all later ones are then translated, and the packets that ICMP errors quote with them. The corresponding kernel functions
  /// are `nf_nat_ipv4_fn`, `nf_nat_ipv6_fn` and `nf_nat_inet_fn`.
  /// - Parameters:
  ///   - output: the index of the interface the packet leaves through, known at POSTROUTING alone.
  ///   - rules: runs the nat table's chain of the hook; anything but `.accept` ends the operation with that verdict.
  public func translate(
    packet: inout Packet, attachment: Attachment, hook: Hook, output: Int32? = nil,
    random: inout some RandomNumberGenerator, now: Instant, rules: (inout Packet) -> NetfilterVerdict
  ) -> NetfilterVerdict {
    guard case .connection(let handle, let info) = attachment, let connection = self[handle] else { return .accept }
    let manip = Manip(hook)
    if info == .related || info == .relatedReply, let at = packet.transport,
      at.proto == (at.family == .ipv4 ? .icmp : .icmpv6)
    {
      return translateError(packet: &packet, at: at, connection, info, hook) ? .accept : .drop
    }
    if info != .established, info != .establishedReply, !connection.status.contains(manip.doneStatus) {
      let verdict = rules(&packet)
      guard verdict == .accept else { return verdict }
      if !isNATSetUp(handle, manip) {
        let verdict = setUpNullBinding(handle, manip, random: &random, now: now)
        guard verdict == .accept else { return verdict }
      }
    } else if hook == .postrouting, info.direction == .original, let output,
      let masqueraded = masqueradeInterface(of: handle), masqueraded != output
    {
      // The route has moved to another interface, whose address the connection does not use.
      kill(handle, info.direction, bytes: packet.count, now: now)
      return .drop
    }
    return translateEstablished(packet: &packet, handle, info, manip)
  }

  /// Translates a packet as its connection was set up. The corresponding kernel function is `nf_nat_packet`.
  private func translateEstablished(
    packet: inout Packet, _ handle: ConnectionHandle, _ info: ConnectionInfo, _ manip: Manip
  ) -> NetfilterVerdict {
    guard let connection = self[handle] else { return .accept }
    let needed = info.direction == .original ? manip.status : manip.opposite.status
    guard connection.status.contains(needed) else { return .accept }
    // The packet is to look like the inverse of what answers it.
    guard let target = connection.tuple(info.direction.opposite).inverted() else { return .drop }
    return packet.translate(manip, to: target) ? .accept : .drop
  }

  /// Translates an ICMP error: the packet it quotes, which went the other way, and then itself. False when it must be dropped.
  /// The corresponding kernel function is `nf_nat_icmp_reply_translation`.
  private func translateError(
    packet: inout Packet, at: TransportLocator, _ connection: Connection, _ info: ConnectionInfo, _ hook: Hook
  ) -> Bool {
    let manip = Manip(hook)
    guard let header = ICMPHeader(packet.bytes, at: at.offset) else { return false }
    if packet.isTransportChecksumValid == false { return false }
    let redirect: UInt8 = at.family == .ipv4 ? 5 : 137
    if header.type == redirect {
      // A redirect for a translated connection would tell the wrong thing to the wrong host.
      guard connection.status.isSuperset(of: .natDoneMask), connection.status.isDisjoint(with: .natMask) else { return false }
    }
    let needed = info.direction == .original ? manip.status : manip.opposite.status
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

  /// Where a connection was addressed before it was redirected to a socket here, as `SO_ORIGINAL_DST` and `IP6T_SO_ORIGINAL_DST` tell.
  /// Nil when no connection has these ends. The corresponding kernel function is `getorigdst`.
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
