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
      return (parsed, try parsed.ruleset.tables.map { try LegacyTables().table(family, $0.name) })
    }
    #expect(!parsed.hasErrors)
    for (table, raw) in zip(parsed.ruleset.tables, held) {
      let blob = TableCompiler().compile(table)
      #expect(blob.validHooks == raw.validHooks && blob.entryCount == raw.entryCount, "\(file) \(raw.name)")
      for hook in table.name.hooks {
        #expect(blob.hookEntries[hook.rawValue] == raw.hookEntries[hook.rawValue])
        #expect(blob.underflows[hook.rawValue] == raw.underflows[hook.rawValue])
      }
      let ours = try blob.entriesWithoutKernelState(registry: .ferrule)
      #expect(try ours == raw.entriesWithoutKernelState(registry: .ferrule), "\(file) \(raw.name)")
    }
  }
}
