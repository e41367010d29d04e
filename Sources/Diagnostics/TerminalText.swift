/// A message for a terminal or a log. Its literal parts, line ends among them, are printed as they stand; what is interpolated is escaped by
/// ``Escaping/line(_:)-(String)``, so that a name or a path from an input can't begin a line.
public struct TerminalText: Sendable, ExpressibleByStringInterpolation {
  public let string: String

  public init(stringLiteral value: String) { string = value }
  public init(stringInterpolation: StringInterpolation) { string = stringInterpolation.string }

  /// - Parameter lines: text of which every line is escaped by itself, such as a rendered report or what a library says of several lines.
  public init(lines: String) { string = Escaping.lines(lines) }

  /// - Parameter escaped: text that a renderer has escaped, and may have coloured.
  public init(escaped: String) { string = escaped }

  /// The same message with its middle left out where it quotes more than ``Limits/quotedBytes`` of an input.
  public var shortened: TerminalText { TerminalText(escaped: Quotation.shortened(string)) }

  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var string = ""

    public init(literalCapacity: Int, interpolationCount: Int) { string.reserveCapacity(literalCapacity) }

    public mutating func appendLiteral(_ literal: String) { string += literal }
    public mutating func appendInterpolation(_ text: TerminalText) { string += text.string }
    public mutating func appendInterpolation(_ value: some Any) { string += Escaping.line("\(value)") }
  }
}
