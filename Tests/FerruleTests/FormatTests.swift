import Foundation
import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
  /// Runs only where the toolchain has `swift format` (Swift 6.0 and newer do); says so where it does not.
  static var needsSwiftFormat: Self {
    .enabled("the format was NOT checked: `swift format' is not in the PATH") {
      (try? BuiltCommand.shell("swift format --version").status) == 0
    }
  }
}

/// The source files against `swift format lint`, which `CONTRIBUTING.md` says how to satisfy.
@Suite(.needsSwiftFormat) struct FormatTests {
  /// What `swift format lint` reports, one finding a line: `FILE:LINE:COLUMN: warning: [RULE] …`.
  private static func findings(_ options: String, in folders: String) throws -> [String] {
    let report = try BuiltCommand.shell("swift format lint --parallel --recursive \(options) \(folders)").text
    return report.split(separator: "\n").map(String.init).filter { !$0.isEmpty }
  }

  /// Comments and string literals are not broken by the formatter, and `LineLength` does not count a line that is a comment alone.
  @Test func everySourceFileObeysTheSwiftFormatConfiguration() throws {
    let findings = try Self.findings("--strict", in: "Package.swift Sources Tests Benchmarks")
    // The tree is formatted by one commit after all branches are merged; then `withKnownIssue` fails, and is to be taken out.
    withKnownIssue("the tree is not formatted yet: make format") {
      #expect(findings.isEmpty, "\(findings.count) findings; run: make format\n\(findings.prefix(20).joined(separator: "\n"))")
    }
  }

  /// How many public declarations of a module may still have no doc comment. A number may only fall; a module that is not named has none.
  static let undocumented = [
    "Compiler": 30, "Diagnostics": 33, "Evaluator": 191, "Fuzzing": 34, "Kernel": 60, "Lab": 312, "Linter": 161,
    "Syntax": 50, "XTables": 451,
  ]

  /// The extensions themselves (`Sources/Extensions/*/`) are described by their options and examples.
  @Test func noPublicDeclarationWithoutDocCommentIsAdded() throws {
    let rule = "AllPublicDeclarationsHaveDocumentation"
    let configuration = #"{"version": 1, "lineLength": 1000, "rules": {"\#(rule)": true}}"#
    let findings = try Self.findings("--configuration '\(configuration)'", in: "Sources").filter { finding in
      finding.contains("[\(rule)]") && finding.firstMatch(of: #/Sources/Extensions/\w+/#) == nil
    }
    let modules = Dictionary(grouping: findings) { $0.firstMatch(of: #/Sources/([\w-]+)/#).map { String($0.1) } ?? "" }
    for (module, places) in modules {
      let allowed = Self.undocumented[module] ?? 0
      #expect(
        places.count <= allowed,
        "\(module) has \(places.count) public declarations without a doc comment, \(allowed) are allowed:\n\(places.joined(separator: "\n"))"
      )
    }
    for (module, allowed) in Self.undocumented.sorted(by: { $0.key < $1.key }) where modules[module]?.count ?? 0 < allowed {
      print(
        "\(module): \(modules[module]?.count ?? 0) public declarations without a doc comment; lower its number in FormatTests from \(allowed)"
      )
    }
  }
}
