import Wire

/// The shared options of SNAT, DNAT, MASQUERADE and REDIRECT.
extension Option where Info: TranslationRangeHolder {
  /// `[address[-address]][:port[-port[/port]]]`. An IPv6 address before ports is in brackets. The corresponding C function is
  /// `parse_to` of libxt_NAT.
  public static func translation(_ name: String, _ summary: String) -> Option {
    Option(
      name, arity: 1, placeholder: "[address[-address]][:port[-port[/port]]]", grammar: "translation",
      samples: ["10.0.0.1", "10.0.0.1-10.0.0.9", "2001:db8::1", "[2001:db8::1]:80"], nearMisses: ["10.0.0.256", "[10.0.0.1"],
      .mandatory, summary,
      read: { info, arguments throws(OptionError) in
        var range = info.range
        try range.readAddresses(arguments)
        info.range = range
      },
      write: { info, text in
        let range = info.range
        guard !range.flags.isDisjoint(with: [.addresses, .ports]) else { return }
        text.option(name)
        range.write(to: &text)
      })
  }

  /// `port[-port]`. The corresponding C function is `parse_ports` of libxt_NAT.
  public static func translationPorts(_ summary: String) -> Option {
    Option(
      "--to-ports", arity: 1, placeholder: "port[-port]", grammar: "port [ \"-\" number ]",
      samples: ["80", "0", "1024-65535"], nearMisses: ["65536", "1:2", "9-8", "-1"], .plain, summary,
      read: { info, arguments throws(OptionError) in
        var range = info.range
        try range.readPorts(arguments.token, arguments)
        info.range = range
      },
      write: { info, text in
        guard info.range.flags.contains(.ports) else { return }
        text.option("--to-ports")
        text.word(info.range.portText)
      })
  }

  /// An option without an argument that sets a flag, such as `--random`.
  public static func translationFlag(_ name: String, _ flag: TranslationFlags, _ summary: String) -> Option {
    Option(
      flag: name,
      present: Presence(get: { $0.range.flags.contains(flag) }, set: { $0.range.flags.insert(flag) }), .plain, summary)
  }
}

extension TranslationRange {
  fileprivate mutating func readAddresses(_ arguments: OptionArguments) throws(OptionError) {
    let token = arguments.token
    let family = arguments.draft.family
    var addresses = token
    var ports: Token?
    if let (before, inside) = token.cut(at: "[") {
      guard family == .ipv6, let (bracketed, rest) = inside.cut(at: "]") else {
        throw OptionError(
          "bad-address", "Invalid address format", at: token.range,
          hint: family == .ipv6 ? "close the bracket" : "brackets are for IPv6 addresses")
      }
      addresses = bracketed
      ports = rest.cut(at: ":")?.after
      // Empty brackets mean no address. iptables ignores the text before them.
      if ports != nil, before.bytes.isEmpty, bracketed.bytes.isEmpty, rest.starts(with: ":") {
        addresses = Token(bracketed.bytes, at: token.range)
        return try readPorts(ports ?? token, arguments)
      }
    } else if let (before, after) = token.cut(at: ":"), after.cut(at: ":") == nil {
      // One colon separates the ports; several belong to an IPv6 address.
      addresses = before
      ports = after
    }
    if let ports {
      try readPorts(ports, arguments)
      if addresses.bytes.isEmpty { return }
    }
    flags.insert(.addresses)
    let ends = addresses.cut(at: "-")
    firstAddress = try Self.address(ends?.before ?? addresses, family)
    lastAddress = try ends.map { (end) throws(OptionError) in try Self.address(end.after, family) } ?? firstAddress
  }

  private static func address(_ token: Token, _ family: Family) throws(OptionError) -> InetAddress {
    if let address = IPAddress(token.string), address.family == family { return InetAddress(address) }
    throw OptionError(
      "bad-address", "Bad IP address \"\(token.string)\"", at: token.range,
      hint: family == .ipv4 ? "write an IPv4 address, or two joined by a dash" : "write an IPv6 address, or two joined by a dash")
  }

