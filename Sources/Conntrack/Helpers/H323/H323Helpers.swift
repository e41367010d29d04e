public import Netfilter
public import Wire

/// Expects the control and media channels of H.323 calls from their signalling. Kernel: `nf_conntrack_h323`.
public struct Q931Helper: ConntrackHelper {
  static let kernelName = "Q.931"
  /// The name by which target CT and `-m helper` refer to it.
  public let name = Q931Helper.kernelName
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto = IPProtocol.tcp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 1720
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(maximum: H323State.channels * 4 + 4, timeout: 240)]

  /// Creates the helper for one family.
  public init(family: Family) { self.family = family }

  /// The corresponding kernel function is `q931_help`.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    helpStream(&packet, at: offset, call) { exchange, range in
      exchange.userInformation(range).map { exchange.signal($0) }
    }
  }
}

/// Expects the media channels that H.245 opens, on connections that a call's signalling has announced. Kernel: `nf_conntrack_h323`.
public struct H245Helper: ConntrackHelper {
  static let kernelName = "H.245"
  /// The name by which target CT and `-m helper` refer to it.
  public let name = H245Helper.kernelName
  /// The family whose packets it reads.
  public let family: Family
  /// UDP, as the kernel registers it, although H.245 runs over TCP. Therefore no rule can assign this helper.
  public let proto = IPProtocol.udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 0
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(maximum: H323State.channels * 4 + 2, timeout: 240)]

  /// Creates the helper for one family.
  public init(family: Family) { self.family = family }

  /// The corresponding kernel function is `h245_help`.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    helpStream(&packet, at: offset, call) { exchange, range in
      var decoder = PERDecoder(H323Schema.schema, exchange.packet.bytes, range)
      return decoder.message(H323Schema.control).map { exchange.control($0) }
    }
  }
}

/// Expects calls that a gatekeeper routes to registered endpoints. Kernel: `nf_conntrack_h323`.
public struct RASHelper: ConntrackHelper {
  static let kernelName = "RAS"
  /// The name by which target CT and `-m helper` refer to it.
  public let name = RASHelper.kernelName
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto = IPProtocol.udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 1719
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(maximum: 32, timeout: 240)]

  /// Creates the helper for one family.
  public init(family: Family) { self.family = family }

  /// The corresponding kernel function is `ras_help`.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    let start = offset + UDPHeader.length
    guard start < packet.count else { return .accept }
    var exchange = H323Exchange(packet, at: offset, call)
    var decoder = PERDecoder(H323Schema.schema, packet.bytes, start..<packet.count)
    guard let message = decoder.message(H323Schema.ras) else { return .accept }
    let isSound = exchange.process(ras: message)
    packet = exchange.packet
    call.remember(.h323(exchange.state))
    return isSound ? .accept : .drop
  }
}

extension ConntrackHelper {
  /// Processes each message of a segment. At the first message that cannot be decoded, the rest of the segment passes unread.
  /// - Parameter process: returns nil for a message that cannot be decoded, false for a message to drop.
  fileprivate func helpStream(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ process: (inout H323Exchange, Range<Int>) -> Bool?
  ) -> NetfilterVerdict {
    guard call.isEstablished, let header = TCPHeader(packet.bytes, at: offset) else { return .accept }
    var exchange = H323Exchange(packet, at: offset, call)
    var reader = TPKTReader(packet.bytes, from: offset + header.dataOffset)
    var verdict = NetfilterVerdict.accept
    while verdict == .accept, let message = reader.next(&exchange.state.announcedLengths[call.direction]) {
      guard let isSound = process(&exchange, message) else { break }
      if !isSound { verdict = .drop }
    }
    packet = exchange.packet
    call.remember(.h323(exchange.state))
    return verdict
  }
}
