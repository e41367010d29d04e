public import Wire

/// A link-layer address of six bytes, as in the kernel's structures.
public struct EthernetAddress: BitwiseCopyable, Sendable, Hashable {
  /// The six bytes in network order.
  public var octets = InlineArray<6, UInt8>(repeating: 0)

  /// Creates the address 00:00:00:00:00:00.
  public init() {}

  /// Creates an address from its number.
  public init(_ address: MACAddress) {
    for (index, octet) in address.octets.enumerated() { octets[index] = octet }
  }

  /// Parses six hexadecimal numbers of at most two digits, separated by colons. An empty number is 0.
  ///
  /// The corresponding C function is `xtopt_parse_ethermac`.
  fileprivate init?(_ token: Token, _ arguments: OptionArguments) {
    let parts = token.split(on: ":")
    guard parts.count == 6 else { return nil }
    for (index, part) in parts.enumerated() {
      guard let number = CNumber(part.bytes, base: .hexadecimal) else {
        guard part.bytes.isEmpty else { return nil }
        continue
      }
      guard number.rest.isEmpty, part.bytes.count <= 2 else { return nil }
      octets[index] = arguments.keep(number, as: UInt8(truncatingIfNeeded: number.wrapped))
    }
  }

  /// The address as a number.
  public var address: MACAddress {
    MACAddress(rawValue: (0..<6).reduce(UInt64(0)) { $0 << 8 | UInt64(octets[$1]) })
  }

  /// Whether all six bytes are equal.
  public static func == (left: EthernetAddress, right: EthernetAddress) -> Bool { left.address == right.address }
  /// Hashes the six bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

extension ValueSyntax where Value == EthernetAddress {
  /// Six hexadecimal numbers with colons. The corresponding C type is `XTTYPE_ETHERMAC`.
  public static var ethernet: ValueSyntax {
    ValueSyntax(
      placeholder: "XX:XX:XX:XX:XX:XX", grammar: "mac-address", samples: ["42:01:02:03:04:05", "0:A:b:c:d:e"],
      nearMisses: ["42:01:02:03:04", "42:01:02:03:04:05:06", "042:1:2:3:4:5", "x"], plain: .ethernet,
      parse: { token, arguments throws(OptionError) in
        guard let address = EthernetAddress(token, arguments) else {
          throw OptionError(
            "bad-mac", "Invalid MAC address specified.", at: token.range, hint: "write it as 42:01:02:03:04:05")
        }
        return address
      },
      print: { address, text in text.word(address.address.description) })
  }
}
