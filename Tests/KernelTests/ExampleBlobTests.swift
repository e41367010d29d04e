import Compiler
import Conntrack
import Diagnostics
import Extensions
import FoundationEssentials
import Kernel
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What `compile` makes of every example is what the kernel holds after the real iptables-restore of the same file.
@Suite struct ExampleBlobTests {
  static let folder: String =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/Examples"

  static let files: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().flatMap { example in
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(example)")) ?? []).sorted()
      .filter { $0.hasPrefix("ruleset.") }.map { "\(example)/\($0)" }
  }

  @Test(.asRoot, arguments: files) func theBlobIsTheKernels(_ file: String) throws {
    let family: Family = file.contains("ip6tables") ? .ipv6 : .ipv4
    let path = "\(Self.folder)/\(file)"
    let bytes = try HostFile.bytes(path)
    let (parsed, held) = try NetworkNamespace.onNewThread {
      // The rules say sets by the numbers that the kernel gave them.
      let sets = "\(Self.folder)/\(file.prefix { $0 != "/" })/sets.ipset"
      if HostFile.exists(sets) { _ = try HostProcess.run("ipset", ["restore", "-file", sets]) }
      let parsed = RulesetParser(registry: .ferrule, names: .system, family: family).parse(SourceFile(name: file, bytes: bytes))
      let command = family == .ipv4 ? "iptables-legacy-restore" : "ip6tables-legacy-restore"
      let lock = FileManager.default.temporaryDirectory.appendingPathComponent("ferrule-blob-\(UUID()).lock").path
      _ = try HostProcess.run("/usr/bin/env", ["XTABLES_LOCKFILE=\(lock)", command, path])
      try? FileManager.default.removeItem(atPath: lock)
      return (parsed, try parsed.ruleset.tables.map { try RawTable.read(family, $0.name.rawValue) })
    }
    #expect(!parsed.hasErrors)
    for (table, raw) in zip(parsed.ruleset.tables, held) {
      let blob = TableCompiler().compile(table)
      #expect(blob.validHooks == raw.validHooks && blob.entryCount == raw.entryCount, "\(file) \(raw.name)")
      for hook in table.name.hooks {
        #expect(blob.hookEntries[hook.rawValue] == raw.hookEntries[hook.rawValue])
        #expect(blob.underflows[hook.rawValue] == raw.underflows[hook.rawValue])
      }
      #expect(Self.withoutKernelState(blob.entries, table) == Self.withoutKernelState(raw.entries, table), "\(file) \(raw.name)")
    }
  }

  /// The entries with counters, `comefrom` and the kernel's private tails zeroed, entry by entry.
  static func withoutKernelState(_ entries: [UInt8], _ table: Table) -> [[UInt8]] {
    let (targetOffset, counters) = table.family == .ipv4 ? (88, 96) : (140, 152)
    var masks = table.chainsInSaveOrder.flatMap { chain in
      (chain.isBuiltin ? [] : [nil]) + chain.rules.map { KernelRule($0, table.family).mask } + [nil]
    }
    masks.append(nil)
    var result: [[UInt8]] = []
    var at = 0
    while at + counters + 16 <= entries.count, result.count < masks.count {
      let size = Int(entries[at + targetOffset + 2]) | Int(entries[at + targetOffset + 3]) << 8
      guard size > 0, at + size <= entries.count else { break }
      var entry = Array(entries[at..<at + size])
      for index in Array(targetOffset + 4..<targetOffset + 8) + Array(counters..<counters + 16) { entry[index] = 0 }
      if let mask = masks[result.count], mask.count == size {
        for index in entry.indices { entry[index] &= mask[index] }
      }
      result.append(entry)
      at += size
    }
    return result
  }
}
