import Diagnostics
import XTables

/// Parses the options of extensions that Ferrule does not declare.
extension CommandRun {
  /// Lets a foreign extension parse one of its options. The extension decides how many words it takes.
  mutating func takeForeign(
    _ pending: inout RuleBuilder.Pending, _ foreign: any ForeignExtension, option index: Int, word: OptionWord, attached: Token?
  ) throws(OptionError) {
    let option = pending.descriptor.options[index]
    let value = option.arity > 0 ? try argument(after: word, attached: attached) : option.mayHaveArgument ? attached : nil
    let call = ForeignOptionCall(
      option: index, isInverted: inverted, argument: value, words: words.tokens, next: at,
      draft: RuleDraft(builder.header, parser.family, table))
    do throws(OptionError) {
      let read = try foreign.read(call, into: pending.payload)
      pending.payload = read.state
      at = min(at + read.words, words.count)
    } catch {
      throw error.range == nil ? error.placed(at: word.range) : error
    }
    pending.seen.insert(index: index)
  }

  /// Reads a structure given as bytes after the name of its extension (`--ferrule-bytes`).
  mutating func takeStructure(_ kind: ExtensionDescriptor.Kind, named name: Token) throws(OptionError) -> RuleBuilder.Pending? {
    guard at < words.count, words.isOption(at, StructureBytes.option), StructureBytes.canName(kind, name.string) else { return nil }
    let word = OptionWord(index: at, range: words.range(of: at))
    at += 1
    let (revision, bytes) = try StructureBytes.parse(try argument(after: word, attached: nil))
    // A structure that a known extension can read is decoded.
    let (descriptor, payload) = parser.registry.decode(kind, kernelName: name.string, revision: revision, bytes, parser.family)
    return RuleBuilder.Pending(descriptor, structure: payload)
  }

  /// The error for an option after a structure that was given as bytes.
  func closed(_ pending: RuleBuilder.Pending, _ word: OptionWord) -> OptionError {
    OptionError(
      "exclusive-options",
      "\(pending.descriptor.name): option \"\(text(of: word))\" cannot be used together with \"\(StructureBytes.option)\".\n",
      at: word.range)
  }

  /// Looks for a foreign target now only if options may follow; otherwise the name may still be a chain.
  mutating func findForeignTarget(named name: Token) {
    guard at < words.count else { return }
    builder.target = parser.registry.target(named: name.bytes, parser.family).map { RuleBuilder.Pending($0) }
  }

  mutating func unknownMatch(_ name: Token) -> OptionError {
    unknown(
      "unknown-match", "Couldn't load match `\(name.string)':No such file or directory\n", .match, name,
      known: parser.registry.names(.match, parser.family), option: "-m")
  }

  mutating func unknownTarget(_ name: Token) -> OptionError {
    unknown(
      "unknown-target", "Couldn't load target `\(name.string)':No such file or directory\n", .target, name,
      known: parser.registry.names(.target, parser.family) + StandardVerdict.allCases.map(\.rawValue), option: "-j")
  }

  private mutating func unknown(
    _ id: String, _ message: String, _ kind: ExtensionDescriptor.Kind, _ name: Token, known: [String], option: String
  ) -> OptionError {
    let folded = name.string.lowercased()
    var hint = known.first { $0.lowercased() == folded }.map { "did you mean \(option) \($0)? Names are case-sensitive" }
    hint = hint ?? Spelling.nearest(to: name.string, in: known).map { "did you mean \(option) \($0)?" }
    if case .absent(let reason?) = parser.registry.find(kind, named: name.bytes, parser.family) {
      hint = (hint.map { $0 + " " } ?? "") + reason
      notices.append(reason)
    }
    if kind == .target { hint = hint ?? "a chain must be declared before the first rule that jumps to it" }
    return OptionError(id, message, at: name.range, hint: hint)
  }
}
