import ArgumentParser
import Kernel
import Syntax
import SystemNames
import XTables

/// The rules that are loaded already, for a file that `iptables-restore --noflush` reads.
struct BaseOptions: ParsableArguments {
  @Flag(
    name: [.customShort("n"), .customLong("noflush")], help: "The file is for `iptables-restore --noflush': the loaded rules are kept.")
  var noflush = false

  @Option(help: "The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.", completion: .file())
  var base: String?

  /// Whether the file is read as by `--noflush`.
  var keepsExisting: Bool { noflush || base != nil }

  /// The loaded rules; nil if they are not given. Reports all errors in them, then ends the command.
  func ruleset(_ families: FamilyOptions, beside path: String, _ colour: ColourChoice, names: NameDatabase = .offline) throws -> Ruleset? {
    guard let base else { return nil }
    let family = families.family(of: path)
    let parser = RulesetParser(registry: .installed, names: names, family: family, isForReading: true)
    return try RulesetInput.sound(parser.parse(try RulesetInput.source(base)), colour).ruleset.withoutSources
  }
}

extension Ruleset {
  /// The rules without places, because their places are in another file.
  var withoutSources: Ruleset {
    var tables = tables
    for table in tables.indices {
      tables[table].source = nil
      tables[table].commit = nil
      for chain in tables[table].chains.indices {
        tables[table].update(at: chain) { chain in
          chain.source = nil
          for rule in chain.rules.indices { chain.rules[rule].source = nil }
        }
      }
    }
    return Ruleset(family, tables: tables)
  }

  /// Sets the counters of the rules that stand in a file to 0.
  mutating func resetCountersOfFile() {
    for table in tables.indices {
      for chain in tables[table].chains.indices {
        tables[table].update(at: chain) { chain in
          for rule in chain.rules.indices where chain.rules[rule].source != nil { chain.rules[rule].counters = .zero }
        }
      }
    }
  }

  /// These rules, and the tables of `base` that these have not.
  func completed(from base: Ruleset?) -> Ruleset {
    guard let base else { return self }
    return Ruleset(family, tables: tables + base.tables.filter { table in !tables.contains { $0.name == table.name } })
  }
}
