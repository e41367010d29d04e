/// A value of a YAML or JSON document and the place where it stands. An alias and its anchor share one value.
final class DocumentValue {
  enum Content {
    case scalar(String, Style)
    case sequence([DocumentValue])
    case mapping([(key: DocumentValue, value: DocumentValue)])
  }

  /// How a scalar is written.
  enum Style {
    case plain
    case singleQuoted
    case doubleQuoted
    /// A text in lines of its own behind `|` or `>`.
    case block
  }

  let content: Content
  /// From 1.
  let line: Int
  /// From 1, in Unicode scalars.
  let column: Int
  /// The levels of lists and mappings in it; 0 for a scalar.
  let height: Int

  init(_ content: Content, line: Int, column: Int) {
    self.content = content
    self.line = line
    self.column = column
    height =
      switch content {
      case .scalar: 0
      case .sequence(let elements): 1 + (elements.lazy.map(\.height).max() ?? 0)
      case .mapping(let members): 1 + (members.lazy.map { max($0.key.height, $0.value.height) }.max() ?? 0)
      }
  }
}
