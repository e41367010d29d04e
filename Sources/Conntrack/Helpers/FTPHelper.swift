public import Netfilter
public import Wire

/// The notation of an address and port in an FTP command or reply. Kernel: `nf_ct_ftp_type`.
public enum FTPAddressForm: Sendable, Hashable {
  /// PORT 10,0,0,9,19,137
  case port
  /// 227 Entering Passive Mode (10,0,0,9,19,137)
  case passive
  /// EPRT |1|10.0.0.9|5001|
  case extendedPort
  /// 229 Entering Extended Passive Mode (|||5001|)
  case extendedPassive
}

/// The sequence numbers after the last line ends, by direction. Kernel: `nf_ct_ftp_master`.
public struct FTPState: Sendable {
  var afterLine: InlineArray<2, LineEnds> = InlineArray(repeating: LineEnds())

  struct LineEnds: Sendable {
    var first: UInt32?
    var second: UInt32?

    func contains(_ sequence: UInt32) -> Bool { first == sequence || second == sequence }

    /// Adds a sequence number; keeps the latest two. The corresponding kernel function is `update_nl_seq`.
    mutating func note(_ sequence: UInt32) {
      guard !contains(sequence) else { return }
      guard let a = first else {
        first = sequence
        return
      }
      guard let b = second else {
        second = sequence
        return
      }
      if a.isBefore(b) {
        if sequence.isAfter(a) { first = sequence }
      } else if sequence.isAfter(b) {
        second = sequence
      }
    }
  }
}

