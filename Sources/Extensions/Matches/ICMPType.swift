import Wire
import XTables

/// An ICMP type with a range of codes, and its names in both families.
///
/// The corresponding C table is `icmp_codes` in `libxt_icmp.h`.
struct ICMPType: BitwiseCopyable, Sendable, Hashable {
  var type: UInt8
  var lowCode: UInt8 = 0
  var highCode: UInt8 = 0xff

  struct Name: Sendable {
    let name: String
    let type: ICMPType

    init(_ name: String, _ type: UInt8, _ code: UInt8? = nil) {
      self.name = name
      self.type = ICMPType(type: type, lowCode: code ?? 0, highCode: code ?? 0xff)
    }
  }

  static let names: [Name] = [
    Name("any", 255),
    Name("echo-reply", 0), Name("pong", 0),
    Name("destination-unreachable", 3),
    Name("network-unreachable", 3, 0), Name("host-unreachable", 3, 1), Name("protocol-unreachable", 3, 2),
    Name("port-unreachable", 3, 3), Name("fragmentation-needed", 3, 4), Name("source-route-failed", 3, 5),
    Name("network-unknown", 3, 6), Name("host-unknown", 3, 7), Name("network-prohibited", 3, 9),
    Name("host-prohibited", 3, 10), Name("TOS-network-unreachable", 3, 11), Name("TOS-host-unreachable", 3, 12),
    Name("communication-prohibited", 3, 13), Name("host-precedence-violation", 3, 14), Name("precedence-cutoff", 3, 15),
    Name("source-quench", 4),
    Name("redirect", 5),
    Name("network-redirect", 5, 0), Name("host-redirect", 5, 1), Name("TOS-network-redirect", 5, 2),
    Name("TOS-host-redirect", 5, 3),
    Name("echo-request", 8), Name("ping", 8),
    Name("router-advertisement", 9), Name("router-solicitation", 10),
    Name("time-exceeded", 11), Name("ttl-exceeded", 11),
    Name("ttl-zero-during-transit", 11, 0), Name("ttl-zero-during-reassembly", 11, 1),
    Name("parameter-problem", 12),
    Name("ip-header-bad", 12, 0), Name("required-option-missing", 12, 1),
    Name("timestamp-request", 13), Name("timestamp-reply", 14),
    Name("address-mask-request", 17), Name("address-mask-reply", 18),
  ]

  static let namesV6: [Name] = [
    Name("destination-unreachable", 1),
    Name("no-route", 1, 0), Name("communication-prohibited", 1, 1), Name("beyond-scope", 1, 2),
    Name("address-unreachable", 1, 3), Name("port-unreachable", 1, 4), Name("failed-policy", 1, 5),
    Name("reject-route", 1, 6),
    Name("packet-too-big", 2),
    Name("time-exceeded", 3), Name("ttl-exceeded", 3),
    Name("ttl-zero-during-transit", 3, 0), Name("ttl-zero-during-reassembly", 3, 1),
    Name("parameter-problem", 4),
    Name("bad-header", 4, 0), Name("unknown-header-type", 4, 1), Name("unknown-option", 4, 2),
    Name("echo-request", 128), Name("ping", 128), Name("echo-reply", 129), Name("pong", 129),
    Name("router-solicitation", 133), Name("router-advertisement", 134),
    Name("neighbour-solicitation", 135), Name("neighbor-solicitation", 135),
    Name("neighbour-advertisement", 136), Name("neighbor-advertisement", 136),
    Name("redirect", 137),
  ]

  /// The names for `--help`: names of single codes are indented under their type, aliases are in parentheses.
  static func help(_ names: [Name], _ label: String) -> String {
    var text = "Valid \(label) Types:"
    var previous: ICMPType?
    for item in names {
      let isAlias = item.type == previous
      let isCode = item.type.lowCode == item.type.highCode
      text += isAlias ? " (\(item.name))" : "\n\(isCode ? "   " : "")\(item.name)"
      previous = item.type
    }
    return text + "\n"
  }

