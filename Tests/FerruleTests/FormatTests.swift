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
    let findings = try Self.findings("--strict", in: "Package.swift Sources Products Tests Benchmarks Examples")
    #expect(findings.isEmpty, "\(findings.count) findings; run: make format\n\(findings.prefix(20).joined(separator: "\n"))")
  }

  /// The extensions themselves (`Sources/Extensions/*/`) are described by their options and examples.
  @Test func everyPublicDeclarationHasADocComment() throws {
    let rule = "AllPublicDeclarationsHaveDocumentation"
    let configuration = #"{"version": 1, "lineLength": 1000, "rules": {"\#(rule)": true}}"#
    let findings = try Self.findings("--configuration '\(configuration)'", in: "Sources").filter { finding in
      finding.contains("[\(rule)]") && finding.firstMatch(of: #/Sources/Extensions/\w+/#) == nil
    }
    #expect(findings.isEmpty, "\(findings.count) public declarations have no doc comment\n\(findings.prefix(20).joined(separator: "\n"))")
  }
}
