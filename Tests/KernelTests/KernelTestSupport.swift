import Diagnostics
import Extensions
import Kernel
import Syntax
import Testing
import Wire
import XTables

/// The tables of a text that Ferrule's parser accepts. Their rules may be ones that the kernel refuses.
func tables(_ text: String, _ family: Family = .ipv4, names: NameDatabase = .builtin) throws -> [Table] {
  let parser = RulesetParser(registry: .ferrule, names: names, family: family)
  let parsed = parser.parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
  try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
  return parsed.ruleset.tables
}

/// What a program prints, run from the calling thread, so in its namespace.
func output(of program: String, _ arguments: [String] = []) throws -> String {
  try HostProcess.run(program, arguments).output
}
