/// A line of documentation that is also a test: text → rule → text → blob → rule must agree.
public struct Example: Sendable {
  /// What follows `-m name` or `-j name`.
  public let text: String
  /// What iptables-save prints for it; the text itself where nothing else is said, nothing where it must be refused.
  public let saved: String?
  /// What must stand before it in the rule: `-p tcp`.
  public let before: String
  public let family: Family?
  public let table: TableName

  /// A text that is taken and saved as written, or as `saved`.
  public static func accepts(
    _ text: String, saved: String? = nil, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: saved ?? text, before: before, family: family, table: table)
  }

  /// A text that user space refuses.
  public static func rejects(
    _ text: String, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: nil, before: before, family: family, table: table)
  }
}
