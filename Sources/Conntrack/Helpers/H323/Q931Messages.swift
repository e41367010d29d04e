import Wire

/// The addresses in call signalling: H.225.0 inside Q.931 (ITU-T H.225.0 §7.2).
extension H323Exchange {
  /// The H.323 part of a message; nil if it has none. The corresponding kernel function is `DecodeQ931`.
  func userInformation(_ message: Range<Int>) -> PERValue? {
    let bytes = packet.bytes
    var place = message.lowerBound
    let end = message.upperBound
    // Layout: the discriminator, the call reference, the message type.
    guard end - place >= 2, bytes[place] == 0x08 else { return nil }
    let reference = Int(bytes[place + 1])
    place += 2
    guard end - place >= reference + 2 else { return nil }
    place += reference + 1
    if bytes[place] & 0x80 != 0 { place += 1 }
    while place < end {
      if bytes[place] == 0x7E {
        guard end - place >= 3, let length = bytes.uint16(at: place + 1), end - place - 3 >= Int(length), length > 1 else { return nil }
        let start = place + 4
        var decoder = PERDecoder(H323Schema.schema, bytes, start..<(start + Int(length) - 1))
        return decoder.message(H323Schema.userInformation)
      }
      guard end - place >= 2 else { return nil }
      let length = Int(bytes[place + 1])
      place += 2
      guard end - place >= length else { return nil }
      place += length
    }
    return nil
  }

  /// The corresponding kernel function is `process_q931`.
  mutating func signal(_ information: PERValue) -> Bool {
    guard let unit = information["h323-uu-pdu"] else { return true }
    let body = unit["h323-message-body"]
    var isSound = true
    if let setup = body?.alternative("setup") {
      isSound = process(setup: setup)
    } else if let facility = body?.alternative("facility") {
      isSound = process(facility: facility)
    } else {
      for name in ["callProceeding", "connect", "alerting", "progress"] {
        guard let message = body?.alternative(name) else { continue }
        isSound = address(message) && fastStart(message)
      }
    }
    guard isSound else { return false }
    for message in unit["h245Control"]?.items ?? [] where !control(message) { return false }
    return true
  }

  private mutating func address(_ message: PERValue) -> Bool {
    message["h245Address"].map { expectControl($0) } ?? true
  }

  private mutating func fastStart(_ message: PERValue) -> Bool {
    for channel in message["fastStart"]?.items ?? [] where !open(channel) { return false }
    return true
  }

  /// The corresponding kernel function is `process_setup`.
  private mutating func process(setup: PERValue) -> Bool {
    guard address(setup) else { return false }
    if let nat = companion, let other = tuples?.other {
      let ends = [
        ("destCallSignalAddress", other.source, other.sourceID), ("sourceCallSignalAddress", other.destination, other.destinationID),
      ]
      for (name, address, port) in ends {
        guard let value = setup[name], let endpoint = transport(value), endpoint.address != address else { continue }
        guard nat.h323(&self, set: endpoint, to: address, port) else { return false }
      }
    }
    return fastStart(setup)
  }

  /// The corresponding kernel function is `process_facility`.
  private mutating func process(facility: PERValue) -> Bool {
    if facility["reason"]?.choice == "callForwarded" {
      return facility["alternativeAddress"].map { expectForwardedCall($0) } ?? true
    }
    return address(facility) && fastStart(facility)
  }
}
