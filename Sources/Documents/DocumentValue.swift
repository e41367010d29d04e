/// A value of a YAML or JSON document with its place. An alias and its anchor share one value.
package final class DocumentValue {
  package enum Content {
    case scalar(String, Style)
    case sequence([DocumentValue])
    case mapping([(key: DocumentValue, value: DocumentValue)])
  }

  /// The style in which a scalar is written.
  package enum Style {
    case plain
    case singleQuoted
    case doubleQuoted
    /// A block scalar after `|` or `>`.
    case block
  }

  package let content: Content
  /// The line, from 1.
  let line: Int
  /// The column in Unicode scalars, from 1.
  let column: Int
  /// The nesting depth of the value; 0 for a scalar.
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
