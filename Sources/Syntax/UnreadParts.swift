import Diagnostics
import Synchronization
import XTables

/// A match or target of a rule that is kept unread.
struct UnreadPlace {
  enum Part {
    case match(Int)
    case target
  }

  /// The match, by its index in the rule, or the target.
  let part: Part
  /// The index of the word after those that it has taken.
  var end: Int
}

/// Keeps the parts of a rule that nothing here can read: matches and targets without an extension, and host names where names are
/// not resolved. The rest of the rule is read, so that it still decides the packets to which the rule does not apply.
extension CommandRun {
  mutating func keepUnreadMatch(_ name: Token) {
    let word = ["-m", name.string].joined(separator: " ")
    builder.matches.append(RuleBuilder.Pending(unread: .match, name.string, text: "-m" + Self.word(name), because: reason(word, .match)))
    unread = UnreadPlace(part: .match(builder.matches.count - 1), end: at)
  }

  mutating func keepUnreadTarget(_ name: Token) {
    let word = ["-j", name.string].joined(separator: " ")
    builder.target = RuleBuilder.Pending(unread: .target, name.string, text: "-j" + Self.word(name), because: reason(word, .target))
    unread = UnreadPlace(part: .target, end: at)
  }

  private func reason(_ subject: String, _ kind: ExtensionDescriptor.Kind) -> UnknownReason {
    unreadByDemand.isEmpty
      ? UnknownReason(subject, needs: "its meaning: Ferrule knows no \(kind.rawValue) of this name")
      : UnknownReason(subject, needs: "the address of the host name, which is not resolved here")
  }

  /// Whether an option belongs to iptables itself or to an extension that can be read, and not to the unread one at `place`.
  ///
  /// As with `getopt_long`, an option of an extension that was named earlier is taken only if it was not given yet. Abbreviations
  /// are not considered, because the names of the unread options are not known.
  func isKnown(_ name: ArraySlice<UInt8>, after place: UnreadPlace) -> Bool {
    switch OptionScanner.exact(name, in: builder) {
    case .global, .target: return true
    case .match(let index, let option):
      let match = builder.matches[index]
      if case .match(let unread) = place.part, index > unread { return true }
      return !match.seen.contains(index: option) || match.descriptor.options[option].isRepeatable
    case nil: return impliedMatch()?.optionNames.contains { $0.bytes.elementsEqual(name) } ?? false
    }
  }

  /// Gives a word and the arguments behind it to an unread match or target.
  mutating func takeUnread(_ place: UnreadPlace, _ word: OptionWord) {
    var text = inverted ? " !" : ""
    text += Self.word(words[word.index])
    while at < words.count, isArgument(at) || isMarkOfArgument(at) {
      text += Self.word(words[at])
      at += 1
    }
    switch place.part {
    case .match(let index): builder.matches[index].payload += Array(text.utf8)
    case .target:
      builder.target?.payload += Array(text.utf8)
      firstTargetWord = firstTargetWord ?? word
    }
    unread?.end = at
  }

  /// Whether a word is an argument and no option. A number may be negative, but `-4` and `-6` are options of iptables.
  private func isArgument(_ index: Int) -> Bool {
    if words.length(of: index) == 1 { return !words.starts(index, with: UInt8(ascii: "!")) }
    guard words.starts(index, with: UInt8(ascii: "-")) else { return true }
    let isNumber = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(words.byte(of: index, at: 1))
    return isNumber && !(words[index] == "-4" || words[index] == "-6")
  }

  /// Whether a word is the `!` of old rulesets, between an option and its argument.
  private func isMarkOfArgument(_ index: Int) -> Bool { words[index] == "!" && index + 1 < words.count && isArgument(index + 1) }

  /// A blank and a word as it is read back.
  private static func word(_ token: Token) -> String {
    let isPlain = !token.bytes.isEmpty && !token.bytes.contains { Lexer.isSpace($0) || [0x22, 0x27, 0x5C].contains($0) }
    return " " + (isPlain ? token.string : String(decoding: RuleText.quote(token.bytes), as: UTF8.self))
  }

  // MARK: Host names

