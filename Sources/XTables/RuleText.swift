public import Wire

/// The text of a rule as it is being printed: words separated by one blank, quoted where iptables-save quotes.
public struct RuleText: Sendable {
  public private(set) var bytes: [UInt8] = []
  /// Whether protocol names and the like are looked up here; `-n` listings and files alike use names for protocols only.
  public let names: NameDatabase
  /// The family of the rule, for addresses.
  public internal(set) var family: Family
  /// The protocol of the rule, for the names of ports.
  public package(set) var protocolNumber: UInt8
  private let isContinued: Bool
  /// Where iptables-save 1.8.9 prints what iptables-restore refuses, or reads as another rule, the nearest form that is read back as
  /// the same rule is printed instead.
  public let isReloadable: Bool

  /// - Parameter isContinued: something stands before, so that the first word too comes after a blank.
  public init(
    names: NameDatabase, family: Family = .ipv4, protocolNumber: UInt8 = 0, isContinued: Bool = false, isReloadable: Bool = false
  ) {
    self.isReloadable = isReloadable
    self.names = names
    self.family = family
    self.protocolNumber = protocolNumber
    self.isContinued = isContinued
  }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Appends a word after a blank, as it stands.
  public mutating func word(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends an option's name, with `!` before it where it is inverted.
  public mutating func option(_ name: String, inverted: Bool = false) {
    if inverted { word("!") }
    word(name)
  }

  /// Appends bytes as the last word's continuation.
  public mutating func glue(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Appends bytes of any encoding as the last word's continuation.
  public mutating func glue(bytes: some Sequence<UInt8>) { self.bytes.append(contentsOf: bytes) }

  /// Appends a word quoted as `xtables_save_string` does: bare if it is made of letters, digits, `_` and `-` only.
  public mutating func quoted(_ value: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: Self.quote(value))
  }

  public static func quote(_ value: some Collection<UInt8>) -> [UInt8] {
    if !value.isEmpty, value.allSatisfy(isBare) { return Array(value) }
    var result = [UInt8(ascii: "\"")]
    for byte in value {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "'") {
        result.append(UInt8(ascii: "\\"))
      }
      result.append(byte)
    }
    result.append(UInt8(ascii: "\""))
    return result
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private mutating func separate() {
    if isContinued || !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
  }
}
