public import ArgumentParser
import Compiler
import Diagnostics
import Documents
import Extensions
import Kernel
import Syntax
import SystemNames
public import XTables

/// The ruleset of a command.
struct RulesetInput: ParsableArguments {
  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(help: "The ruleset, in the format of iptables-save; - means standard input.", completion: .file())
  var file = "-"

  init() {}

  /// One of several rulesets of a command.
  init(file: String, _ families: FamilyOptions, _ base: BaseOptions) {
    self.file = file
    self.families = families
    self.base = base
  }

  /// Parses the ruleset. Reports all errors and ends the command if there are any.
  func read(_ colour: ColourChoice, for use: RulesetUse) throws -> ParsedRuleset {
    try Self.sound(file, families, base, colour, for: use)
  }

  /// Ends the command if the ruleset cannot be compiled.
  ///
  /// - Parameter sets: the ipsets of a file, which rules may name beside those that are loaded.
  func check(_ colour: ColourChoice, sets: AddressSets? = nil) throws { _ = try blobs(colour, keepsEntries: false, sets: sets) }

  /// Compiles the ruleset while reading its text piece by piece. If that is not possible, it is parsed as a whole, as by
  /// ``read(_:for:)``.
  func blobs(_ colour: ColourChoice, keepsEntries: Bool = true, sets: AddressSets? = nil) throws -> [TableBlob] {
    let use = RulesetUse.compiling.naming(sets)
    return try CompiledInput(self, colour, for: use, existing: try base.ruleset(families, beside: file, colour)).blobs(
      keepsEntries: keepsEntries)
  }

  static func sound(
    _ path: String, _ families: FamilyOptions, _ base: BaseOptions, _ colour: ColourChoice, for use: RulesetUse
  ) throws -> ParsedRuleset {
    let existing = try base.ruleset(families, beside: path, colour, names: use.names)
    return try sound(try parse(path, families, for: use, keepsExisting: base.keepsExisting, existing: existing), colour)
  }

  static func sound(_ parsed: ParsedRuleset, _ colour: ColourChoice) throws -> ParsedRuleset {
    let parsed = try valid(parsed, colour)
    if parsed.ruleset.tables.isEmpty { throw empty(parsed.file.name) }
    return parsed
  }

  /// The same for a text that may have no table.
  static func valid(_ parsed: ParsedRuleset, _ colour: ColourChoice) throws -> ParsedRuleset {
    var diagnostics = parsed.diagnostics
    for table in parsed.ruleset.tables { diagnostics += TableValidator().diagnostics(for: table) }
    Console.report(diagnostics, in: parsed.file, colour)
    if diagnostics.contains(where: { $0.severity == .error }) { throw ExitStatus.badInput.code }
    return parsed
  }

  /// The error for an input without a table, such as that of a pipe whose first command failed.
  static func empty(_ name: String) -> CommandFailure {
    CommandFailure("\(name): there is no table in it; the input is empty or was cut off")
  }

  static func source(_ path: String, upTo limit: Int = Limits.textBytes) throws -> SourceFile {
    announce(path)
    let bytes = try HostFile.bytes(path, upTo: limit)
    guard Gzip.isOne(bytes) else { return SourceFile(name: name(of: path), bytes: bytes) }
    do throws(Gzip.Failure) {
      return SourceFile(name: name(of: path), bytes: try Gzip.content(of: bytes, upTo: min(limit, Limits.namedFileBytes)))
    } catch {
      throw CommandFailure("\(path): \(error == .tooLong ? "the content is too long" : "the compressed file is damaged")")
    }
  }

  /// Says on a terminal that a command waits for a ruleset from there.
  static func announce(_ path: String) {
    guard path == "-", ProcessStream.input.isTerminal else { return }
    Console.complain("reading the ruleset from the terminal; Ctrl-D ends it, Ctrl-C cancels; --help shows how to give a file")
  }

  static func name(of path: String) -> String { path == "-" ? "<stdin>" : path }

  /// - Parameter text: the text of the file, or its beginning; nil if its header is to be read from the file.
  static func parser(
    _ path: String, _ families: FamilyOptions, for use: RulesetUse, keepsExisting: Bool = false, text: [UInt8]? = nil
  ) -> RulesetParser {
    RulesetParser(
      registry: use.registry, names: use.names, family: families.family(of: path, text: text), keepsExisting: keepsExisting,
      isForReading: use.isForReading)
  }

  /// - Parameter existing: the rules that are loaded already.
  static func parse(
    _ path: String, _ families: FamilyOptions, for use: RulesetUse, keepsExisting: Bool = false, existing: Ruleset? = nil
  ) throws -> ParsedRuleset {
    let source = try source(path)
    if source.bytes.count > 1 << 24 { Console.progress("reading \(source.name) …") }
    defer { if source.bytes.count > 1 << 24 { Console.progress("") } }
    return parser(path, families, for: use, keepsExisting: keepsExisting, text: source.bytes).parse(source, existing: existing)
  }
}

/// What a command does with a ruleset: with which extensions and names it is read, and whether parts that cannot be read are kept.
struct RulesetUse {
  let registry: Registry
  let names: NameDatabase
  let isForReading: Bool

  /// The rules are shown, checked or run. Names of hosts are not resolved.
  static let reading = RulesetUse(registry: .installed, names: .offline, isForReading: true)
  /// The same, with other names.
  static func reading(names: NameDatabase) -> RulesetUse { RulesetUse(registry: .installed, names: names, isForReading: true) }
  /// The same, with the ipsets of a file before those that the names have.
  func naming(_ sets: AddressSets?) -> RulesetUse {
    RulesetUse(registry: registry, names: SetOptions.names(sets, over: names), isForReading: isForReading)
  }
  /// The rules are compiled for any kernel.
  static let compiling = RulesetUse(registry: .installed, names: .systemResolvingHosts, isForReading: false)
  /// The rules are compiled for the running kernel.
  static let loading = RulesetUse(registry: .forThisKernel, names: .systemResolvingHosts, isForReading: false)
}

/// `-t`.
struct TableOption: ParsableArguments {
  @Option(name: .shortAndLong, help: "Use only this table: \(TableName.allCases.map(\.rawValue).joined(separator: ", ")).")
  var table: TableName?

  /// The requested tables of a ruleset.
  func tables(of ruleset: Ruleset) throws -> [Table] {
    guard let table else { return ruleset.tables }
    guard let found = ruleset[table: table] else {
      throw missing(table)
    }
    return [found]
  }

  func blobs(of blobs: [TableBlob]) throws -> [TableBlob] {
    guard let table else { return blobs }
    guard let found = blobs.first(where: { $0.name == table }) else { throw missing(table) }
    return [found]
  }

  private func missing(_ table: TableName) -> CommandFailure {
    CommandFailure("the ruleset has no table \(table.rawValue)")
  }
}

extension TableName: ExpressibleByArgument {}
