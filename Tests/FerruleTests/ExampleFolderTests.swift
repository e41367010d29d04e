import Foundation
import Testing

/// Every folder of `Examples/`: a ruleset, a host, packets with what is expected of them, and what the command prints.
@Suite struct ExampleFolderTests {
  static let folders: [String] = {
    let base = BuiltCommand.root.appending(path: "Examples").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    // Folders with nothing but a suite of tests are run as such.
    return names.sorted().filter { FileManager.default.fileExists(atPath: "\(base)/\($0)/packets.txt") }
  }()

  @Test func theExampleFoldersAreFound() { #expect(Self.folders.count >= 5) }

  private static let sets = "sets.ipset"

  private func has(_ file: String, _ folder: URL) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: file).path) }

  private func ruleset(_ folder: URL) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("ruleset.") }
    #expect(names.count == 1)
    return try #require(names.first)
  }

  /// Compares with a file of the folder; `FERRULE_RECORD=1` writes it anew.
  private func expect(_ outcome: BuiltCommand.Outcome, is name: String, of folder: URL) throws {
    let file = folder.appending(path: name)
    if ProcessInfo.processInfo.environment["FERRULE_RECORD"] == "1" {
      try outcome.text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try outcome.text == String(contentsOf: file, encoding: .utf8), "\(folder.lastPathComponent)/\(name)")
  }

  @Test(arguments: folders) func packetsGoWhereTheyShould(_ name: String) throws {
    let folder = BuiltCommand.root.appending(path: "Examples/\(name)")
    let rules = try ruleset(folder)
    let world = [("--ipset", Self.sets), ("--fingerprints", "pf.os")].filter { has($0.1, folder) }.map { " \($0.0) \($0.1)" }.joined()
    let outcome = try BuiltCommand.shell("ferrule run --host host.yaml\(world) --packets packets.txt \(rules)", in: folder)
    #expect(outcome.status == 0, "\(outcome.text)")
    try expect(outcome, is: "trace.txt", of: folder)
  }

  @Test(arguments: folders) func lintSaysWhatItShould(_ name: String) throws {
    let folder = BuiltCommand.root.appending(path: "Examples/\(name)")
    let outcome = try BuiltCommand.shell("ferrule lint \(try ruleset(folder))", in: folder)
    #expect(outcome.status == (outcome.text.contains(": warning: ") ? 1 : 0))
    try expect(outcome, is: "lint.txt", of: folder)
  }

  /// text → blob → text gives the tables in the form that fmt writes.
  @Test(arguments: folders) func compiledAndBackIsTheSame(_ name: String) throws {
    let folder = BuiltCommand.root.appending(path: "Examples/\(name)")
    let rules = try ruleset(folder)
    let option = rules.contains("ip6tables") ? "-6" : "-4"
    let blob = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(getpid())-\(name).blob").path
    defer { try? FileManager.default.removeItem(atPath: blob) }
    var command = "ferrule compile -o \(blob) \(rules) && ferrule decompile \(option) \(blob)"
    // The kernel gives the sets their numbers.
    if has(Self.sets, folder) { command = "unshare -rn sh -c 'ipset restore < \(Self.sets) && \(command)'" }
    let back = try BuiltCommand.shell(command, in: folder)
    let formatted = try BuiltCommand.shell("ferrule fmt \(rules)", in: folder)
    #expect(back.status == 0, "\(back.text)")
    // What fmt says on standard error of a rule that iptables-save prints otherwise is no part of the ruleset.
    let rulesOnly = formatted.text.split(separator: "\n").filter { ["*", ":", "-", "C"].contains($0.prefix(1)) }
    #expect(back.text.split(separator: "\n") == rulesOnly)
  }

  /// The mistakes example apart, an example shows the canonical form.
  @Test(arguments: folders) func theRulesetsOfExamplesAreFormatted(_ name: String) throws {
    let folder = BuiltCommand.root.appending(path: "Examples/\(name)")
    let outcome = try BuiltCommand.shell("ferrule fmt --check \(try ruleset(folder))", in: folder)
    #expect(outcome.status == (name == "router-mistakes" ? 1 : 0))
  }
}
