import Diagnostics

/// A quote that is opened and never closed.
public enum UnterminatedQuoteCheck: Check {
  public static let code = "FE009"
  public static let id = "unterminated-quote"
  public static let title = "a quote is never closed"
  public static let rationale = """
    iptables-restore takes the rest of the line into the quoted word and goes on without an error: options behind it, often the \
    target, become part of a comment, and the rule does nothing.
    """
  public static let adopts: Set<String> = ["unterminated-quote"]
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -m comment --comment ↓\"no end -j DROP\nCOMMIT\n",
      says: ["the quote is never closed; iptables-restore takes the rest of the line into it"]),
    .good("*filter\n-A INPUT -m comment --comment \"an end\" -j DROP\nCOMMIT\n"),
  ]
}
