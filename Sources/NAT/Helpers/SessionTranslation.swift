public import Conntrack
public import Netfilter
public import Wire

/// The NAT companion of the SIP helper for session descriptions.
extension HelperTranslation {
  /// The corresponding kernel function is `nf_nat_sdp_addr`.
  public func sessionAddress(_ exchange: inout SIPExchange, _ line: SIPSessionLine, from place: Int, _ address: IPAddress) -> Bool {
    guard let range = exchange.message.session(line, from: place, stopsAtMedia: true),
      exchange.replace(range, with: Self.text(address, bracketed: false))
    else { return false }
    return updateContentLength(&exchange)
  }

  /// The corresponding kernel function is `nf_nat_sdp_port`.
  public func sessionPort(_ exchange: inout SIPExchange, _ place: Range<Int>, _ port: UInt16) -> Bool {
    exchange.replace(place, with: "\(port)") && updateContentLength(&exchange)
  }

  /// The corresponding kernel function is `nf_nat_sdp_session`.
  public func session(_ exchange: inout SIPExchange, from place: Int, _ address: IPAddress) -> Bool {
    let text = Self.text(address, bracketed: false)
    guard let owner = exchange.message.session(.owner, from: place, stopsAtMedia: true), exchange.replace(owner, with: text) else {
      return false
    }
    // A session without a connection line may have one in each medium.
    if let connection = exchange.message.session(.connection, from: place, stopsAtMedia: true) {
      guard exchange.replace(connection, with: text) else { return false }
    }
    return updateContentLength(&exchange)
  }

  /// Updates Content-Length to the length of the description. The corresponding kernel function is `mangle_content_len`.
  private func updateContentLength(_ exchange: inout SIPExchange) -> Bool {
    guard let version = exchange.message.session(.version, from: 0), let digits = exchange.message.digits(of: .contentLength),
      !digits.isEmpty
    else { return false }
    return exchange.replace(digits, with: "\(exchange.count - version.lowerBound + 2)")
  }

  /// The corresponding kernel function is `nf_nat_sdp_media`.
  public func sessionMedia(
    _ exchange: inout SIPExchange, _ media: Expectation, _ control: Expectation, _ place: Range<Int>, _ address: inout IPAddress
  ) -> NetfilterVerdict {
    guard let connection = exchange.call.state else { return .drop }
    let (own, other) = (connection.tuple(exchange.call.direction), connection.tuple(exchange.call.direction.opposite))
    let media = media.translated(exchange, own, other)
    address = media.tuple.destination
    guard let pair = expectPair(media, control.translated(exchange, own, other), exchange.call) else { return .drop }
    if pair.port != media.savedID, !sessionPort(&exchange, place, pair.port) {
      for handle in [pair.media, pair.control] { exchange.call.table.unexpect(handle, now: exchange.call.now) }
      return .drop
    }
    return .accept
  }

  /// Adds both expectations on a pair of ports: the requested pair or the next free one.
  private func expectPair(
    _ media: Expectation, _ control: Expectation, _ call: HelperCall
  ) -> (port: UInt16, media: ExpectationHandle, control: ExpectationHandle)? {
    var (media, control) = (media, control)
    var port = media.tuple.destinationID
    while port != 0 {
      media.tuple.destinationID = port
      control.tuple.destinationID = port &+ 1
      var expected: ExpectationHandle?
      do throws(ExpectationError) {
        let first = try call.table.expect(media, ofAnyMaster: true, now: call.now)
        expected = first
        return (port, first, try call.table.expect(control, ofAnyMaster: true, now: call.now))
      } catch {
        if let expected { call.table.unexpect(expected, now: call.now) }
        guard error == .clash else { return nil }
      }
      port &+= 2
    }
    return nil
  }
}
