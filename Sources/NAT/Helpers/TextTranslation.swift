public import Conntrack
public import Netfilter
public import Wire

/// The NAT companions of the helpers with addresses or ports as text in the payload.
extension HelperTranslation {
  /// The corresponding kernel function is `nf_nat_ftp`.
  public func ftp(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ form: FTPAddressForm, _ match: Range<Int>,
    _ expectation: Expectation
  ) -> NetfilterVerdict {
    guard let connection = call.state else { return .drop }
    // The data connection's destination is the address to which this packet's replies go.
    let address = connection.tuple(call.direction.opposite).destination
    var expectation = expectation
    expectation.savedID = expectation.tuple.destinationID
    expectation.direction = call.direction.opposite
    expectation.function = .natFollowMaster
    guard let (port, handle) = findPort(expectation, call) else { return .drop }
    let text = HelperTranslation.text(form, address, port)
    guard mangleTCP(&packet, at: offset, call, match, with: Array(text.utf8)) else {
      call.table.unexpect(handle, now: call.now)
      return .drop
    }
    return .accept
  }

  /// The corresponding kernel function is `nf_nat_ftp_fmt_cmd`.
  private static func text(_ form: FTPAddressForm, _ address: IPAddress, _ port: UInt16) -> String {
    switch form {
    case .port, .passive:
      // An IPv6 address has no such form. As the kernel: writes its first four bytes.
      let bits = address.v4?.rawValue ?? UInt32(truncatingIfNeeded: address.bits >> 96)
      return "\(bits >> 24),\(bits >> 16 & 255),\(bits >> 8 & 255),\(bits & 255),\(port >> 8),\(port & 255)"
    case .extendedPort: return "|\(address.family == .ipv4 ? 1 : 2)|\(unshortened(address))|\(port)|"
    case .extendedPassive: return "|||\(port)|"
    }
  }

  /// An IPv6 address with all zeros, as the kernel's `%pI6` prints it.
  private static func unshortened(_ address: IPAddress) -> String {
    guard let v6 = address.v6 else { return address.description }
    return v6.words.flatMap { [$0 >> 16, $0 & 0xFFFF] }.map { group in
      let digits = String(group, radix: 16)
      return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }.joined(separator: ":")
  }

  /// The corresponding kernel function is `nf_nat_tftp`.
  public func tftp(_ call: HelperCall, _ expectation: Expectation) -> NetfilterVerdict {
    guard let connection = call.state else { return .drop }
    var expectation = expectation
    expectation.savedID = connection.original.sourceID
    expectation.direction = .reply
    expectation.function = .natFollowMaster
    return (try? call.table.expect(expectation, now: call.now)) == nil ? .drop : .accept
  }

  /// The corresponding kernel function is `nf_nat_irc`.
  public func irc(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation
  ) -> NetfilterVerdict {
    guard let connection = call.state else { return .drop }
    var expectation = expectation
    expectation.savedID = expectation.tuple.destinationID
    expectation.direction = .reply
    expectation.function = .natFollowMaster
    guard let (port, handle) = findPort(expectation, call) else { return .drop }
    let text = "\(connection.reply.destination.bits) \(port)"
    guard mangleTCP(&packet, at: offset, call, match, with: Array(text.utf8)) else {
      call.table.unexpect(handle, now: call.now)
      return .drop
    }
    return .accept
  }

  /// The corresponding kernel function is `help` of `nf_nat_amanda`.
  public func amanda(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation
  ) -> NetfilterVerdict {
    var expectation = expectation
    expectation.savedID = expectation.tuple.destinationID
    expectation.direction = .original
    expectation.function = .natFollowMaster
    guard let (port, handle) = findPort(expectation, call) else { return .drop }
    guard packet.replaceUDPPayload(at: offset, match, with: Array("\(port)".utf8)) else {
      call.table.unexpect(handle, now: call.now)
      return .drop
    }
    return .accept
  }
}
