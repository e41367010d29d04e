import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import XTables

/// A ruleset file that is compiled while it is read, piece by piece, and can be parsed again as a whole.
final class CompiledInput {
  private let input: HostInput
  private let options: RulesetInput
  private let colour: ColourChoice
  private let parser: RulesetParser
  private let existing: Ruleset?
  private let takesCounters: Bool
  /// The bytes of an input that can be read only once, in case it must be parsed as a whole.
  private var text: [UInt8] = []
  /// The first piece of the input, which tells the family.
  private var beginning: [UInt8]
  /// True if a rule needs or creates a kernel object outside the tables.
  private(set) var namesObjects = false

  /// - Parameters:
  ///   - existing: the rules that are loaded already, which the file changes; nil if it replaces them.
  ///   - takesCounters: false if the file's rules begin at 0, whatever it says, where there are rules that are loaded already.
  init(
    _ options: RulesetInput, _ colour: ColourChoice, for use: RulesetUse = .compiling, existing: Ruleset?, takesCounters: Bool = true
  ) throws {
    self.takesCounters = takesCounters
    self.options = options
    self.existing = existing
    self.colour = colour
    let opened = try HostInput(path: options.file == "-" ? nil : options.file)
    RulesetInput.announce(options.file)
    let first = try opened.next()
    input = opened
    beginning = first
    parser = RulesetInput.parser(
      options.file, options.families, for: use, keepsExisting: options.base.keepsExisting, text: first)
  }

  /// The compiled tables in the order of the file. Reports all errors and ends the command if there are any.
  ///
  /// - Parameter keepsEntries: false if only the errors are wanted.
  func blobs(keepsEntries: Bool = true) throws -> [TableBlob] {
    let length = input.length
    if let length, length > Limits.textBytes { throw tooLong(Limits.textBytes) }
    var compiler = StreamCompiler(parser, length: length ?? 0, keepsEntries: keepsEntries)
    while existing == nil {
      let piece = try next()
      if length == nil { text += piece }
      guard text.count <= Limits.streamBytes else { throw tooLong(Limits.streamBytes) }
      guard compiler.add(piece) else { break }
      if piece.isEmpty { break }
    }
    namesObjects = compiler.namesObjects
    let hasTables = compiler.hasTables
    if existing == nil, let blobs = compiler.blobs() {
      if !hasTables { throw RulesetInput.empty(RulesetInput.name(of: options.file)) }
      return blobs
    }
    let parsed = try whole()
    namesObjects = true
    return parsed.ruleset.tables.map { TableCompiler().compile($0) }
  }

  private func next() throws -> [UInt8] {
    defer { beginning = [] }
    return beginning.isEmpty ? try input.next() : beginning
  }

  /// Parses the ruleset as a whole.
  func whole() throws -> ParsedRuleset {
    if input.length != nil {
      try input.rewind()
      text = []
    }
    text += input.length == nil ? try next() : []
    text += try input.rest(after: text.count)
    let source = SourceFile(name: RulesetInput.name(of: options.file), bytes: text)
    var parsed = try RulesetInput.sound(parser.parse(source, existing: existing), colour)
    if existing != nil, !takesCounters { parsed.ruleset.resetCountersOfFile() }
    return parsed
  }

  private func tooLong(_ limit: Int) -> KernelError { HostFile.tooLong(options.file, limit) }
}
