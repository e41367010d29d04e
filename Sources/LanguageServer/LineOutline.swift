import Diagnostics
import Syntax
import XTables

/// What one line says of tables and chains, read without the other lines.
struct LineOutline: Sendable {
  /// How a line uses the name of a chain.
  enum Role: Sendable {
    /// `:CHAIN` or `-N CHAIN`.
    case declares
    /// `-A CHAIN` and the other commands.
    case changes
    /// `-j CHAIN` or `-g CHAIN`; the name may be that of a target instead.
    case jumps
  }

  /// A name of a chain in the line.
  struct Mention: Sendable {
    let name: String
    /// The bytes of the name in the line.
    let range: Range<Int>
    let role: Role
  }

  let kind: LineSyntax.Kind
  /// The name after `*`; it may be of no table.
  let table: String?
  let mentions: [Mention]
  /// The counters before a rule or behind a policy.
  let counters: Counters?

  private static let commands: Set<String> = [
    "-A", "-I", "-D", "-R", "-C", "-F", "-Z", "-X", "-P", "-L", "-S", "--append", "--insert", "--delete", "--replace", "--check", "--flush",
    "--zero", "--delete-chain", "--policy", "--list", "--list-rules",
  ]
  private static let declarations: Set<String> = ["-N", "--new-chain"]
  private static let renames: Set<String> = ["-E", "--rename-chain"]
  static let jumps: Set<String> = ["-j", "-g", "--jump", "--goto"]

  init(_ bytes: [UInt8]) {
    // The newline: `COMMIT' without one is no COMMIT.
    let syntax = RulesetSyntax(SourceFile(name: "", bytes: bytes + [0x0a]))
    kind = syntax.lines.first?.kind ?? .blank
    switch kind {
    case .blank, .comment, .commit: (table, mentions, counters) = (nil, [], nil)
    case .table:
      table = String(decoding: bytes.dropFirst().prefix { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
      (mentions, counters) = ([], nil)
    case .chain:
      table = nil
      let fields = bytes[1...].split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
      mentions = fields.first.map { [Mention(name: String(decoding: $0, as: UTF8.self), range: $0.indices, role: .declares)] } ?? []
      counters = fields.count > 2 && fields[2].first == UInt8(ascii: "[") ? Counters(scanning: fields[2].dropFirst()) : nil
    case .command:
      table = nil
      mentions = Self.mentions(in: Self.words(bytes))
      counters = bytes.first == UInt8(ascii: "[") ? Counters(scanning: bytes[1...]) : nil
    }
  }

  /// The words of a rule, without counters before it; empty for a line that cannot be split.
  static func words(_ bytes: [UInt8]) -> [Token] {
    var start = 0
    if bytes.first == UInt8(ascii: "["), let close = bytes.firstIndex(of: UInt8(ascii: "]")) { start = close + 1 }
    return (try? Lexer.words(of: bytes, in: start..<bytes.count) { _ in }.tokens) ?? []
  }

  private static func mentions(in words: [Token]) -> [Mention] {
    var mentions: [Mention] = []
    func add(_ index: Int, _ role: Role) {
      guard index < words.count, !words[index].starts(with: "-") else { return }
      mentions.append(Mention(name: words[index].string, range: words[index].range.range, role: role))
    }
    for (index, word) in words.enumerated() where word.starts(with: "-") {
      let name = word.string
      if commands.contains(name) {
        add(index + 1, .changes)
      } else if declarations.contains(name) {
        add(index + 1, .declares)
      } else if renames.contains(name) {
        add(index + 1, .changes)
        add(index + 2, .declares)
      } else if jumps.contains(name) {
        add(index + 1, .jumps)
      } else if let attached = attachedJump(word) {
        mentions.append(attached)
      }
    }
    return mentions
  }

  /// The chain of `-jCHAIN` or `--jump=CHAIN`.
  private static func attachedJump(_ word: Token) -> Mention? {
    let range = word.range.range
    guard range.count == word.bytes.count else { return nil }
    for lead in ["--jump=", "--goto=", "-j", "-g"] where word.starts(with: lead) && word.bytes.count > lead.utf8.count {
      // `--jump' alone does not begin with `-j', but `-j' begins no other option.
      let rest = word.bytes.dropFirst(lead.utf8.count)
      return Mention(
        name: String(decoding: rest, as: UTF8.self), range: range.lowerBound + lead.utf8.count..<range.upperBound, role: .jumps)
    }
    return nil
  }
}
