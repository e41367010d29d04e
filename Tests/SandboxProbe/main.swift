import Kernel
import Wire

/// Enters a sandbox, replaces its filter table there, and prints what came of it.
do {
  let kind = try Sandbox.enter()
  var entry = [UInt8](repeating: 0, count: 152)
  (entry[88], entry[90], entry[112]) = (112, 152, 40)
  let table = KernelTable(
    family: .ipv4, name: "filter",
    chains: [
      KernelChain(name: "INPUT", policy: .drop, rules: [KernelRule(entry: entry, jump: "ACCEPT")]),
      KernelChain(name: "FORWARD", policy: .accept), KernelChain(name: "OUTPUT", policy: .accept),
    ])
  try KernelTables().apply([table])
  let back = try KernelTables().read(.ipv4, "filter")
  print("entered \(kind), \(back[chain: "INPUT"]?.policy?.rawValue ?? "?"), \(back[chain: "INPUT"]?.rules.count ?? 0) rule")
  print("tables: \(KernelTables().names(.ipv4).sorted())")
} catch {
  print("failed: \(error)")
}
