package import Wire

/// A socket of the calling thread's network namespace that waits for packets: a TCP listener, or a UDP socket without a peer.
package struct ListeningSocket: Sendable, Hashable {
  /// TCP or UDP.
  package let proto: IPProtocol
  /// The local address; that of a socket of IPv6 may stand for IPv4 (`::ffff:10.0.0.1`).
  package let address: IPAddress
  package let port: UInt16
  /// The interface that it is bound to.
  package let device: String?
  /// True if a socket of IPv6 receives no IPv4 (`IPV6_V6ONLY`).
  package let isIPv6Only: Bool
  package let uid: UInt32

  /// `SOCK_DIAG_BY_FAMILY`.
  private static let byFamily: UInt16 = 20
  /// `TCP_LISTEN`, and for a UDP socket without a peer `TCP_CLOSE`.
  private static let states: [(IPProtocol, UInt32)] = [(.tcp, 1 << 10), (.udp, 1 << 7)]
  /// `INET_DIAG_SKV6ONLY`.
  private static let ownFamilyOnly: UInt16 = 11

  /// All of them. The corresponding kernel function is `inet_diag_dump`.
  package static func all() throws(KernelError) -> [ListeningSocket] {
    var socket = try NetlinkSocket(.socketDiagnosis)
    let names = HostInterfaces.names()
    var found: [ListeningSocket] = []
    for (proto, state) in states {
      for family in Family.allCases {
        var question = NetlinkMessage(type: byFamily)
        question.body = [family.rawValue, proto.rawValue, 0, 0]
        question.body.appendHostWord(state)
        question.body += [UInt8](repeating: 0, count: 48)
        for answer in try socket.dump(question, what: "listing sockets") {
          if let entry = ListeningSocket(answer, proto, family, names) { found.append(entry) }
        }
      }
    }
    return found
  }

  /// Reads a `struct inet_diag_msg`; nil if the socket has a peer.
  private init?(_ message: NetlinkMessage, _ proto: IPProtocol, _ family: Family, _ names: [UInt32: String]) {
    let body = message.body
    let bits: UInt128? = family == .ipv4 ? body.uint32(at: 8).map { UInt128($0) } : body.uint128(at: 8)
    guard let bits, let port = body.uint16(at: 4), body.uint16(at: 6) == 0, let device = body.hostWord(UInt32.self, at: 40),
      let uid = body.hostWord(UInt32.self, at: 64)
    else { return nil }
    (self.proto, self.port, self.uid) = (proto, port, uid)
    address = IPAddress(family: family, bits: bits)
    self.device = device == 0 ? nil : names[device]
    isIPv6Only = family == .ipv6 && message.attributes(from: 72).uint8(Self.ownFamilyOnly) == 1
  }
}
