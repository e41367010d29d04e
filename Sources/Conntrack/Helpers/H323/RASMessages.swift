import Wire

/// The addresses in registration, admission and status messages (ITU-T H.225.0 §7.7 and following).
extension H323Exchange {
  /// The lifetime of a registration that names none, in seconds: module parameter `default_rrq_ttl`.
  private static let registrationTime: UInt32 = 300

  /// The corresponding kernel function is `process_ras`.
  mutating func process(ras message: PERValue) -> Bool {
    guard let kind = message.choice, let content = message[kind] else { return true }
    switch kind {
    case "gatekeeperRequest": return setRAS([content["rasAddress"]])
    case "gatekeeperConfirm": return confirmGatekeeper(content)
    case "registrationRequest": return requestRegistration(content)
    case "registrationConfirm": return confirmRegistration(content)
    case "unregistrationRequest": return requestUnregistration(content)
    case "admissionRequest": return requestAdmission(content)
    case "admissionConfirm": return confirmAdmission(content)
    case "locationRequest": return setRAS([content["replyAddress"]])
    case "locationConfirm": return expectCall(to: transport(content["callSignalAddress"]))
    case "infoRequestResponse": return setRAS([content["rasAddress"]]) && setSignal(addresses(content))
    default: return true
    }
  }

  private func addresses(_ content: PERValue) -> [PERValue?] { (content["callSignalAddress"]?.items ?? []).map { $0 } }

  private mutating func setRAS(_ values: [PERValue?]) -> Bool {
    let endpoints = values.map { transport($0) }
    return companion?.h323(&self, ras: endpoints) ?? true
  }

  private mutating func setSignal(_ values: [PERValue?]) -> Bool {
    let endpoints = values.map { transport($0) }
    return companion?.h323(&self, signal: endpoints) ?? true
  }

  /// Handles a gatekeeper that names another address for registrations. The corresponding kernel function is `process_gcf`.
  private mutating func confirmGatekeeper(_ content: PERValue) -> Bool {
    guard let endpoint = transport(content["rasAddress"]), let own = tuples?.own else { return true }
    if endpoint.address == own.source, endpoint.port == own.sourceID { return true }
    if call.state?.status.contains(.expected) == true { return true }
    return expectation(.udp, port: endpoint.port, to: endpoint.address, helper: RASHelper.kernelName).map { expect($0) } ?? true
  }

  /// The corresponding kernel functions are `process_rrq` and `expect_q931`.
  private mutating func requestRegistration(_ content: PERValue) -> Bool {
    let endpoints = addresses(content).map { transport($0) }
    if let index = endpoints.firstIndex(where: { own($0) != nil }), let endpoint = endpoints[index],
      var expectation = expectation(.tcp, port: endpoint.port, helper: Q931Helper.kernelName)
    {
      expectation.flags = .permanent
      if let nat = companion {
        guard nat.h323(&self, expectation, registered: endpoints, index) else { return false }
      } else {
        guard expect(expectation) else { return false }
        state.signalPorts[direction] = endpoint.port
      }
    }
    guard setRAS((content["rasAddress"]?.items ?? []).map { $0 }) else { return false }
    state.timeout = content["timeToLive"].map { $0.number ?? 0 } ?? Self.registrationTime
    return true
  }

  /// The corresponding kernel function is `process_rcf`.
  private mutating func confirmRegistration(_ content: PERValue) -> Bool {
    guard setSignal(addresses(content)) else { return false }
    if let time = content["timeToLive"] { state.timeout = time.number ?? 0 }
    guard state.timeout > 0, let connection = call.state else { return true }
    call.table.extendTimeout(call.connection, seconds: state.timeout, now: call.now)
    let own = connection.tuple(direction)
    let wanted = Tuple(
      family: own.family, proto: .tcp, sourceBits: 0, sourceID: 0, destinationBits: own.destinationBits,
      destinationID: state.signalPorts[direction.opposite])
    if let handle = call.table.findExpectation(wanted, zone: connection.zone, now: call.now),
      call.table.expectation(handle)?.master == call.connection
    {
      let expiry = call.now.adding(seconds: state.timeout)
      call.table.change(handle) { $0.expiry = expiry }
    }
    return true
  }

  /// The corresponding kernel function is `process_urq`.
  private mutating func requestUnregistration(_ content: PERValue) -> Bool {
    guard setSignal(addresses(content)) else { return false }
    for handle in call.table.expectations(of: call.connection).reversed() { call.table.unexpect(handle, now: call.now) }
    state.signalPorts = PerDirection(0)
    call.table.extendTimeout(call.connection, seconds: 30, now: call.now)
    return true
  }

  /// The corresponding kernel function is `process_arq`.
  private mutating func requestAdmission(_ content: PERValue) -> Bool {
    guard let nat = companion, let (own, other) = tuples else { return true }
    if let called = transport(content["destCallSignalAddress"]), called.address == own.source, called.port == state.signalPorts[direction] {
      return nat.h323(&self, set: called, to: other.destination, state.signalPorts[direction.opposite])
    }
    if let caller = transport(content["srcCallSignalAddress"]), caller.address == own.source {
      return nat.h323(&self, set: caller, to: other.destination, caller.port)
    }
    return true
  }

  /// The corresponding kernel function is `process_acf`.
  private mutating func confirmAdmission(_ content: PERValue) -> Bool {
    guard let endpoint = transport(content["destCallSignalAddress"]), let own = tuples?.own else { return true }
    if endpoint.address == own.destination { return setSignal([content["destCallSignalAddress"]]) }
    return expectCall(to: endpoint)
  }

  private mutating func expectCall(to endpoint: H323Endpoint?) -> Bool {
    guard let endpoint, var expectation = expectation(.tcp, port: endpoint.port, to: endpoint.address, helper: Q931Helper.kernelName) else {
      return true
    }
    expectation.flags = .permanent
    return expect(expectation)
  }
}
