import Changes
import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import Wire
import XTables

/// A file of an apply, with its compiled tables.
struct CompiledFile {
  let tables: [TableBlob]
  /// The path of the file.
  let path: String
  /// True if a rule needs or creates a kernel object outside the tables.
  let namesObjects: Bool
  /// Parses the file as a whole.
  let whole: () throws -> ParsedRuleset
  /// The loaded tables from which these were made; none if the file replaces them.
  let basis: [TableBlob]
  /// Makes the tables anew from other loaded ones, if they are made from loaded ones; nil if that is not possible.
  private(set) var renewed: (Ruleset) -> [TableBlob]? = { _ in nil }

  /// - Parameter existing: the rules that the file changes; nil if it replaces them.
  init(_ input: RulesetInput, over existing: Ruleset?, takesCounters: Bool, _ colour: ColourChoice) throws {
    let compiled = try CompiledInput(input, colour, for: .loading, existing: existing, takesCounters: takesCounters)
    tables = try compiled.blobs()
    path = input.file
    namesObjects = compiled.namesObjects
    whole = { try compiled.whole() }
    basis = []
  }

  init(_ parsed: ParsedRuleset, path: String, basis: [TableBlob]) {
    self.path = path
    tables = parsed.ruleset.tables.map { TableCompiler().compile($0) }
    namesObjects = true
    whole = { parsed }
    self.basis = basis
  }

  /// A file of which the tables depend on the loaded ones.
  ///
  /// - Parameter made: parses the file over loaded rules.
  init(_ made: @escaping (Ruleset) -> ParsedRuleset, from live: KernelRules, path: String, _ colour: ColourChoice) throws {
    self.init(try RulesetInput.sound(made(live.ruleset), colour), path: path, basis: live.basis())
    renewed = { loaded in
      let parsed = made(loaded)
      guard !parsed.diagnostics.contains(where: { $0.severity == .error }) else { return nil }
      return parsed.ruleset.tables.map { TableCompiler().compile($0) }
    }
  }

  /// The files of a saved plan, if the rules are loaded with which it was made.
  static func files(ofPlan bytes: [UInt8], named path: String, over kernel: ChosenBackend, _ colour: ColourChoice) throws -> [CompiledFile]
  {
    guard let plan = SavedPlan(bytes) else { throw CommandFailure("\(path) is a damaged plan: make it again") }
    return try Family.allCases.compactMap { family in
      guard let text = plan.rules[family] else { return nil }
      let live = try KernelRules(family, kernel)
      guard try ParsedRules(live, colour).text == plan.live[family] else {
        throw CommandFailure(
          "\(path): other \(family.command) rules are loaded than when this plan was made; make it again", .kernelRefused)
      }
      let use = RulesetUse.loading
      let parser = RulesetParser(registry: use.registry, names: use.names, family: family)
      return CompiledFile(
        try RulesetInput.sound(parser.parse(SourceFile(name: path, bytes: Array(text.utf8))), colour), path: path, basis: live.basis())
    }
  }
}
