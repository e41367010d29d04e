import Netfilter
import Wire

/// The media streams of calls.
extension SIPHelper {
  private static let kinds: [(String, Int)] = [("audio ", 1), ("video ", 2), ("image ", 3)]

  /// Expects the streams that a message describes. The corresponding kernel function is `process_sdp`.
  func expectMedia(_ exchange: inout SIPExchange) -> NetfilterVerdict {
    guard let session = exchange.message.session(.version, from: 0)?.lowerBound else { return .accept }
    let general = exchange.message.connectionAddress(from: session)
    var announced = general
    var place = session
    var count = 0
    while count < SIPHelper.kinds.count, let media = exchange.message.session(.media, from: place) {
      place = media.lowerBound
      guard let kind = SIPHelper.kinds.first(where: { exchange.message.text.has($0.0, at: media.lowerBound) }) else {
        place = media.upperBound
        continue
      }
      place += kind.0.utf8.count
      // Port 0 means an inactive stream.
      guard let port = exchange.message.strictNumber(at: place)?.value, port != 0 else { continue }
      let own = exchange.message.connectionAddress(from: place)
      guard (1024...65535).contains(port), var address = own ?? general else { return .drop }
      let verdict = expectStream(&exchange, &address, UInt16(port), kind.1, place..<media.upperBound)
      guard verdict == .accept else { return verdict }
      if own != nil, let nat = exchange.companion {
        guard nat.sessionAddress(&exchange, .connection, from: place, address) else { return .drop }
      }
      announced = address
      count += 1
    }
    guard let announced, let nat = exchange.companion else { return .accept }
    return nat.session(&exchange, from: session, announced) ? .accept : .drop
  }

  /// Expects a stream on an even port and its control channel on the next port. The corresponding kernel function is
  /// `set_expected_rtp_rtcp`.
  /// - Parameter address: the stream's address in the message; afterwards its translated address.
  private func expectStream(
    _ exchange: inout SIPExchange, _ address: inout IPAddress, _ port: UInt16, _ policyClass: Int, _ place: Range<Int>
  ) -> NetfilterVerdict {
    let call = exchange.call
    guard let connection = call.state else { return .accept }
    var source: IPAddress?
    if isMediaDirect {
      guard address == connection.tuple(call.direction).source else { return .accept }
      source = connection.tuple(call.direction.opposite).source
    }
    let known = lookForStream(call, connection, address, source, port, policyClass)
    address = known.address
    let base = known.port & ~1
    if known.isDirect, let nat = call.table.helperNAT, !nat.sessionPort(&exchange, place, base) { return .drop }
    if known.isExpected { return .accept }
    func stream(_ port: UInt16) -> Expectation {
      Expectation(
        master: call.connection, proto: .udp, source: source, sourceID: nil, destination: address, destinationID: port,
        policyClass: policyClass, maker: call.helper)
    }
    if !known.isDirect, let nat = exchange.companion {
      return nat.sessionMedia(&exchange, stream(base), stream(base + 1), place, &address)
    }
    return expect(stream(base), stream(base + 1), call) ? .accept : .drop
  }

  /// Adds both expectations. An equal expectation of another call or medium counts as success.
  private func expect(_ media: Expectation, _ control: Expectation, _ call: HelperCall) -> Bool {
    do throws(ExpectationError) {
      let expected = try expectOnce(media, call)
      do throws(ExpectationError) {
        _ = try expectOnce(control, call)
      } catch {
        if let expected { call.table.unexpect(expected, now: call.now) }
        throw error
      }
      return true
    } catch {
      return false
    }
  }

  private func expectOnce(_ expectation: Expectation, _ call: HelperCall) throws(ExpectationError) -> ExpectationHandle? {
    do throws(ExpectationError) {
      return try call.table.expect(expectation, ofAnyMaster: true, now: call.now)
    } catch {
      if error == .already { return nil }
      throw error
    }
  }

  /// Looks for an expectation of the same stream by another call. If there is one, the stream is sent to the untranslated address
  /// directly, or is already expected.
  private func lookForStream(
    _ call: HelperCall, _ connection: Connection, _ address: IPAddress, _ source: IPAddress?, _ port: UInt16, _ policyClass: Int
  ) -> (address: IPAddress, port: UInt16, isDirect: Bool, isExpected: Bool) {
    var tuple = Tuple(
      family: address.family, proto: .udp, sourceBits: source?.bits ?? 0, sourceID: 0, destinationBits: address.bits, destinationID: port)
    var isDirect = false
    while let handle = call.table.findExpectation(tuple, zone: connection.zone, now: call.now),
      let other = call.table.expectation(handle), other.master != call.connection, other.maker == call.helper,
      other.policyClass == policyClass
    {
      let isTranslated = other.savedAddress != other.tuple.destinationBits || other.savedID != other.tuple.destinationID
      guard !isDirect, isTranslated, !connection.status.isDisjoint(with: .natMask) else {
        return (tuple.destination, tuple.destinationID, isDirect, true)
      }
      tuple.destinationBits = other.savedAddress
      tuple.destinationID = other.savedID
      isDirect = true
    }
    return (tuple.destination, tuple.destinationID, isDirect, false)
  }
}
