import Diagnostics
import Extensions
import Foundation
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// The 54 real rulesets: accepted and rejected where the real tool accepts and rejects, and formatted as it saves.
@Suite struct RulesetCorpusTests {
  struct Outcome {
    let file: String
    let text: String
    let isGood: Bool
  }

  @Test(
    .needsSharedFolder,
    .enabled(if: LegacyTool.absence == nil, "\(LegacyTool.absence ?? "")"))
  func everyFile() throws {
    let folder = URL(filePath: SharedFolder.path + "/rulesets")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix("tables-save") }.sorted()
    #expect(files.count == 54)
    var outcomes: [Outcome] = []
    for file in files { outcomes.append(try Self.examine(folder.appending(path: file).path, file)) }
    for outcome in outcomes { print("\(outcome.isGood ? "  " : "✘ ")\(outcome.file): \(outcome.text)") }
    let good = outcomes.filter(\.isGood).count
    print("rulesets: \(good) of \(outcomes.count) agree with the real tool")
    #expect(good == outcomes.count)
  }

  static func examine(_ path: String, _ file: String) throws -> Outcome {
    let family: Family = file.contains("ip6tables") ? .ipv6 : .ipv4
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let parsed = RulesetParser(registry: .ferrule, names: .system, family: family).parse(SourceFile(name: file, bytes: bytes))
    if parsed.syntax.bytes != bytes { return Outcome(file: file, text: "not lossless", isGood: false) }
    let first = parsed.diagnostics.first { $0.severity == .error }
    let line = first.map { parsed.file.position(of: Int($0.range.lowerBound)).line }
    let legacy = try LegacyTool.restoreTest(path, family)
    guard legacy.status == 0 else {
      let said = "rejected at line \(line.map(String.init) ?? "none"), really at \(legacy.line.map(String.init) ?? "?")"
      return Outcome(file: file, text: "\(said): \(first?.message ?? "")", isGood: line != nil && line == legacy.line)
    }
    if let first { return Outcome(file: file, text: "line \(line ?? 0): \(first.message)", isGood: false) }
    let ours = LegacyTool.tables(in: String(decoding: Formatter(names: .system).format(parsed), as: UTF8.self))
    let (answer, theirs) = try LegacyTool.savedTables(path, family)
    let loaded = parsed.ruleset.tables.map(\.name.rawValue).filter { answer.status == 0 || ours[$0] == theirs[$0] }
    for table in loaded where ours[table] != theirs[table] {
      return Outcome(file: file, text: "table \(table): \(firstDifference(ours[table] ?? "", theirs[table] ?? ""))", isGood: false)
    }
    let note = answer.status == 0 ? "" : ", the kernel here refuses to load it all: \(answer.errors.split(separator: "\n").first ?? "")"
    return Outcome(
      file: file, text: "same text in \(loaded.count) of \(ours.count) tables\(note)",
      isGood: answer.status != 0 || loaded.count == ours.count)
  }

  static func firstDifference(_ ours: String, _ theirs: String) -> String {
    let left = ours.split(separator: "\n")
    let right = theirs.split(separator: "\n")
    for index in 0..<max(left.count, right.count) {
      let a = index < left.count ? String(left[index]) : "nothing"
      let b = index < right.count ? String(right[index]) : "nothing"
      if a != b { return "\(a)   instead of   \(b)" }
    }
    return "none"
  }
}
