public import ArgumentParser
import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
public import XTables

/// The ruleset a command works on.
struct RulesetInput: ParsableArguments {
  @OptionGroup var families: FamilyOptions

  @Argument(help: "A file of iptables-save text; - is standard input.", completion: .file())
  var file = "-"

  /// The ruleset, sound enough to be used: every error is reported, and ends the command.
  func read(_ colour: ColourChoice, registry: Registry = .installed) throws -> ParsedRuleset {
    try Self.sound(file, families, colour, registry: registry)
  }

  static func sound(
    _ path: String, _ families: FamilyOptions, _ colour: ColourChoice, registry: Registry = .installed
  ) throws -> ParsedRuleset {
    let parsed = try parse(path, families, registry: registry)
    var diagnostics = parsed.diagnostics
    for table in parsed.ruleset.tables { diagnostics += TableValidator().diagnostics(for: table) }
    Console.report(diagnostics, in: parsed.file, colour)
    if diagnostics.contains(where: { $0.severity == .error }) { throw ExitStatus.badInput.code }
    return parsed
  }

  static func source(_ path: String) throws -> SourceFile {
    SourceFile(name: path == "-" ? "<stdin>" : path, bytes: try HostFile.bytes(path))
  }

  static func parser(_ path: String, _ families: FamilyOptions, registry: Registry = .installed) -> RulesetParser {
    RulesetParser(registry: registry, names: .system, family: families.family(of: path))
  }

  static func parse(_ path: String, _ families: FamilyOptions, registry: Registry = .installed) throws -> ParsedRuleset {
    let source = try source(path)
    if source.bytes.count > 1 << 24 { Console.progress("reading \(source.name) …") }
    defer { if source.bytes.count > 1 << 24 { Console.progress("") } }
    return parser(path, families, registry: registry).parse(source)
  }
}

/// `-t`.
struct TableOption: ParsableArguments {
  @Option(name: .shortAndLong, help: "Only this table: \(TableName.allCases.map(\.rawValue).joined(separator: ", ")).")
  var table: TableName?

  /// The tables of a ruleset that were asked for.
  func tables(of ruleset: Ruleset) throws -> [Table] {
    guard let table else { return ruleset.tables }
    guard let found = ruleset[table: table] else {
      throw CommandFailure("the ruleset has no table \(table.rawValue)")
    }
    return [found]
  }
}

extension TableName: ExpressibleByArgument {}
