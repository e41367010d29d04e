import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import XTables

/// A ruleset's text that is compiled as it is read, and can be read again as a whole.
final class CompiledInput {
  private let input: HostInput
  private let options: RulesetInput
  private let colour: ColourChoice
  private let parser: RulesetParser
  /// What can be read only once is kept, in case it must be read whole.
  private var text: [UInt8] = []
  /// Some rule names an object of the kernel beside the tables, or makes one.
  private(set) var namesObjects = false

  init(_ options: RulesetInput, _ colour: ColourChoice, registry: Registry = .installed, names: NameDatabase) throws {
    self.options = options
    self.colour = colour
    input = try HostInput(path: options.file == "-" ? nil : options.file)
    parser = RulesetInput.parser(options.file, options.families, registry: registry, names: names)
  }

  /// The tables in the order in which they were written. Every error is reported, and ends the command.
  ///
  /// - Parameter keepsEntries: false where only the errors are wanted.
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

  /// The ruleset with its rules.
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