  /// Prints the type's name, or the protocol's name and numbers.
  ///
  /// The corresponding C functions are `print_icmptype` and `print_icmpv6type`.
  func list(names: [Name], inverted: Bool, to text: inout RuleText) {
    if let name = names.first(where: { $0.type == self })?.name { return text.word((inverted ? "!" : "") + name) }
    if inverted { text.word("!") }
    text.glue("type \(type)")
    if lowCode == highCode {
      text.glue(" code \(lowCode)")
    } else if lowCode != 0 || highCode != 0xff {
      text.glue(" codes \(lowCode)-\(highCode)")
    }
  }

  /// The condition on a packet's type and code as one number: the type in the upper byte.
  func condition(_ field: Field) -> Condition {
    let base = UInt16(type) << 8
    return .inRange(field, base | UInt16(lowCode), base | UInt16(highCode))
  }
}

extension ValueSyntax where Value == ICMPType {
  /// A name, possibly abbreviated if unique, or `type[/code[:code]]`. Printed as numbers, without the last code.
  ///
  /// The corresponding C function is `__ipt_parse_icmp`.
  static func icmpType(_ names: [ICMPType.Name], _ label: String) -> ValueSyntax {
    ValueSyntax(
      placeholder: "type[/code]", grammar: "icmp-type | number [ \"/\" number [ \":\" number ] ]",
      samples: names.map(\.name) + ["0", "8", "254/255", "3/4", "3/1:5"], nearMisses: ["256", "8/", "8/256", "echo-re", "nothing", "1:2"],
      parse: { token, arguments throws(OptionError) in
        if let named = try find(token, in: names, label) { return named }
        func refuse(_ message: String) -> OptionError { OptionError("bad-icmp-type", message, at: token.range) }
        guard let (type, lastType, rest) = codes(token.bytes) else { throw refuse("Unknown \(label) type `\(token.string)'") }
        var result = ICMPType(type: type)
        if let next = rest.first {
          guard next == UInt8(ascii: "/") else { throw refuse("unknown character \(Character(Unicode.Scalar(next)))") }
          guard let (low, high, tail) = codes(rest.dropFirst()) else { throw refuse("Unknown \(label) code `\(token.string)'") }
          if let next = tail.first { throw refuse("unknown character \(Character(Unicode.Scalar(next)))") }
          result.lowCode = low
          result.highCode = high
        }
        guard type == lastType else { throw refuse("\(label) type range not supported") }
        return result
      },
      print: { value, text in
        text.word(String(value.type))
        if value.lowCode != 0 || value.highCode != 0xff { text.glue("/\(value.lowCode)") }
      })
  }

  /// The only name that begins with the token, ignoring case.
  private static func find(_ token: Token, in names: [ICMPType.Name], _ label: String) throws(OptionError) -> ICMPType? {
    let matching = names.filter { $0.name.beginsIgnoringCase(with: token) }
    guard let first = matching.first else { return nil }
    if matching.count > 1 {
      throw OptionError(
        "ambiguous-icmp-type",
        "Ambiguous \(label) type `\(token.string)': `\(first.name)' or `\(matching[1].name)'?", at: token.range,
        hint: "write more of the name")
    }
    return first.type
  }

  /// Parses a number, or two separated by a colon, and returns the rest of the text.
  private static func codes(_ bytes: ArraySlice<UInt8>) -> (UInt8, UInt8, ArraySlice<UInt8>)? {
    guard let (low, rest) = UnsignedText.prefix(bytes), low <= 255 else { return nil }
    guard rest.first == UInt8(ascii: ":") else { return (UInt8(low), UInt8(low), rest) }
    guard let (high, tail) = UnsignedText.prefix(rest.dropFirst()), high <= 255 else { return nil }
    return (UInt8(low), UInt8(high), tail)
  }
}
