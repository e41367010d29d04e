import Compiler
import Extensions
import Kernel
import Wire
import XTables

/// `SandboxProbe`: enters a sandbox, replaces its filter table there, and prints what came of it.
func enterSandbox() throws {
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
}

/// `SandboxProbe change BACKEND STATE COUNT A4 A6 B4 B6`: changes the tables of the namespace to those of the files A and those of B in
/// turn, until it is killed, or `COUNT` times.
func change(_ arguments: [String], _ backend: Backend) throws {
  var options = ReplaceOptions(comparison: .ferrule)
  options.carriesCounters = .ferrule
  options.state = StateDirectory(arguments[0])
  let files = try arguments[2...].enumerated().map {
    try TableBlob.split(HostFile.bytes($0.element), family: $0.offset % 2 == 0 ? .ipv4 : .ipv6)
  }
  for round in 0..<(Int(arguments[1]) ?? 0) {
    try backend.tables(.ferrule).replace(round % 2 == 0 ? files[0] + files[1] : files[2] + files[3], options)
  }
}

/// `SandboxProbe change-sets BACKEND STATE COUNT A4 B4 ASETS BSETS`: the same with one family, and the ipsets of two texts. The rules name
/// the set `blocked`.
func changeSets(_ arguments: [String], _ backend: Backend) throws {
  let state = StateDirectory(arguments[0])
  let rules = try arguments[2...3].map { try TableBlob.split(HostFile.bytes($0), family: .ipv4) }
  let texts = try arguments[4...5].map { String(decoding: try HostFile.bytes($0), as: UTF8.self) }
  for round in 0..<(Int(arguments[1]) ?? 0) {
    let sets = try SetChange(to: AddressSets(saved: texts[round % 2]), in: state, adopts: false)
    try sets.begin(backend)
    let number = KernelSets.numbers().first { $0.value == "blocked" }?.key ?? 0
    var options = ReplaceOptions(comparison: .ferrule)
    (options.carriesCounters, options.state, options.sets) = (.ferrule, state, sets)
    let tables = try rules[round % 2].map { TableCompiler().compile(try $0.typed(.ferrule).naming(number)) }
    try backend.tables(.ferrule).replace(tables, options)
    sets.finish()
  }
}

extension Table {
  /// The table with this number in place of that of each set.
  fileprivate func naming(_ number: UInt16) -> Table {
    var table = self
    for index in table.chains.indices {
      table.update(at: index) { chain in chain.rules = chain.rules.map { $0.rebound { _ in number } } }
    }
    return table
  }
}

do {
  let arguments = Array(CommandLine.arguments.dropFirst())
  if arguments.count == 8, arguments[0] == "change", let backend = Backend(rawValue: arguments[1]) {
    try change(Array(arguments.dropFirst(2)), backend)
  } else if arguments.count == 8, arguments[0] == "change-sets", let backend = Backend(rawValue: arguments[1]) {
    try changeSets(Array(arguments.dropFirst(2)), backend)
  } else {
    try enterSandbox()
  }
} catch {
  print("failed: \(error)")
}
