public import Diagnostics
import XTables

/// Finds values between quotes that are not double quotes.
public enum LiteralQuoteCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE045"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "literal-quote"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a word has single quotes as part of it"
  /// The group under which it is listed.
  public static let group = CheckGroup.text
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables-restore knows only double quotes. Single quotes, and the curly quotes of word processors, become part of the value: a \
    comment, a log prefix or a name then begins with a quote. Write double quotes.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -m comment --comment ↓'web' -j ACCEPT\nCOMMIT\n", says: ["the quotes are part of the value: write \"web\""]),
    .bad("*filter\n-A INPUT -j LOG --log-prefix ↓“in:”\nCOMMIT\n", says: ["the quotes are part of the value: write \"in:\""]),
    .good("*filter\n-A INPUT -m comment --comment \"it's the web\" -j ACCEPT\nCOMMIT\n"),
  ]

  private static let pairs: [(open: String, close: String)] = [
    ("'", "'"), ("\u{201C}", "\u{201D}"), ("\u{2018}", "\u{2019}"), ("\u{AB}", "\u{BB}"),
  ]

  /// Reports each word between quotes that are not double quotes.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.words.compactMap { word in
      guard let first = word.bytes.first, first == UInt8(ascii: "'") || first >= 0x80, word.range.range.count == word.bytes.count else {
        return nil
      }
      let text = word.string
      for (open, close) in pairs where text.hasPrefix(open) && text.hasSuffix(close) && text.count > 2 {
        return finding("the quotes are part of the value: write \"\(text.dropFirst().dropLast())\"", at: word.range)
      }
      return nil
    }
  }
}