  /// The addresses of `-s` or `-d`. A host name that is not resolved makes the test opaque.
  mutating func addresses(of word: Token, _ test: RuleHeader.Inverted) throws(OptionError) -> AddressList {
    do throws(OptionError) {
      return try AddressSyntax.parse(word, parser.family, parser.names, parser.remarks)
    } catch {
      guard parser.keepsUnread, error.id == OptionError.unresolvedHost else { throw error }
      parser.remarks?.add(.unresolvedHost(error, at: error.range ?? range))
      let text = (builder.header.inverted.contains(test) ? "! " : "") + (test == .source ? "-s" : "-d") + Self.word(word)
      builder.header.inverted.remove(test)
      let needs = UnknownReason(text, needs: "the address of the host name, which is not resolved here")
      var pending = RuleBuilder.Pending(unread: .match, test == .source ? "-s" : "-d", text: text, because: needs)
      pending.finishUnread()
      builder.matches.insert(pending, at: test == .source ? 0 : builder.matches.prefix { $0.descriptor.isUnreadAddress }.count)
      return AddressList()
    }
  }
}

extension CommandParser {
  /// Reads a line again of which extensions have host names in their options, with those extensions kept unread.
  func parse(
    _ words: LineWords, table: TableName, range: SourceRange, after failure: OptionError, of extension: String?,
    notices: inout [String], isChain: (TableName, String) -> Bool
  ) throws(OptionError) -> Command {
    _ = remarks?.take()
    var unread: Set<String> = []
    var (error, owner) = (failure, `extension`)
    var found: [Diagnostic] = []
    while let name = owner, error.id == OptionError.unresolvedHost, unread.insert(name).inserted {
      found.append(.unresolvedHost(error, at: error.range ?? range))
      var run = CommandRun(parser: self, words: words, table: table, range: range)
      run.unreadByDemand = unread
      do throws(OptionError) {
        let command = try parse(&run, notices: &notices, isChain: isChain)
        for remark in found { remarks?.add(remark) }
        return command
      } catch let next {
        _ = remarks?.take()
        (error, owner) = (next, run.failedExtension)
      }
    }
    throw error
  }
}

extension RuleBuilder.Pending {
  /// Creates a match or target that is kept unread.
  init(unread kind: ExtensionDescriptor.Kind, _ name: String, text: String, because reason: UnknownReason) {
    self.init(ExtensionDescriptor(unread: kind, named: name, length: 0, because: reason))
    payload = Array(text.utf8)
    unreadReason = reason
  }

  var isUnread: Bool { unreadReason != nil }
}

extension Diagnostic {
  /// The warning about a part of a rule that is kept unread.
  static func keptUnread(_ error: OptionError, at range: SourceRange, as id: String? = nil) -> Diagnostic {
    Diagnostic(
      id ?? error.id, .warning, error.message.trimmingNewlines, at: range,
      notes: (error.hint.map { [Diagnostic.Note($0)] } ?? [])
        + [Diagnostic.Note("the rule is kept as it is written; whether it applies to a packet is unknown")],
      legacyStatus: error.legacyStatus)
  }

  /// The note about a host name that is not resolved.
  static func unresolvedHost(_ error: OptionError, at range: SourceRange) -> Diagnostic {
    Diagnostic(
      error.id, .note, "the host name is not resolved here, so whether the rule applies to a packet is unknown", at: range,
      notes: [Diagnostic.Note("iptables-restore resolves it once, when the rule is loaded")])
  }

  /// The note about a host name that was resolved.
  static func resolvedHost(_ name: String, as addresses: [String], at range: SourceRange) -> Diagnostic {
    Diagnostic(
      "resolved-host", .note, "the host name `\(name)' is resolved now, as \(addresses.joined(separator: ", "))", at: range,
      notes: [Diagnostic.Note("the loaded rule keeps these addresses, also when the name gets others")])
  }
}

/// Collects what is to be said about lines that are read without a mistake.
public final class RuleRemarks: Sendable {
  private let collected = Mutex<[Diagnostic]>([])

  /// Creates an empty collection.
  public init() {}

  func add(_ diagnostic: Diagnostic) { collected.withLock { $0.append(diagnostic) } }

  /// Returns the remarks and removes them.
  func take() -> [Diagnostic] {
    collected.withLock { collected in
      defer { collected = [] }
      return collected
    }
  }
}
