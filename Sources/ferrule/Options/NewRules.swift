import ArgumentParser
import Changes
import Diagnostics
import Documents
import Kernel
import Syntax
import SystemNames
import Wire
import XTables

/// `--keep` and `--owners`.
struct OwnerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep the chains and rules of other programs as they are loaded: names (\(ChainOwners.known.names.joined(separator: ", "))) or patterns of chains, separated by commas.",
      valueName: "list"))
  var keep: String?

  @Option(help: "A file of further owners, in the format of Grammar/owners.schema.json.", completion: .file())
  var owners: String?

  /// The owners whose chains and rules are kept; nil if none are.
  func kept(_ colour: ColourChoice) throws -> ChainOwners? {
    guard let keep else { return nil }
    return try known(colour).selecting(keep)
  }

  /// All owners.
  func known(_ colour: ColourChoice) throws -> ChainOwners { try Self.known(owners, colour) }

  /// The owners that Ferrule knows, and those of a file.
  static func known(_ path: String?, _ colour: ColourChoice) throws -> ChainOwners {
    guard let path else { return .known }
    let source = try RulesetInput.source(path, upTo: Limits.documentBytes)
    do throws(ScenarioFileError) {
      return ChainOwners.known.adding(try ChainOwners(source))
    } catch {
      Console.report([error.diagnostic], in: error.shown(source), colour)
      throw ExitStatus.badInput.code
    }
  }
}

/// Parsed rules of one family.
struct ParsedRules {
  let parsed: ParsedRuleset
  var rules: ComparedRules { ComparedRules(parsed.ruleset, parsed.file) }

  init(_ parsed: ParsedRuleset) { self.parsed = parsed }

  /// Parses text that Ferrule printed.
  init(_ text: String, name: String, _ family: Family, _ colour: ColourChoice) throws {
    let source = SourceFile(name: name, bytes: Array(text.utf8))
    parsed = try RulesetInput.valid(RulesetParser(registry: .installed, names: .offline, family: family).parse(source), colour)
  }

  /// The loaded rules of a family. A family without tables has an empty ruleset.
  static func live(_ family: Family, _ kernel: ChosenBackend, _ colour: ColourChoice) throws -> ParsedRules {
    try ParsedRules(try KernelRules(family, kernel), colour)
  }

  init(_ loaded: KernelRules, _ colour: ColourChoice) throws {
    let family = loaded.ruleset.family
    try self.init(
      String(decoding: loaded.text(counters: true), as: UTF8.self), name: "live \(family.command) rules", family, colour)
  }

  /// The rules as iptables-save text without counters.
  var text: String {
    SavedPlan.text(parsed.ruleset, RulePrinter(family: parsed.ruleset.family, names: .system, isReloadable: true))
  }
}

/// The rules of a command's files by family, in the form in which they would be loaded.
struct NewRules {
  private(set) var rules: [Family: ParsedRules] = [:]

  /// - Parameters:
  ///   - base: the loaded rules of a family, which the file changes; nil if it replaces them.
  ///   - kept: the owners whose chains and rules stay as they are in `live`.
  init(
    _ files: [String], _ families: FamilyOptions, base: (Family) throws -> Ruleset?, kept: ChainOwners?, live: (Family) throws -> Ruleset,
    _ colour: ColourChoice
  ) throws {
    for path in files {
      let family = families.family(of: path)
      let existing = try base(family)
      let parsed = try RulesetInput.sound(
        RulesetInput.parse(path, families, for: .reading, keepsExisting: existing != nil, existing: existing), colour)
      guard rules[family] == nil else {
        throw CommandFailure("\(path): there are two files of \(family.command) rules; say which one is meant, or its family with -4 or -6")
      }
      guard existing != nil || kept != nil else {
        rules[family] = ParsedRules(parsed)
        continue
      }
      let ruleset = try kept.map { $0.keeping(in: parsed.ruleset, from: try live(family)) } ?? parsed.ruleset
      let text = SavedPlan.text(ruleset, RulePrinter(family: family, names: .system, isReloadable: true))
      rules[family] = try ParsedRules(text, name: "\(RulesetInput.name(of: path)) with the loaded rules", family, colour)
    }
  }
  /// The ipsets of a file whose elements packets change that meet the rules.
  func setsThatPacketsChange(_ sets: AddressSets?) -> Set<String> {
    guard let sets else { return [] }
    // Where the names are those of no sets, a rule has no number of its set.
    let names = sets.names(over: .offline)
    return rules.reduce(into: []) { found, rules in
      let source = SourceFile(name: "", bytes: Array(rules.value.text.utf8))
      let parser = RulesetParser(registry: .installed, names: names, family: rules.key, isForReading: true)
      found.formUnion(parser.parse(source).ruleset.setsThatPacketsChange(names))
    }
  }
}
