import Compiler
import Kernel
import Wire
import XTables

/// Enters a sandbox, replaces its filter table there, and prints what came of it.
do {
  let kind = try Sandbox.enter()
  var table = Table(.filter, .ipv4)
  if let input = table.index(of: "INPUT") {
    table.update(at: input) { chain in
      chain.policy = .drop
      chain.rules = [Rule(target: .verdict(.accept))]
    }
  }
  try LegacyTables().replace([TableCompiler().compile(table)], ReplaceOptions(comparison: Registry()))
  let back = try LegacyTables().table(.ipv4, .filter).typed(Registry())
  print("entered \(kind), \(back[chain: "INPUT"]?.policy?.rawValue ?? "?"), \(back[chain: "INPUT"]?.rules.count ?? 0) rule")
  var names: [String] = []
  try LegacyTables().read(.ipv4, only: nil) { names.append($0.name.rawValue) }
  print("tables: \(names.sorted())")
} catch {
  print("failed: \(error)")
}