/// Expects the data connections of FTP (RFC 959, RFC 2428). Kernel: `nf_conntrack_ftp`.
public struct FTPHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "ftp"
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .tcp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(name: "ftp", maximum: 1, timeout: 300)]
  /// True if commands may name another host than the sender: module parameter `loose`.
  public var isLoose: Bool

  /// Creates the helper.
  ///
  /// - Parameter isLoose: true if commands may name another host than the sender.
  public init(family: Family, port: UInt16 = 21, isLoose: Bool = false) {
    self.family = family
    self.port = port
    self.isLoose = isLoose
  }

  private enum Search {
    case found(Match)
    /// The packet ends within a command.
    case partial
    case none
  }

  private struct Match {
    var form: FTPAddressForm
    var range: Range<Int>
    var address: IPAddress?
    var port: UInt16
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard call.isEstablished, let connection = call.state, let header = TCPHeader(packet.bytes, at: offset),
      let text = PayloadText(tcp: packet, at: offset)
    else { return .accept }
    let direction = Int(call.direction.rawValue)
    var state = FTPState()
    if case .ftp(let known) = call.memory { state = known }
    let next = header.sequence &+ UInt32(truncatingIfNeeded: text.count)
    var verdict = NetfilterVerdict.accept
    // Ignores a segment that does not start at the beginning of a line.
    if state.afterLine[direction].contains(header.sequence) {
      switch search(text, call.direction, connection) {
      case .partial: return .drop
      case .none: break
      case .found(let match):
        verdict = follow(match, &packet, at: offset, connection, call)
      }
    }
    if text[text.count - 1] == 0x0A {
      state.afterLine[direction].note(next)
      call.remember(.ftp(state))
    }
    return verdict
  }

  private func follow(
    _ match: Match, _ packet: inout Packet, at offset: Int, _ connection: Connection, _ call: HelperCall
  ) -> NetfilterVerdict {
    let other = connection.tuple(call.direction.opposite)
    var destination = other.destination
    if let address = match.address, address != connection.tuple(call.direction).source {
      guard isLoose else { return .accept }
      destination = address
    }
    let expectation = Expectation(
      master: call.connection, proto: .tcp, source: other.source, sourceID: nil, destination: destination,
      destinationID: match.port, maker: call.helper)
    return call.expect(expectation) { $0.ftp(&packet, at: offset, call, match.form, match.range, expectation) }
  }

  // MARK: Search

  private func search(_ text: PayloadText, _ direction: Direction, _ connection: Connection) -> Search {
    if direction == .original {
      let port = find(text, "PORT", skip: 0x20) { index in
        address(text, at: index, terminator: 0x0D, connection.original).map {
          Match(form: .port, range: index..<(index + $0.length), address: $0.address, port: $0.port)
        }
      }
      if case .none = port { return find(text, "EPRT", skip: 0x20) { extendedPort(text, at: $0, connection) } }
      return port
    }
    let passive = find(text, "227 ", skip: nil) { start in
      // Servers differ in the text before the numbers (RFC 1123 §4.1.2.6): starts at the first digit.
      var index = start
      while let byte = text[index], !PayloadText.isDigit(byte) { index += 1 }
      return address(text, at: index, terminator: 0, connection.reply).map {
        Match(form: .passive, range: index..<(index + $0.length), address: $0.address, port: $0.port)
      }
    }
    if case .none = passive { return find(text, "229 ", skip: 0x28) { extendedPassive(text, at: $0) } }
    return passive
  }

  /// Searches a pattern at the start of the payload, then skips to the byte after `skip`. The corresponding kernel function is
  /// `find_pattern`.
  private func find(_ text: PayloadText, _ pattern: String, skip: UInt8?, _ read: (Int) -> Match?) -> Search {
    let length = pattern.utf8.count
    if text.count <= length { return text.beginsWith(partOf: pattern, at: 0) ? .partial : .none }
    guard text.has(pattern, at: 0, ignoringCase: true) else { return .none }
    var index = length
    if let skip {
      while text[index] != skip {
        if index >= text.count - 1 { return .partial }
        index += 1
      }
      index += 1
    }
    return read(index).map { .found($0) } ?? .partial
  }

  /// Reads six numbers: four of the address, two of the port.
  private func address(
    _ text: PayloadText, at index: Int, terminator: UInt8, _ own: Tuple
  ) -> (address: IPAddress?, port: UInt16, length: Int)? {
    guard let (values, length) = text.numbers(6, at: index, separator: 0x2C, terminator: terminator) else { return nil }
    let bits = values[0] << 24 | values[1] << 16 | values[2] << 8 | values[3]
    // Over IPv6 the kernel stores the four bytes in the first word of the address union. The result never equals the sender's address.
    let low = own.sourceBits & (UInt128.max >> 32)
    let address = IPAddress(family: family, bits: family == .ipv4 ? UInt128(bits) : UInt128(bits) << 96 | low)
    return (address, UInt16(truncatingIfNeeded: values[4] << 8 | values[5]), length)
  }

  private func isDelimiter(_ byte: UInt8) -> Bool { !PayloadText.isDigit(byte) && (33...126).contains(byte) }

  private func extendedPort(_ text: PayloadText, at start: Int, _ connection: Connection) -> Match? {
    guard text.count - start > 3, let delimiter = text[start], isDelimiter(delimiter), text[start + 2] == delimiter,
      text[start + 1] == (family == .ipv4 ? 0x31 : 0x32)
    else { return nil }
    let begin = start + 3
    var address: IPAddress?
    var length = 0
    if family == .ipv4 {
      guard let numbers = text.numbers(4, at: begin, separator: 0x2E, terminator: delimiter) else { return nil }
      let v = numbers.values
      address = .v4(IPv4Address(rawValue: v[0] << 24 | v[1] << 16 | v[2] << 8 | v[3]))
      length = numbers.length
    } else {
      var word: [UInt8] = []
      while let byte = text[begin + word.count], byte != delimiter, word.count < 64 { word.append(byte) }
      guard text[begin + word.count] == delimiter, let parsed = IPv6Address(String(decoding: word, as: UTF8.self)) else { return nil }
      address = .v6(parsed)
      length = word.count
    }
    return port(text, at: begin + length + 1, delimiter).map {
      Match(form: .extendedPort, range: start..<$0.end, address: address, port: $0.port)
    }
  }

  private func extendedPassive(_ text: PayloadText, at start: Int) -> Match? {
    guard text.count - start > 3, let delimiter = text[start], isDelimiter(delimiter), text[start + 1] == delimiter,
      text[start + 2] == delimiter
    else { return nil }
    return port(text, at: start + 3, delimiter).map {
      Match(form: .extendedPassive, range: start..<$0.end, address: nil, port: $0.port)
    }
  }

  /// A port and the index after its delimiter.
  private func port(_ text: PayloadText, at index: Int, _ delimiter: UInt8) -> (port: UInt16, end: Int)? {
    let (value, end) = text.number(at: index)
    let port = UInt16(truncatingIfNeeded: value)
    return text[end] == delimiter && port != 0 ? (port, end + 1) : nil
  }
}
