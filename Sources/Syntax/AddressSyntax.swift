import Diagnostics
import Wire
import XTables

/// Reads and prints the addresses of `-s` and `-d`. The corresponding C functions are `xtables_ipparse_multiple` and
/// `xtables_ip6parse_multiple`.
enum AddressSyntax {
  /// One or more addresses separated by commas, with host bits cleared. A host name gives all of its addresses.
  ///
  /// - Parameter remarks: receives a note about each host name that was resolved.
  static func parse(
    _ token: Token, _ family: Family, _ names: NameDatabase, _ remarks: RuleRemarks?
  ) throws(OptionError) -> AddressList {
    var list = AddressList()
    var end = 0
    if let address = PlainAddress.read(token.bytes.span, at: &end, family), end == token.bytes.count {
      list.append(address)
      return list
    }
    guard token.bytes.contains(UInt8(ascii: ",")) else {
      try parseOne(Token(trimmed(token.bytes), at: token.range), family, names, remarks, &list)
      return list
    }
    for part in token.split(on: ",") {
      try parseOne(Token(trimmed(part.bytes), at: token.range), family, names, remarks, &list)
    }
    return list
  }

  private static func parseOne(
    _ token: Token, _ family: Family, _ names: NameDatabase, _ remarks: RuleRemarks?, _ list: inout AddressList
  ) throws(OptionError) {
    var host = token
    var mask = AddressMask.mask(prefix: family == .ipv4 ? 32 : 128, family)
    if let slash = token.bytes.lastIndex(of: UInt8(ascii: "/")) {
      host = Token(token.bytes[..<slash], at: token.range)
      mask = try parseMask(Token(token.bytes[(slash + 1)...], at: token.range), family)
    }
    // With a zero mask the address has no effect, and iptables does not read it.
    if mask == 0 { return list.append(AddressMask()) }
    if let address = family == .ipv4 ? IPv4Text.dotted(host.bytes) ?? IPv4Text.classful(host.bytes) : ipv6(host) {
      return list.append(AddressMask(address: address & mask, mask: mask))
    }
    let resolved = names.hostAddresses(host.string, family)
    if resolved.isEmpty {
      throw OptionError(
        host.isHostName ? OptionError.unresolvedHost : "bad-address", "host/network `\(host.string)' not found", at: token.range,
        hint: hint(for: host, family))
    }
    let found = resolved.map { AddressMask(address: $0 & mask, mask: mask) }
    for address in found { list.append(address) }
    remarks?.add(.resolvedHost(host.string, as: found.map { print($0, family) }, at: token.range))
  }

  private static func hint(for host: Token, _ family: Family) -> String {
    if host == "!" { return "write the exclamation mark before the option: `! -s address`" }
    let isOther = family == .ipv4 ? IPv6Address(host.string) != nil : IPv4Address(host.string) != nil
    let other = family == .ipv4 ? "ip6tables, give -6" : "iptables, give -4"
    if isOther { return "this address is of the other family; if the whole file is for \(other)" }
    return host.isHostName ? "the name was not found; write an address" : "write an address"
  }

  private static func parseMask(_ token: Token, _ family: Family) throws(OptionError) -> UInt128 {
    if let prefix = token.unsigned, prefix <= (family == .ipv4 ? 32 : 128) {
      return AddressMask.mask(prefix: Int(prefix), family)
    }
    if let mask = family == .ipv4 ? IPv4Text.dotted(token.bytes, isWhole: true) : ipv6(token) { return mask }
    throw OptionError(
      "bad-mask", "invalid mask `\(token.string)' specified", at: token.range,
      hint: "a mask is a prefix length up to \(family == .ipv4 ? 32 : 128) or an address")
  }

  private static func ipv6(_ token: Token) -> UInt128? { IPv6Address(token.string)?.rawValue }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    bytes.drop { Lexer.isSpace($0) }
  }

  /// The address as iptables-save prints it: with a prefix length if the mask is contiguous, with the whole mask if not.
  static func print(_ value: AddressMask, _ family: Family) -> String {
    let address: (UInt128) -> String = { bits in
      family == .ipv4 ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: bits)).description : IPv6Address(rawValue: bits).description
    }
    return address(value.address) + "/" + (value.prefix(family).map(String.init) ?? address(value.mask))
  }
}
