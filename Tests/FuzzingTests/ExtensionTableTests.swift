import Documents
import Extensions
import Fuzzing
import Kernel
import KernelLab
import TestSupport
import Testing
import Wire
import XTables

/// Every match and every target has scenarios in which the running kernel matches it and in which it does not.
///
/// `Tests/Fixtures/extension-table.jsonl` holds them; a new extension without a line there fails.
@Suite(.asRoot, .serialized) struct ExtensionTableTests {
  static func fuzzer(_ family: Family, seed: UInt64 = 1, corpus: [String] = []) -> Fuzzer {
    Fuzzer(
      family, registry: .ferrule, seed: seed, corpus: corpus, kernel: KernelLab(registry: .ferrule), names: .system,
      now: { Double(HostClock.seconds) })
  }

  /// What the engine cannot say of a scenario, and why.
  static let undecided: [String: String] = [
    "-m osf": "which fingerprints are loaded is a matter of the whole machine",
    "-m cpu": "which processor takes a packet is the machine's affair",
  ]
  /// What the kernel has, and what cannot be made to match or to act in a namespace of one's own.
  static let oneSided: [String: String] = ["-m osf": "no fingerprints are loaded"]

  /// Where the answers are not held against each other beyond what matched, and why.
  static let apart: [String: String] = [
    "-m physdev IPv4": "the bridge joins groups of its own accord", "-m physdev IPv6": "the bridge joins groups of its own accord",
  ]

  @Test func everyExtensionMatchesAndDoesNot() throws {
    let table = ExtensionTable(registry: .ferrule, fuzzers: Family.allCases.map { Self.fuzzer($0) })
    let lines = try TextFile.lines(PackageFolder.path + "/Tests/Fixtures/extension-table.jsonl")
    var rows: [ExtensionTable.Row] = []
    for line in lines { rows.append(try table.row(try JSONValue(parsing: line), now: Double(HostClock.seconds))) }
    for family in Family.allCases {
      let missing = table.wanted(family).subtracting(rows.filter { $0.family == family }.map(\.name))
      #expect(missing.isEmpty, "no scenario for \(missing.sorted()) of \(family)")
    }
    for row in rows.sorted(by: { $0.name < $1.name }) {
      print(row.text)
      guard row.refusal == nil else { continue }
      if Self.oneSided[row.name] == nil { #expect(row.matched > 0, "\(row.text)") }
      #expect(row.mismatched > 0, "\(row.text)")
      if row.isUnknown {
        #expect(Self.undecided[row.name] != nil, "\(row.text)")
      } else if Self.apart["\(row.name) \(row.family == .ipv4 ? "IPv4" : "IPv6")"] == nil {
        #expect(row.differences.isEmpty, "\(row.text)")
      }
    }
    let has = rows.filter { $0.refusal == nil }
    print(
      "\(has.count) scenarios of \(Set(has.map(\.name)).count) extensions; \(Set(rows.map(\.name)).subtracting(has.map(\.name)).sorted()) the kernel here has not"
    )
  }
}
