import Wire

/// How the values of a field are written in messages.
public enum FieldForm: Sendable {
  /// A decimal number.
  case number
  /// A hexadecimal number with `0x`.
  case hexadecimal
  /// `yes` for 1 and `no` for 0.
  case yesOrNo
  /// An IPv4 or IPv6 address.
  case address
  /// A hardware address: six hexadecimal bytes with colons.
  case hardwareAddress
  /// The name of an interface, from ``Interface/key``; 0 for none.
  case interface
  /// Names for some values, numbers for the others.
  case names(KeyValuePairs<UInt128, String>)
  /// A name for each bit, comma-separated; hexadecimal if no named bit is set.
  case flags(KeyValuePairs<UInt128, String>)
}

extension Field {
  /// How the values are written in messages.
  public var form: FieldForm { traits.declaredForm ?? (bits == 1 ? .yesOrNo : bits == 128 ? .address : .number) }

  /// A value as written in messages.
  public func text(_ value: UInt128) -> String {
    switch form {
    case .number: return "\(value)"
    case .hexadecimal: return "0x" + String(value, radix: 16)
    case .yesOrNo: return value == 0 ? "no" : "yes"
    case .address: return "\(IPAddress(family: value >> 32 == 0 ? .ipv4 : .ipv6, bits: value))"
    case .hardwareAddress: return "\(MACAddress(rawValue: UInt64(truncatingIfNeeded: value)))"
    case .interface: return value == 0 ? "none" : String(decoding: InterfacePattern(name: value, mask: .max).text, as: UTF8.self)
    case .names(let names): return names.first { $0.key == value }?.value ?? "\(value)"
    case .flags(let names):
      if value == 0 { return "none" }
      let set = names.filter { value & $0.key != 0 }.map(\.value)
      return set.isEmpty ? "0x" + String(value, radix: 16) : set.joined(separator: ",")
    }
  }

  /// The values that pass a test, or that do not, as written in messages.
  public func text(_ test: ValueTest, inverted: Bool = false) -> String {
    if case .masked(0, let mask) = test, mask & greatest != greatest { return (inverted ? "" : "none of ") + text(mask) }
    return (inverted ? "anything but " : "") + text(passing: test)
  }

  private func text(passing test: ValueTest) -> String {
    switch test {
    case .range(let range):
      return range.lowerBound == range.upperBound ? text(range.lowerBound) : "\(text(range.lowerBound)) to \(text(range.upperBound))"
    case .masked(let value, let mask):
      if mask & greatest == greatest { return text(value) }
      switch form {
      case .address:
        let family: Family = mask >> 32 == 0 ? .ipv4 : .ipv6
        return "\(IPAddress(family: family, bits: value))/" + (AddressMask(mask: mask).prefix(family).map { "\($0)" } ?? text(mask))
      case .interface: return String(decoding: InterfacePattern(name: value, mask: mask).text, as: UTF8.self)
      case .number, .names, .yesOrNo: return "\(text(value))/0x" + String(mask, radix: 16)
      case .hexadecimal, .hardwareAddress, .flags: return "\(text(value))/\(text(mask))"
      }
    }
  }
}
