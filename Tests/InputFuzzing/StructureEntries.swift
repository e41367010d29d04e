import Compiler
import DropIn
import Extensions
import Kernel
import Syntax
import Wire
import XTables

/// What is in no language of people: the kernel's structures, netlink, frames of `ferrule-xtables`; and `iptables-xml`, which reads a file.
enum StructureEntries {
  static let all = [
    InputEntry("blob") { read(blobs: $0) },
    InputEntry("netlink") { bytes in
      for message in NetlinkMessage.messages(in: bytes) {
        _ = message.errorNumber
        read(message.attributes(from: 4), depth: 4)
      }
    },
    InputEntry("nftables") { bytes in
      var assembly = NftAssembly(generation: 1)
      var commits = NftCommitAssembly()
      for message in NetlinkMessage.messages(in: bytes) {
        _ = assembly.add(message)
        _ = commits.add(message)
      }
      let inventory = RuleInventory(assembly.ruleset, registry: .ferrule)
      for table in inventory.nativeTables { NativeEntries.read(table) }
      _ = HostDiagnosis(inventory, commands: [], sysctls: []).text
      for family in Family.allCases {
        let printer = RulePrinter(family: family, names: .builtin, isReloadable: true)
        for table in inventory.iptables[family]?.tables ?? [] {
          _ = printer.table(table, counters: true)
          for rule in table.chains.flatMap(\.rules) { _ = try? NativeRuleEncoder(family).expressions(rule) }
        }
      }
    },
    InputEntry("nft-rule") { NativeEntries.read($0) },
    InputEntry("xtables") { bytes in
      for family in Family.allCases {
        var fields = XtablesFields(bytes)
        if let facts = fields.facts(.match, family) { precondition(facts.userSize <= facts.size) }
      }
      var state = XtablesFields(bytes)
      _ = state.state()
      _ = XtablesAnswer(bytes)
    },
    InputEntry("xml") { bytes in
      guard let file = AnonymousFile(called: "rules"), (try? HostFile.write(bytes, to: file.path)) != nil else { return }
      for option in ["-c", "-v"] {
        _ = Session.run(Program.Call(.xml, [option, file.path], "iptables-xml", .legacy), registry: .ferrule, names: .builtin)
      }
    },
  ]

  /// A file of `ferrule compile -o`, and an entry of a rule alone.
  private static func read(blobs bytes: [UInt8]) {
    for family in Family.allCases {
      for blob in (try? TableBlob.split(bytes, family: family)) ?? [] { read(blob) }
      if let rule = try? TableDecompiler(registry: .ferrule).decompile(bytes, label: nil, family) {
        _ = RulePrinter(family: family, names: .builtin).line(rule, chain: "INPUT", counters: true)
      }
    }
  }

  static func read(_ blob: TableBlob) {
    guard let table = try? TableDecompiler(registry: .ferrule).decompile(blob) else { return }
    _ = RulePrinter(family: blob.family, names: .builtin).table(table, counters: true)
    if TableValidator().diagnostics(for: table).isEmpty { _ = TableCompiler().compile(table) }
  }

  /// Attributes are nested as far as someone asks.
  private static func read(_ attributes: NetlinkAttributes, depth: Int) {
    for type in 0..<24 as Range<UInt16> {
      _ = (
        attributes.uint8(type), attributes.network16(type), attributes.network32(type), attributes.network64(type), attributes.text(type)
      )
      if depth > 0, let nested = attributes.nested(type) { read(nested, depth: depth - 1) }
    }
  }
}
