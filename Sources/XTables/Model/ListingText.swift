import Wire

/// Shared parts of the listings (`iptables -L`) of several extensions.
extension RuleText {
  /// Appends a value as its option prints it, without a blank before it.
  public mutating func glue<Value>(_ syntax: ValueSyntax<Value>, _ value: Value) {
    var text = RuleText(names: names, family: family, protocolNumber: protocolNumber)
    syntax.print(value, &text)
    glue(bytes: text.bytes)
  }

  /// Appends a mark and its mask in hexadecimal, or the name of the mark in a table of iproute2.
  ///
  /// The corresponding C functions are `xtables_print_val_mask` and `xtables_print_mark_mask`.
  public mutating func mark(_ mark: Masked<UInt32>, names table: String? = nil) {
    let value = "0x" + String(mark.value, radix: 16)
    guard mark.mask == .max else { return word("\(value)/0x\(String(mark.mask, radix: 16))") }
    word(table.flatMap { names.routeName(mark.value, $0) } ?? value)
  }

  /// Appends how a target changes a mark: the bits that it clears and flips, in the shortest of five forms.
  public mutating func markChange(_ change: Masked<UInt32>) {
    let value = "0x" + String(change.value, radix: 16)
    if change.value == 0 {
      word("and 0x" + String(~change.mask, radix: 16))
    } else if change.value == change.mask {
      word("or \(value)")
    } else if change.mask == 0 {
      word("xor \(value)")
    } else {
      word(change.mask == .max ? "set \(value)" : "xset \(value)/0x\(String(change.mask, radix: 16))")
    }
  }

  /// Appends `name:80` or `names:1:10`, or nothing if the range is complete and not inverted.
  ///
  /// The corresponding C functions are those named `print_ports`.
  /// - Parameter protocolName: the protocol whose service names are used; nil for numbers.
  public mutating func ports(_ name: String, _ range: PortRange, inverted: Bool, protocolName: String?) {
    if range == PortRange(0, .max), !inverted { return }
    let not = inverted ? "!" : ""
    if range.low == range.high {
      word("\(name):\(not)\(port(range.low, protocolName))")
    } else {
      word("\(name)s:\(not)\(port(range.low, protocolName)):\(port(range.high, protocolName))")
    }
  }

  /// The service name of a port, or its number.
  public func port(_ number: UInt16, _ protocolName: String?) -> String {
    protocolName.flatMap { names.serviceName(number, $0) } ?? String(number)
  }

  /// Appends `name:5` or `names:1:9` without a blank, or nothing if the range is complete and not inverted.
  ///
  /// The corresponding C functions are those named `print_spis`.
  public mutating func range(_ name: String, _ range: NumberRange<UInt32>, inverted: Bool) {
    if range == .all, !inverted { return }
    let not = inverted ? "!" : ""
    glue(range.low == range.high ? "\(name):\(not)\(range.low)" : "\(name)s:\(not)\(range.low):\(range.high)")
  }

  /// Appends an address and its mask. Without `-n`, the host name, or `anywhere` for the zero address.
  public mutating func network(_ network: InetNetwork, numeric: Bool) {
    let bits = network.address.bits(family)
    if !numeric, bits == 0 { return word("anywhere") }
    if !numeric, let name = names.hostName(bits, family) { word(name) } else { address(network.address) }
    mask(network.mask)
  }

  /// The number as `0x` and at least `digits` hexadecimal digits.
  public static func hex(_ value: some FixedWidthInteger & UnsignedInteger, digits: Int, uppercase: Bool = false) -> String {
    let text = String(value, radix: 16, uppercase: uppercase)
    return "0x" + String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
