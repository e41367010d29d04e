import Extensions
import Foundation
import Grammar
import Kernel
import Wire
import XTables

/// The real iptables, run in a network namespace of its own, as a witness.
enum LegacyTool {
  struct Answer: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// The line iptables-restore says it stopped at.
    var line: Int? {
      for pattern in ["Error occurred at line: ", "line "] {
        guard let range = errors.range(of: pattern) else { continue }
        if let number = Int(errors[range.upperBound...].prefix { $0.isNumber }) { return number }
      }
      return nil
    }
  }

  /// Why the witness cannot be heard here, or nothing where it can.
  static let absence: String? = {
    if geteuid() != 0 { return "needs root for a network namespace" }
    if !FileManager.default.isExecutableFile(atPath: "/usr/sbin/iptables-legacy-restore") {
      return "needs iptables-legacy-restore (Debian package iptables)"
    }
    return nil
  }()

  /// Runs a shell script in a fresh namespace; `$1` to `$9` are the arguments.
  static func run(_ script: String, _ arguments: [String]) throws -> Answer {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(UUID())").path
    let (lock, errors) = (scratch + ".lock", scratch + ".errors")
    defer { for path in [lock, errors] { try? FileManager.default.removeItem(atPath: path) } }
    let process = try HostProcess.run(
      "unshare", ["-n", "sh", "-c", "exec 2>\"$0\"\n" + script, errors] + arguments, environment: ["XTABLES_LOCKFILE=\(lock)"])
    return Answer(
      status: process.status, output: process.output, errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
  }

  /// Words to draw sentences from: without the extensions that the tool here cannot load, which it could not judge. Says which they are.
  static func vocabulary(_ family: Family) throws -> SentenceVocabulary {
    let known = Registry.ferrule.all.filter { $0.families.contains(family) }
    let script = known.map { descriptor in
      let use = "\(descriptor.kind == .match ? "-m" : "-j") \(descriptor.name)"
      return "\(prefix(family))-legacy \(use) --help >/dev/null 2>&1 || echo '\(descriptor.name)'"
    }
    let missing = Set(try run(script.joined(separator: "\n"), []).output.split(separator: "\n").map(String.init))
    var vocabulary = family == .ipv4 ? SentenceVocabulary.anyIPv4 : .anyIPv6
    guard !missing.isEmpty else { return vocabulary }
    print("NOT compared, the \(prefix(family))-legacy here cannot load: \(missing.sorted())")
    vocabulary.extensions = Set(known.map(\.name)).subtracting(missing)
    return vocabulary
  }

  static func restoreTest(_ path: String, _ family: Family) throws -> Answer {
    try run("\(prefix(family))-legacy-restore --test \"$1\"", [path])
  }

  /// What save prints after the file was loaded, comments removed, by table.
  static func savedTables(_ path: String, _ family: Family) throws -> (answer: Answer, tables: [String: String]) {
    let answer = try run("\(prefix(family))-legacy-restore \"$1\"; s=$?; \(prefix(family))-legacy-save; exit $s", [path])
    return (answer, tables(in: answer.output))
  }

  /// Splits save's output, or a formatted file, into tables without comments and counters.
  static func tables(in text: String) -> [String: String] {
    var result: [String: String] = [:]
    var name: String?
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      if line.hasPrefix("*") { name = String(line.dropFirst()) }
      guard let table = name else { continue }
      result[table, default: ""] += withoutCounters(line) + "\n"
      if line == "COMMIT" { name = nil }
    }
    return result
  }

  private static func withoutCounters(_ line: Substring) -> String {
    if line.hasPrefix(":"), let bracket = line.lastIndex(of: "[") { return String(line[..<bracket]) + "[]" }
    if line.hasPrefix("["), let bracket = line.firstIndex(of: "]") { return String(line[line.index(bracket, offsetBy: 2)...]) }
    return String(line)
  }

  private static func prefix(_ family: Family) -> String { family == .ipv4 ? "iptables" : "ip6tables" }
}
