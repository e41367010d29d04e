public import Netfilter
public import Wire

/// Expects the data connections of the Amanda backup protocol, named in `CONNECT DATA n MESG n INDEX n`. Kernel: `nf_conntrack_amanda`.
public struct AmandaHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "amanda"
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 10080
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(name: "amanda", maximum: 4, timeout: 180)]
  /// The timeout of the control connection after a request, in seconds: module parameter `master_timeout`.
  public var masterTimeout: UInt32

  /// Creates the helper.
  ///
  /// - Parameter masterTimeout: the timeout of the control connection after a request, in seconds.
  public init(family: Family, masterTimeout: UInt32 = 300) {
    self.family = family
    self.masterTimeout = masterTimeout
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard call.direction == .reply, let connection = call.state else { return .accept }
    call.table.extendTimeout(call.connection, seconds: masterTimeout, now: call.now)
    guard let text = PayloadText(packet, from: offset + UDPHeader.length), let connect = text.find("CONNECT ") else {
      return .accept
    }
    let start = connect + 8
    guard let stop = text.find("\n", from: start) else { return .accept }
    var shift = 0
    for word in ["DATA ", "MESG ", "INDEX ", "STATE "] as [String] {
      guard let place = text.find(word, from: start, to: stop) else { continue }
      let begin = place + word.utf8.count
      let (value, end) = text.number(at: begin, to: min(stop, begin + 5))
      let port = UInt16(truncatingIfNeeded: value)
      guard port != 0 else { break }
      let original = connection.original
      let expectation = Expectation(
        master: call.connection, proto: .tcp, source: original.source, sourceID: nil, destination: original.destination,
        destinationID: port, maker: call.helper)
      let before = packet.count
      let verdict = call.expect(expectation) {
        $0.amanda(&packet, at: offset, call, (begin + shift)..<(end + shift), expectation)
      }
      // A rewritten port can change the payload's length, so later positions shift.
      shift += packet.count - before
      guard verdict == .accept else { return verdict }
    }
    return .accept
  }
}
