import Diagnostics

/// A quote that is opened and never closed.
public enum UnterminatedQuoteCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE009"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unterminated-quote"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a quote is never closed"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables-restore reads the rest of the line as part of the quoted word and reports no error. The options after the quote, often \
    the target, become part of the word, usually of a comment; so the rule has no effect. Add the closing quote.
    """
  /// The parser reports it; this check only adds its code.
  public static let adopts: Set<String> = ["unterminated-quote"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -m comment --comment ↓\"no end -j DROP\nCOMMIT\n",
      says: ["the quote is never closed; iptables-restore reads the rest of the line as part of the word"]),
    .good("*filter\n-A INPUT -m comment --comment \"an end\" -j DROP\nCOMMIT\n"),
  ]
}
