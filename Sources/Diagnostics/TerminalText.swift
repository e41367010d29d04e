/// A message for a terminal or a log. Its literal parts, line ends included, are printed unchanged. Interpolated values are escaped
/// by ``Escaping/line(_:)-(String)``, so that a name or path from an input cannot begin a new line.
public struct TerminalText: Sendable, ExpressibleByStringInterpolation {
  /// The escaped text, ready to print.
  public private(set) var string: String

  /// Creates a message from a literal, which is printed unchanged.
  public init(stringLiteral value: String) { string = value }
  /// Creates a message from a string with interpolated values.
  public init(stringInterpolation: StringInterpolation) { string = stringInterpolation.string }

  /// Creates a message from several lines, each escaped on its own.
  ///
  /// - Parameter lines: a rendered report, or the text of a library.
  public init(lines: String) { string = Escaping.lines(lines) }

  /// Creates a message from escaped text.
  ///
  /// - Parameter escaped: text that a renderer has already escaped and may have coloured.
  public init(escaped: String) { string = escaped }

  /// Appends a message. A long one that is interpolated into a new one each time would be copied as often.
  public static func += (left: inout TerminalText, right: TerminalText) { left.string += right.string }

  /// The same message, shortened in the middle if it is longer than ``Quotation`` allows.
  public var shortened: TerminalText { TerminalText(escaped: Quotation.shortened(string)) }

  /// Collects the parts of an interpolated message and escapes the values.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var string = ""

    /// Creates an empty interpolation with room for the literal parts.
    public init(literalCapacity: Int, interpolationCount: Int) { string.reserveCapacity(literalCapacity) }

    /// Appends a literal part unchanged.
    public mutating func appendLiteral(_ literal: String) { string += literal }
    /// Appends another message, which is already escaped.
    public mutating func appendInterpolation(_ text: TerminalText) { string += text.string }
    /// Appends a string, escaped.
    public mutating func appendInterpolation(_ value: String) { string += Escaping.line(value) }
    /// Appends any other value, escaped.
    public mutating func appendInterpolation(_ value: some Any) { string += Escaping.line("\(value)") }
  }
}
