public import Netfilter
public import Wire

/// The state of a SIP signalling connection. Kernel: `nf_ct_sip_master`.
public struct SIPState: Sendable, Hashable {
  /// The sequence numbers of the last registration and the last invitation.
  var registration: UInt32 = 0
  var invitation: UInt32 = 0
  /// The port to which replies go, if the phone sends from another port.
  package var forcedPort: UInt16?
}

/// Expects the media streams of SIP calls, and calls to registered phones. Kernel: `nf_conntrack_sip`.
public struct SIPHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "sip"
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// Classes: 0 signalling, 1 audio, 2 video, 3 image.
  public let policies = [
    ExpectationPolicy(name: "signalling", maximum: 1, timeout: 180), ExpectationPolicy(name: "audio", maximum: 4, timeout: 180),
    ExpectationPolicy(name: "video", maximum: 4, timeout: 180), ExpectationPolicy(name: "image", maximum: 2, timeout: 180),
  ]
  /// The timeout of signalling connections, in seconds: module parameter `sip_timeout`.
  public var timeout: UInt32 = 3600
  /// If true, calls are expected from the registrar only: module parameter `sip_direct_signalling`.
  public var isSignallingDirect = true
  /// If true, media is expected between the ends of the signalling only: module parameter `sip_direct_media`.
  public var isMediaDirect = true

  /// Creates the helper for one family and transport.
  public init(family: Family, proto: IPProtocol, port: UInt16 = 5060) {
    self.family = family
    self.proto = proto
    self.port = port
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    var start = offset + UDPHeader.length
    if proto == .tcp {
      guard call.isEstablished, let header = TCPHeader(packet.bytes, at: offset) else { return .accept }
      start = offset + header.dataOffset
    }
    guard start < packet.count else { return .accept }
    call.table.extendTimeout(call.connection, seconds: timeout, now: call.now)
    guard packet.count - start >= 11 else { return .accept }
    if proto == .tcp { return helpStream(&packet, at: offset, from: start, call) }
    return handle(&packet, at: offset, call, from: start, count: packet.count - start).verdict
  }

  /// Processes each message of a segment; Content-Length gives its length. The corresponding kernel function is `sip_help_tcp`.
  private func helpStream(_ packet: inout Packet, at offset: Int, from first: Int, _ call: HelperCall) -> NetfilterVerdict {
    let sequence = TCPHeader(packet.bytes, at: offset)?.sequence ?? 0
    var start = first
    var growth = 0
    while let text = PayloadText(packet, from: start) {
      let whole = SIPMessage(text: text, family: family, isTCP: proto == .tcp)
      guard let digits = whole.digits(of: .contentLength), let length = whole.strictNumber(at: digits.lowerBound)?.value,
        Int(length) <= text.count, let blank = text.find("\r\n\r\n", from: digits.upperBound)
      else { break }
      let end = blank + 4 + Int(length)
      // As the kernel: length changes of earlier messages in the segment are then not recorded.
      guard end <= text.count else { return .accept }
      let (verdict, count) = handle(&packet, at: offset, call, from: start, count: end)
      guard verdict == .accept else { return verdict }
      growth += count - end
      start += count
    }
    if let status = call.state?.status, !status.isDisjoint(with: .natMask), call.table.helperNAT != nil {
      call.table.noteSequence(call.connection, call.direction, sequence: sequence, grewBy: Int32(truncatingIfNeeded: growth))
    }
    return .accept
  }

  // MARK: Messages

  /// Processes one message.
  /// - Returns: the message's length afterwards.
  private func handle(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, from start: Int, count: Int
  ) -> (verdict: NetfilterVerdict, count: Int) {
    guard var exchange = SIPExchange(packet, at: offset, call, from: start, count: count, self) else { return (.accept, count) }
    var verdict =
      exchange.message.text.has("SIP/2.0 ", at: 0, ignoringCase: true)
      ? handleResponse(&exchange) : handleRequest(&exchange)
    if verdict == .accept, let nat = exchange.companion { verdict = nat.sip(&exchange) }
    packet = exchange.packet
    call.remember(.sip(exchange.state))
    return (verdict, exchange.count)
  }

  /// The corresponding kernel function is `process_sip_request`.
  private func handleRequest(_ exchange: inout SIPExchange) -> NetfilterVerdict {
    let (message, call) = (exchange.message, exchange.call)
    if let own = call.state?.tuple(call.direction), let via = message.endpoint(.viaUDP), via.port != own.sourceID, via.address == own.source
    {
      exchange.state.forcedPort = via.port
    }
    for method in ["INVITE ", "UPDATE ", "ACK ", "PRACK ", "BYE ", "REGISTER "] as [String] {
      let length = method.utf8.count
      guard message.text.has(method, at: 0, ignoringCase: true), let next = message.text[length],
        (0x61...0x7A).contains(PayloadText.lowered(next))
      else { continue }
      guard let sequence = message.number(.sequence).value else { return .drop }
      switch method {
      case "INVITE ":
        flush(media: true, call)
        let verdict = expectMedia(&exchange)
        if verdict == .accept { exchange.state.invitation = sequence }
        return verdict
      case "BYE ":
        flush(media: true, call)
        return .accept
      case "REGISTER ":
        return register(&exchange, sequence)
      default:
        return expectMedia(&exchange)
      }
    }
    return .accept
  }

  /// The corresponding kernel function is `process_sip_response`.
  private func handleResponse(_ exchange: inout SIPExchange) -> NetfilterVerdict {
    let (message, call) = (exchange.message, exchange.call)
    guard let code = message.strictNumber(at: 8)?.value, code != 0, let sequence = message.number(.sequence).value,
      let end = message.digits(of: .sequence)?.upperBound
    else { return .drop }
    if message.text.has("REGISTER", at: end + 1, ignoringCase: true) {
      return registered(exchange, code, sequence)
    }
    for method in ["INVITE", "UPDATE", "PRACK"] as [String]
    where message.text.has(method, at: end + 1, ignoringCase: true) {
      if (100...299).contains(code) { return expectMedia(&exchange) }
      if exchange.state.invitation == sequence { flush(media: true, call) }
      return .accept
    }
    return .accept
  }

  /// Removes the expectations of media, or the newest expectation of signalling. The corresponding kernel function is
  /// `flush_expectations`.
  private func flush(media: Bool, _ call: HelperCall) {
    for handle in call.table.expectations(of: call.connection).reversed() {
      guard let expectation = call.table.expectation(handle), (expectation.policyClass != 0) == media else { continue }
      call.table.unexpect(handle, now: call.now)
      if !media { return }
    }
  }

  // MARK: Registration

  /// The corresponding kernel function is `process_register_request`.
  private func register(_ exchange: inout SIPExchange, _ sequence: UInt32) -> NetfilterVerdict {
    let (message, call) = (exchange.message, exchange.call)
    guard let connection = call.state, !connection.status.contains(.expected) else { return .accept }
    var expires = message.number(.expires).value ?? 0
    guard let contact = message.endpoint(.contact) else { return .accept }
    // A phone may register only its own address.
    guard contact.address == connection.tuple(call.direction).source,
      let transport = message.transport(from: contact.range.upperBound, own: proto)
    else { return .accept }
    switch message.parameter("expires=", from: contact.range.upperBound) {
    case .malformed: return .drop
    case .missing: break
    case .found(let parameter): expires = parameter.value
    }
    var verdict = NetfilterVerdict.accept
    if expires != 0 {
      let registrar = connection.tuple(call.direction.opposite).source
      var expectation = Expectation(
        master: call.connection, proto: transport, source: isSignallingDirect ? registrar : nil, sourceID: nil,
        destination: contact.address, destinationID: contact.port, maker: call.helper)
      expectation.helper = call.helper
      expectation.flags = [.permanent, .inactive]
      if let nat = exchange.companion {
        verdict = nat.sipExpects(&exchange, expectation, contact.range)
      } else if (try? call.table.expect(expectation, now: call.now)) == nil {
        verdict = .drop
      }
    }
    if verdict == .accept { exchange.state.registration = sequence }
    return verdict
  }

  /// Activates or removes the expectations of a registration, by the registrar's response. The corresponding kernel function is
  /// `process_register_response`.
  private func registered(_ exchange: SIPExchange, _ code: UInt32, _ sequence: UInt32) -> NetfilterVerdict {
    let (message, call) = (exchange.message, exchange.call)
    guard exchange.state.registration == sequence, !(100...199).contains(code), let connection = call.state else { return .accept }
    if (200...299).contains(code) {
      let general = message.number(.expires).value ?? 0
      var place = 0
      var inHeader = false
      while let contact = message.endpoint(.contact, from: place, inHeader: &inHeader).value {
        place = contact.range.upperBound
        guard contact.address == connection.tuple(call.direction).destination,
          let transport = message.transport(from: place, own: proto)
        else { continue }
        var expires = general
        switch message.parameter("expires=", from: place) {
        case .malformed: return .drop
        case .missing: break
        case .found(let parameter): expires = parameter.value
        }
        if expires == 0 { break }
        if activate(contact, transport, seconds: expires, call) { return .accept }
      }
    }
    flush(media: false, call)
    return .accept
  }

  /// The corresponding kernel function is `refresh_signalling_expectation`.
  private func activate(_ contact: SIPMessage.Endpoint, _ transport: IPProtocol, seconds: UInt32, _ call: HelperCall) -> Bool {
    for handle in call.table.expectations(of: call.connection) {
      guard let expectation = call.table.expectation(handle), expectation.policyClass == 0,
        expectation.tuple.destination == contact.address, expectation.tuple.destinationID == contact.port,
        expectation.tuple.proto == transport
      else { continue }
      call.table.change(handle) {
        $0.flags.remove(.inactive)
        $0.expiry = call.now.adding(seconds: seconds)
      }
      return true
    }
    return false
  }
}
