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
  /// The bytes of an input that can be read only once, in case it must be parsed as a whole.
  private var text: [UInt8] = []
  /// True if a rule needs or creates a kernel object outside the tables.
  private(set) var namesObjects = false

  init(_ options: RulesetInput, _ colour: ColourChoice, registry: Registry = .installed, names: NameDatabase) throws {
    self.options = options
    self.colour = colour
    input = try HostInput(path: options.file == "-" ? nil : options.file)
    parser = RulesetInput.parser(options.file, options.families, registry: registry, names: names)
  }

  /// The compiled tables in the order of the file. Reports all errors and ends the command if there are any.
  ///
  /// - Parameter keepsEntries: false if only the errors are wanted.
  func blobs(keepsEntries: Bool = true) throws -> [TableBlob] {
    let length = input.length
    if let length, length > Limits.textBytes { throw tooLong }
    var compiler = StreamCompiler(parser, length: length ?? 0, keepsEntries: keepsEntries)
    while true {
      let piece = try input.next()
      if length == nil { text += piece }
      guard text.count <= Limits.textBytes else { throw tooLong }
      guard compiler.add(piece) else { break }
      if piece.isEmpty { break }
    }
    namesObjects = compiler.namesObjects
    if let blobs = compiler.blobs() { return blobs }
    let parsed = try whole()
    namesObjects = true
    return parsed.ruleset.tables.map { TableCompiler().compile($0) }
  }

  /// Parses the ruleset as a whole.
  func whole() throws -> ParsedRuleset {
    if input.length != nil {
      try input.rewind()
      text = []
    }
    text += try input.rest()
    let source = SourceFile(name: RulesetInput.name(of: options.file), bytes: text)
    return try RulesetInput.sound(parser.parse(source), colour)
  }

  private var tooLong: CommandFailure {
    CommandFailure("\(RulesetInput.name(of: options.file)) is longer than \(Limits.textBytes) bytes")
  }
}