  fileprivate mutating func readPorts(_ token: Token, _ arguments: OptionArguments) throws(OptionError) {
    // ICMP is in the list because its identifier is translated like a port.
    guard [6, 17, 132, 33, 1].contains(arguments.draft.protocolNumber) else {
      throw OptionError(
        "port-without-protocol", "Need TCP, UDP, SCTP or DCCP with port specification", at: token.range,
        hint: "put -p tcp or -p udp before it")
    }
    flags.insert(.ports)
    guard let first = UnsignedText.prefix(token.bytes), first.value <= 65535 else {
      guard let port = arguments.names.port(token.string, nil) else { throw Self.invalidPort(token.string, at: token) }
      (firstPort.value, lastPort.value) = (port, port)
      return
    }
    (firstPort.value, lastPort.value) = (UInt16(first.value), UInt16(first.value))
    guard let separator = first.rest.first else { return }
    guard separator == UInt8(ascii: "-") else {
      let rest = String(decoding: first.rest, as: UTF8.self)
      throw OptionError(
        "bad-value",
        separator == UInt8(ascii: ":") ? "Invalid port:port syntax - use dash" : "Garbage after port value: `\(rest)'",
        at: token.range, hint: "join two ports by a dash")
    }
    let upper = first.rest.dropFirst()
    let upperText = String(decoding: upper, as: UTF8.self)
    guard let last = UnsignedText.prefix(upper), last.value <= 65535 else { throw Self.invalidPort(upperText, at: token) }
    guard first.value <= last.value else {
      throw OptionError("bad-value", "Port range `\(upperText)' funky", at: token.range, hint: "swap the two ports")
    }
    lastPort.value = UInt16(last.value)
    try readBase(last.rest, token, arguments)
  }

  private mutating func readBase(
    _ bytes: ArraySlice<UInt8>, _ token: Token, _ arguments: OptionArguments
  ) throws(OptionError) {
    guard let separator = bytes.first else { return }
    let base = String(decoding: bytes.dropFirst(), as: UTF8.self)
    guard separator == UInt8(ascii: "/") else {
      throw OptionError(
        "bad-value", "Garbage after port range: `\(String(decoding: bytes, as: UTF8.self))'", at: token.range,
        hint: "after the port range only /base can follow")
    }
    flags.insert(.portOffset)
    if let number = UnsignedText.prefix(bytes.dropFirst()), (1...65535).contains(number.value) {
      // iptables ignores the text after the number.
      basePort.value = UInt16(number.value)
    } else if let port = arguments.names.port(base, nil) {
      basePort.value = port
    } else {
      throw Self.invalidPort(base, at: token)
    }
  }

  private static func invalidPort(_ text: String, at token: Token) -> OptionError {
    OptionError(
      "invalid-port", "Port `\(text)' not valid", at: token.range,
      hint: "a port is a number from 0 to 65535 or a service name")
  }

  /// Appends the range. The corresponding C function is `sprint_range` of libxt_NAT.
  fileprivate func write(to text: inout RuleText) {
    var word = ""
    if flags.contains(.addresses) {
      let first = firstAddress.address(text.family).description
      let last = lastAddress.address(text.family).description
      word = firstAddress == lastAddress ? first : "\(first)-\(last)"
      if text.family == .ipv6, flags.contains(.ports) { word = "[\(word)]" }
    }
    text.word(flags.contains(.ports) ? word + ":" + portText : word)
  }

  /// Appends the form of `iptables -L`: the range after a label, then the flags.
  ///
  /// The corresponding C function is `__NAT_print`.
  public func list(_ label: String, skipsColon: Bool = false, to text: inout RuleText) {
    if !flags.isDisjoint(with: [.addresses, .ports]) {
      var range = RuleText(names: text.names, family: text.family)
      write(to: &range)
      text.word(label + (skipsColon && range.string.hasPrefix(":") ? String(range.string.dropFirst()) : range.string))
    }
    let choices: [(TranslationFlags, String)] = [
      (.random, "random"), (.randomFully, "random-fully"), (.persistent, "persistent"),
    ]
    for (choice, name) in choices where flags.contains(choice) { text.word(name) }
  }

  fileprivate var portText: String {
    var text = String(firstPort.value)
    if lastPort != firstPort { text += "-\(lastPort.value)" }
    if flags.contains(.portOffset) { text += "/\(basePort.value)" }
    return text
  }
}
