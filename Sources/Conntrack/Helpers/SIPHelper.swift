public import Wire

/// What is remembered of a SIP signalling connection. Kernel: `nf_ct_sip_master`.
public struct SIPState: Sendable, Hashable {
  /// The sequence numbers of the last registration and the last invitation.
  var registration: UInt32 = 0
  var invitation: UInt32 = 0
  /// Where a phone that sends from another port wants its answers.
  var forcedPort: UInt16?
}

/// Expects the media streams of SIP calls, and calls for phones that have registered. Kernel: `nf_conntrack_sip`.
public struct SIPHelper: ConntrackHelper {
  public let name = "sip"
  public let family: AddressFamily
  public let proto: IPProtocol
  public let port: UInt16
  /// Classes: 0 signalling, 1 audio, 2 video, 3 image.
  public let policies = [
    ExpectationPolicy(name: "signalling", maximum: 1, timeout: 180), ExpectationPolicy(name: "audio", maximum: 4, timeout: 180),
    ExpectationPolicy(name: "video", maximum: 4, timeout: 180), ExpectationPolicy(name: "image", maximum: 2, timeout: 180),
  ]
  /// Seconds that signalling lives without a message: module parameter `sip_timeout`.
  public var timeout: UInt32 = 3600
  /// Calls come from the registrar alone: module parameter `sip_direct_signalling`.
  public var isSignallingDirect = true
  /// Media flow between the ends of the signalling alone: module parameter `sip_direct_media`.
  public var isMediaDirect = true

