package import Compiler
package import Kernel
package import XTables

extension TableBlob {
  /// The entries of the rules of a chain, or all entries, with counters, `comefrom` and the bytes that the kernel uses for itself set to 0.
  package func entriesWithoutKernelState(of chain: String? = nil, registry: Registry) throws -> [[UInt8]] {
    let decompiler = TableDecompiler(registry: registry)
    var result: [[UInt8]] = []
    let range = try chain.map { name in try chains().first { $0.name == name }?.rules ?? 0..<0 }
    try forEachEntry(in: range) { place in
      var entry = Array(entries[place.start..<place.end])
      for index in Array(layout.comeFrom) + Array(layout.counters) { entry[index] = 0 }
      let rule = try? decompiler.decompile(entry, label: "", family)
      if let mask = rule.flatMap({ EntryEncoder(family: family).mask($0) }), mask.count == entry.count {
        for index in entry.indices { entry[index] &= mask[index] }
      }
      result.append(entry)
    }
    return result
  }
}

extension LegacyTables {
  /// Replaces tables by typed ones.
  package func replace(_ tables: [Table], keepsCounters: Bool = false, comparison: Registry? = nil) throws(KernelError) {
    let options = ReplaceOptions(keepsCounters: keepsCounters, comparison: comparison) { tables[$0] }
    try replace(tables.map { TableCompiler().compile($0) }, options)
  }
}
