public import Wire

/// The text of a rule while it is printed: words separated by one blank, quoted where iptables-save quotes.
public struct RuleText: Sendable {
  /// The text so far.
  public private(set) var bytes: [UInt8] = []
  /// The names of protocols and the like, for the extensions that print names.
  public let names: NameDatabase
  /// The family of the rule, for addresses.
  public internal(set) var family: Family
  /// The protocol of the rule, for service names.
  public package(set) var protocolNumber: UInt8
  private let isContinued: Bool
  /// The offset of the current line.
  private var lineStart = 0
  /// Whether the text must be read back as the same rule. Where the output of iptables-save 1.8.9 is refused or read as another
  /// rule, the nearest form that gives the same rule is printed.
  public let isReloadable: Bool

  /// Creates an empty text.
  ///
  /// - Parameter isContinued: whether text precedes, so that a blank precedes the first word.
  public init(
    names: NameDatabase, family: Family = .ipv4, protocolNumber: UInt8 = 0, isContinued: Bool = false, isReloadable: Bool = false
  ) {
    self.isReloadable = isReloadable
    self.names = names
    self.family = family
    self.protocolNumber = protocolNumber
    self.isContinued = isContinued
  }

  /// The text as a string; invalid UTF-8 is replaced.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Appends a blank and a word, unquoted.
  public mutating func word(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends the name of an option, preceded by `!` if it is inverted.
  public mutating func option(_ name: String, inverted: Bool = false) {
    if inverted { word("!") }
    word(name)
  }

  /// Appends text without a blank before it.
  public mutating func glue(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Appends bytes of any encoding without a blank before them.
  public mutating func glue(bytes: some Sequence<UInt8>) { self.bytes.append(contentsOf: bytes) }

  /// Ends the line: the next word begins one.
  public mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    lineStart = bytes.count
  }

  /// Appends a blank and a word, quoted as by `xtables_save_string`: bare if it has only letters, digits, `_` and `-`.
  public mutating func quoted(_ value: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: Self.quote(value))
  }

  /// A word as `xtables_save_string` quotes it: bare if it can be, otherwise in `"`, with a backslash before `"`, `'` and `\`.
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
    if isContinued || bytes.count > lineStart { bytes.append(UInt8(ascii: " ")) }
  }
}