  public init(family: AddressFamily, proto: IPProtocol, port: UInt16 = 5060) {
    self.family = family
    self.proto = proto
    self.port = port
  }

  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    var start = offset + UDPHeader.length
    if proto == .tcp {
      guard call.isEstablished, let header = TCPHeader(packet.bytes, at: offset) else { return .accept }
      start = offset + header.dataOffset
    }
    guard start < packet.count else { return .accept }
    call.table.extendTimeout(call.connection, seconds: timeout, now: call.now)
    guard packet.count - start >= 11 else { return .accept }
    if proto == .udp {
      return PayloadText(packet, from: start).map { handle(SIPMessage(text: $0, family: family), call) } ?? .accept
    }
    // A segment may carry several messages, each as long as it says.
    while let text = PayloadText(packet, from: start) {
      let whole = SIPMessage(text: text, family: family)
      guard let length = whole.number(.contentLength).value, let mark = whole.end(ofNumber: .contentLength),
        let blank = text.find("\r\n\r\n", from: mark)
      else { return .accept }
      let end = blank + 4 + Int(length)
      guard end <= text.count, let part = PayloadText(packet, from: start, atMost: end) else { return .accept }
      let verdict = handle(SIPMessage(text: part, family: family), call)
      guard verdict == .accept else { return verdict }
      start += end
    }
    return .accept
  }

  // MARK: Messages

  private func handle(_ message: SIPMessage, _ call: HelperCall) -> NetfilterVerdict {
    var state = SIPState()
    if case .sip(let known) = call.memory { state = known }
    defer { call.remember(.sip(state)) }
    return message.text.has("SIP/2.0 ", at: 0, ignoringCase: true)
      ? handleResponse(message, &state, call) : handleRequest(message, &state, call)
  }

  /// The corresponding kernel function is `process_sip_request`.
  private func handleRequest(_ message: SIPMessage, _ state: inout SIPState, _ call: HelperCall) -> NetfilterVerdict {
    var inHeader = false
    if let own = call.state?.tuple(call.direction),
      let via = message.endpoint(.viaUDP, from: 0, inHeader: &inHeader).value, via.port != own.sourceID, via.address == own.source
    {
      state.forcedPort = via.port
    }
    for method in ["INVITE ", "UPDATE ", "ACK ", "PRACK ", "BYE ", "REGISTER "] as [StaticString] {
      let length = method.utf8CodeUnitCount
      guard message.text.has(method, at: 0, ignoringCase: true), let next = message.text[length],
        (0x61...0x7A).contains(PayloadText.lowered(next))
      else { continue }
      guard let sequence = message.number(.sequence).value else { return .drop }
      switch method.description {
      case "INVITE ":
        flush(media: true, call)
        let verdict = expectMedia(message, call)
        if verdict == .accept { state.invitation = sequence }
        return verdict
      case "BYE ":
        flush(media: true, call)
        return .accept
      case "REGISTER ":
        return register(message, sequence, &state, call)
      default:
        return expectMedia(message, call)
      }
    }
    return .accept
  }

  /// The corresponding kernel function is `process_sip_response`.
  private func handleResponse(_ message: SIPMessage, _ state: inout SIPState, _ call: HelperCall) -> NetfilterVerdict {
    guard let code = message.strictNumber(at: 8)?.value, code != 0, let sequence = message.number(.sequence).value,
      let end = message.end(ofNumber: .sequence)
    else { return .drop }
    if message.text.has("REGISTER", at: end + 1, ignoringCase: true) {
      return registered(message, code, sequence, state, call)
    }
    for method in ["INVITE", "UPDATE", "PRACK"] as [StaticString]
    where message.text.has(method, at: end + 1, ignoringCase: true) {
      if (100...299).contains(code) { return expectMedia(message, call) }
      if state.invitation == sequence { flush(media: true, call) }
      return .accept
    }
    return .accept
  }

  /// Takes back what is expected of media, or the newest of signalling. The corresponding kernel function is `flush_expectations`.
  private func flush(media: Bool, _ call: HelperCall) {
    for handle in call.table.expectations(of: call.connection).reversed() {
      guard let expectation = call.table.expectation(handle), (expectation.policyClass != 0) == media else { continue }
      call.table.unexpect(handle, now: call.now)
      if !media { return }
    }
  }

  // MARK: Registration

  /// The corresponding kernel function is `process_register_request`.
  private func register(
    _ message: SIPMessage, _ sequence: UInt32, _ state: inout SIPState, _ call: HelperCall
  ) -> NetfilterVerdict {
    guard let connection = call.state, !connection.status.contains(.expected) else { return .accept }
    var expires = message.number(.expires).value ?? 0
    var inHeader = false
    guard let contact = message.endpoint(.contact, from: 0, inHeader: &inHeader).value else { return .accept }
    // Nobody registers for another host.
    guard contact.address == connection.tuple(call.direction).source,
      let transport = message.transport(from: contact.range.upperBound, own: proto)
    else { return .accept }
    switch message.parameter("expires=", from: contact.range.upperBound) {
    case .malformed: return .drop
    case .missing: break
    case .found(let value): expires = value
    }
    if expires != 0 {
      let registrar = connection.tuple(call.direction.opposite).source
      var expectation = Expectation(
        master: call.connection, proto: transport, source: isSignallingDirect ? registrar : nil, sourceID: nil,
        destination: contact.address, destinationID: contact.port, maker: call.helper)
      expectation.helper = call.helper
      expectation.flags = [.permanent, .inactive]
      guard (try? call.table.expect(expectation, now: call.now)) != nil else { return .drop }
    }
    state.registration = sequence
    return .accept
  }

  /// The registrar's answer brings what was expected into force, or takes it back. The corresponding kernel function is
  /// `process_register_response`.
  private func registered(
    _ message: SIPMessage, _ code: UInt32, _ sequence: UInt32, _ state: SIPState, _ call: HelperCall
  ) -> NetfilterVerdict {
    guard state.registration == sequence, !(100...199).contains(code), let connection = call.state else { return .accept }
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
        case .found(let value): expires = value
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

  // MARK: Media

  /// The corresponding kernel function is `process_sdp`.
  private func expectMedia(_ message: SIPMessage, _ call: HelperCall) -> NetfilterVerdict {
    guard let session = message.sessionLine("v=", from: 0), PayloadText.isDigit(message.text[session] ?? 0) else { return .accept }
    let general = message.connectionAddress(from: session)
    var place = session
    var count = 0
    while count < 3, let media = message.sessionLine("m=", from: place) {
      place = media
      let kinds: [(StaticString, Int)] = [("audio ", 1), ("video ", 2), ("image ", 3)]
      guard let kind = kinds.first(where: { message.text.has($0.0, at: media) }) else { continue }
      place += kind.0.utf8CodeUnitCount
      // Port 0 stands for a stream that rests.
      guard let port = message.strictNumber(at: place)?.value, port != 0 else { continue }
      guard (1024...65535).contains(port), let address = message.connectionAddress(from: place) ?? general else { return .drop }
      let verdict = expectStream(address, UInt16(port), kind.1, call)
      guard verdict == .accept else { return verdict }
      count += 1
    }
    return .accept
  }

  /// Expects a stream and its control channel, on an even port and the odd one behind it. The corresponding kernel function is
  /// `set_expected_rtp_rtcp`.
  private func expectStream(_ address: IPAddress, _ port: UInt16, _ policyClass: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard let connection = call.state else { return .accept }
    var source: IPAddress?
    if isMediaDirect {
      guard address == connection.tuple(call.direction).source else { return .accept }
      source = connection.tuple(call.direction.opposite).source
    }
    let base = port & ~1
    var expected: ExpectationHandle?
    for stream in [base, base + 1] {
      let expectation = Expectation(
        master: call.connection, proto: .udp, source: source, sourceID: nil, destination: address, destinationID: stream,
        policyClass: policyClass, maker: call.helper)
      guard let handle = try? call.table.expect(expectation, now: call.now) else {
        if let expected { call.table.unexpect(expected, now: call.now) }
        return .drop
      }
      expected = handle
    }
    return .accept
  }
}
