/// An inclusive range of ports, as in `xt_tcp.spts`.
public struct PortRange: BitwiseCopyable, Sendable, Hashable {
  /// The lower end, in host byte order.
  public var low: UInt16
  /// The upper end, in host byte order.
  public var high: UInt16

  /// Creates a range, by default of all ports.
  public init(_ low: UInt16 = 0, _ high: UInt16 = .max) {
    self.low = low
    self.high = high
  }

  /// All ports.
  public static let all = PortRange()
}

extension NameDatabase {
  /// A port by number or by service name. The corresponding C function is `xtables_parse_port`.
  public func port(_ token: Token, protocol number: UInt8, _ arguments: OptionArguments) throws(OptionError) -> UInt16 {
    if let value = token.unsigned, value <= 65535 { return UInt16(value) }
    let name = BuiltinProtocol.savedName(number)
    if token.unsigned == nil, let port = port(token.string, name) { return port }
    throw OptionError(
      "invalid-port", "invalid port/service `\(token.string)' specified", at: token.range,
      hint: token == "!"
        ? "write `! \(arguments.option)`: the exclamation mark must be before the option"
        : "a port is a number from 0 to 65535 or a service name")
  }
}

extension ValueSyntax where Value == PortRange {
  /// `port`, `low:high`, `low:` or `:high`. The corresponding C function is `parse_tcp_ports`.
  public static var portRange: ValueSyntax {
    ValueSyntax(
      placeholder: "port[:port]", grammar: "port | [ port ] \":\" [ port ]",
      samples: ["80", "0", "65535", "1024:65535", ":1023", "1024:", "0:65535"],
      nearMisses: ["65536", "-1", "a:b:c", "80:79999", "nosuchservice"], greatest: 65535, plain: .ports,
      parse: { token, arguments throws(OptionError) in
        let number = arguments.draft.protocolNumber
        guard let (before, after) = token.cut(at: ":") else {
          let port = try arguments.names.port(token, protocol: number, arguments)
          return PortRange(port, port)
        }
        let low = before.bytes.isEmpty ? 0 : try arguments.names.port(before, protocol: number, arguments)
        let high = after.bytes.isEmpty ? .max : try arguments.names.port(after, protocol: number, arguments)
        guard low <= high else {
          throw OptionError("invalid-port", "invalid portrange (min > max)", at: token.range, hint: "swap the two ports")
        }
        return PortRange(low, high)
      },
      print: { range, text in
        text.word(range.low == range.high ? String(range.low) : "\(range.low):\(range.high)")
      })
  }
}

extension ValueSyntax where Value == PortRange {
  /// `port`, `low:high`, `low:` or `:high` with the two ports in either order. The corresponding C type is `XTTYPE_PORTRC`.
  public static var portComponents: ValueSyntax {
    ValueSyntax(
      placeholder: "port[:port]", grammar: "port | [ port ] \":\" [ port ]",
      samples: ["80", "0", "65535", "1024:65535", ":1023", "1024:"], nearMisses: ["-1", "a:b:c", "nosuchservice"],
      greatest: 65535, plain: .ports,
      parse: { token, arguments throws(OptionError) in
        let parts = token.split(on: ":")
        guard parts.count <= 2 else {
          throw arguments.refused("bad-value", "Too many components for option \"\(arguments.option)\" (max: 2)")
        }
        var range = PortRange.all
        for (index, part) in parts.enumerated() where !part.bytes.isEmpty {
          let port = try part.resolvedPort(arguments)
          if index == 0 { range.low = port } else { range.high = port }
        }
        if parts.count == 1 { range.high = range.low }
        return range
      },
      print: { range, text in
        text.word(range.low == range.high ? String(range.low) : "\(range.low):\(range.high)")
      })
  }
}

extension Token {
  /// A port by decimal number or by a service name of any protocol. The corresponding C type is `XTTYPE_PORT`.
  ///
  /// iptables calls the system's resolver, which reads a signed 32-bit number and keeps its low 16 bits.
  public func resolvedPort(_ arguments: OptionArguments) throws(OptionError) -> UInt16 {
    if bytes.isEmpty { return 0 }
    if let number = CNumber(bytes, base: .decimal), number.rest.isEmpty {
      let value = Int32(truncatingIfNeeded: number.wrapped)
      if value >= 0 { return arguments.keep(number, as: UInt16(truncatingIfNeeded: value), of: self) }
    }
    if let port = arguments.names.port(string, nil) { return port }
    throw OptionError(
      "invalid-port", "Port \"\(string)\" does not resolve to anything.", at: range,
      hint: "a port is a number from 0 to 65535 or a service name")
  }
}
