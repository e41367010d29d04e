public import Netfilter
public import Wire

/// Expects the direct connections (DCC) that IRC clients offer. Kernel: `nf_conntrack_irc`.
public struct IRCHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "irc"
  /// The family whose packets it reads.
  public let family: Family = .ipv4
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .tcp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// The limits of each class of expectations.
  public let policies: [ExpectationPolicy]

  /// - Parameters:
  /// - maximum: the maximum number of open offers, module parameter `max_dcc_channels`.
  /// - timeout: the lifetime of an offer in seconds, module parameter `dcc_timeout`.
  public init(port: UInt16 = 6667, maximum: Int = 8, timeout: UInt32 = 300) {
    self.port = port
    policies = [ExpectationPolicy(name: "irc", maximum: maximum, timeout: timeout)]
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard call.direction == .original, call.isEstablished, let connection = call.state,
      let text = PayloadText(tcp: packet, at: offset, atMost: 4095), let start = messageStart(text)
    else { return .accept }
    // Searches offers from the start of the message text; the shortest offer has 26 bytes from there.
    for command in [" SEND ", " CHAT ", " MOVE ", " TSEND ", " SCHAT "] as [String] {
      guard text.has(command, at: start - 1), let offer = offer(text, at: start + command.utf8.count - 1) else { continue }
      let own = connection.original.source
      guard offer.port != 0, offer.address == own || offer.address == connection.reply.destination else { continue }
      let expectation = Expectation(
        master: call.connection, proto: .tcp, source: nil, sourceID: nil, destination: connection.reply.destination,
        destinationID: offer.port, maker: call.helper)
      return call.expect(expectation) { $0.irc(&packet, at: offset, call, offer.range, expectation) }
    }
    return .accept
  }

  /// The position of the DCC command's name in `PRIVMSG x :\u{1}DCC SEND …`; nil in other lines.
  private func messageStart(_ text: PayloadText) -> Int? {
    var index = 0
    while index < text.count - 10, let byte = text[index], byte == 0x20 || byte == 0x0D || byte == 0x0A { index += 1 }
    if index < text.count - 10 {
      guard text.has("PRIVMSG ", at: index, ignoringCase: true) else { return nil }
      index += 8
    }
    while index < text.count - 26 {
      guard text.has(" :", at: index) else {
        index += 1
        continue
      }
      // The offer must come first in the message.
      return text.has("\u{1}DCC ", at: index + 2) ? index + 7 : nil
    }
    return nil
  }

  /// The address (one decimal number) and port of an offer, after its argument. The corresponding kernel function is `parse_dcc`.
  private func offer(_ text: PayloadText, at start: Int) -> (address: IPAddress, port: UInt16, range: Range<Int>)? {
    var index = start
    while text[index] != 0x20 {
      index += 1
      if index > text.count - 12 { return nil }
    }
    index += 1
    guard text.find("\n", from: index) != nil else { return nil }
    let begin = index
    let (address, addressEnd) = text.number(at: index)
    index = addressEnd
    while text[index] == 0x20 { index += 1 }
    let (port, end) = text.number(at: index)
    return (.v4(IPv4Address(rawValue: address)), UInt16(truncatingIfNeeded: port), begin..<end)
  }
}
