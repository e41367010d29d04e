import Diagnostics
import Documents

/// The output formats of test results.
public enum TestReportFormat: String, Sendable, CaseIterable {
  /// For people.
  case text
  /// JUnit XML, for build servers.
  case junit
  /// Test Anything Protocol, version 14.
  case tap
  case json
  /// One JSON object per file and line.
  case jsonl

  /// The results as text in this format.
  ///
  /// - Parameters:
  ///   - question: what the tests were run for.
  ///   - coloured: uses ANSI colours; only in ``text``.
  ///   - verbose: also lists the tests that passed or were skipped; only in ``text``.
  public func render(
    _ suites: [SuiteResult], of question: TestQuestion = .expectations, coloured: Bool = false, verbose: Bool = false
  ) -> String {
    switch self {
    case .text: TextTestReport(question: question, coloured: coloured, verbose: verbose).render(suites)
    case .junit: JUnitTestReport.render(suites)
    case .tap: TAPTestReport.render(suites)
    case .json: JSONTestReport(question: question).render(suites)
    case .jsonl: suites.map { JSONTestReport(question: question).line($0) }.joined()
    }
  }
}

/// The purpose of a test run, which determines the wording of reports.
public enum TestQuestion: Sendable {
  /// Whether the expectations hold.
  case expectations
  /// Whether engine and kernel agree.
  case agreement

  fileprivate func words(_ outcome: TestResult.Outcome) -> String {
    switch (self, outcome) {
    case (.expectations, .broken): "could not run"
    case (.agreement, .passed): "agree"
    case (.agreement, .failed): "differ"
    case (.agreement, .broken): "not verified"
    case (_, let outcome): outcome.rawValue
    }
  }

  /// The outcome's name in JSON.
  fileprivate func name(_ outcome: TestResult.Outcome) -> String {
    self == .expectations ? outcome.rawValue : words(outcome).replacing(" ", with: "_")
  }
}

extension SourceFile {
  /// `path:line` of a place.
  func line(of range: SourceRange) -> String { "\(name):\(position(of: Int(range.lowerBound)).line)" }
}

extension TestResult {
  /// The reasons of failure, line by line.
  func explanation(in file: SourceFile) -> [String] {
    var lines: [String] = []
    if outcome == .broken, let reason { lines.append("\(file.line(of: range)): \(reason)") }
    for step in steps where !step.failures.isEmpty {
      lines.append("\(file.line(of: step.range)): step \(step.number): \(step.text)")
      for failure in step.failures { lines += failure.lines.map { "  " + $0 } }
      if let trace = step.trace, !trace.isEmpty {
        lines.append("  path of the packet:")
        lines += trace.split(separator: "\n").map { "    " + $0 }
      }
    }
    for failure in failures {
      lines.append("\(file.line(of: failure.range)): at the end of the test")
      lines += failure.lines.map { "  " + $0 }
    }
    return lines
  }
}

extension SuiteResult {
  /// The reason why several tests could not be played, if it is the same for all.
  fileprivate var commonReason: String? {
    guard tests.count > 1, let reason = tests[0].reason else { return nil }
    return tests.allSatisfy { $0.outcome == .broken && $0.reason == reason } ? reason : nil
  }
}

extension TestFailure {
  /// The failure on one line.
  fileprivate var sentence: String {
    subject.map { "\($0): Ferrule: \(expected), kernel: \(actual)" } ?? "expected \(expected), got \(actual)"
  }

  fileprivate var lines: [String] {
    if let subject { return [subject, "  Ferrule: \(expected)", "   kernel: \(actual)"] }
    var lines = ["expected: \(expected)", "  actual: \(actual)"]
    if !whyNot.isEmpty { lines.append(" why not: " + whyNot[0]) }
    lines += whyNot.dropFirst().map { "          " + $0 }
    return lines
  }
}

/// Text for people: a line for each file, and every failure with its reasons.
struct TextTestReport {
  let question: TestQuestion
  let coloured: Bool
  let verbose: Bool

  func render(_ suites: [SuiteResult]) -> String {
    let renderer = TextRenderer(coloured: coloured)
    var text = ""
    for suite in suites {
      text += suite.diagnostics.map { renderer.render($0, in: suite.file) }.joined()
      let mark = suite.isPassed ? paint("✓", "32") : paint("✗", "31")
      text += "\(mark) \(Escaping.line(suite.name)): \(counts(suite.tests))\n"
      if let reason = suite.commonReason {
        text += "  " + paint("✗ all: \(Escaping.line(reason))", "31") + "\n"
        continue
      }
      for test in suite.tests {
        let name = Escaping.line(test.name)
        if test.outcome == .failed || test.outcome == .broken {
          text += "  " + paint("✗ \(name)", "31") + "\n"
          text += test.explanation(in: suite.file).map { "    \(Escaping.line($0))\n" }.joined()
        } else if verbose {
          let reason = Escaping.line(test.reason ?? "")
          text += test.outcome == .skipped ? "  - \(name): skipped, \(reason)\n" : "  \(paint("✓", "32")) \(name)\n"
        }
      }
    }
    guard suites.count > 1 else { return text }
    return text + "\(suites.count) files: \(counts(suites.flatMap(\.tests)))\n"
  }

  private func counts(_ tests: [TestResult]) -> String {
    var parts: [String] = []
    for outcome in [TestResult.Outcome.failed, .broken, .passed, .skipped] {
      let count = tests.count { $0.outcome == outcome }
      if count > 0 { parts.append("\(count) \(question.words(outcome))") }
    }
    return (parts.isEmpty ? "no tests" : parts.joined(separator: ", ")) + ", \(tests.reduce(0) { $0 + $1.packets }) packets"
  }

  private func paint(_ text: String, _ code: String) -> String { coloured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

/// The XML format of JUnit's Ant task, as build servers read it.
enum JUnitTestReport {
  static func render(_ suites: [SuiteResult]) -> String {
    let all = suites.flatMap(\.tests)
    var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    xml += "<testsuites tests=\"\(all.count)\" failures=\"\(count(all, .failed))\" errors=\"\(count(all, .broken))\" "
    xml += "skipped=\"\(count(all, .skipped))\" time=\"\(seconds(all))\">\n"
    for suite in suites {
      let broken = suite.diagnostics.filter { $0.severity == .error }
      xml += "  <testsuite name=\"\(Escaping.markup(suite.name))\" tests=\"\(suite.tests.count + broken.count)\" "
      xml += "failures=\"\(suite.count(.failed))\" errors=\"\(suite.count(.broken) + broken.count)\" "
      xml += "skipped=\"\(suite.count(.skipped))\" time=\"\(seconds(suite.tests))\">\n"
      for problem in broken {
        xml += "    <testcase name=\"\(Escaping.markup(suite.file.line(of: problem.range)))\" classname=\"\(Escaping.markup(suite.name))\">"
        xml += "<error message=\"\(Escaping.markup(problem.message))\"/></testcase>\n"
      }
      for test in suite.tests { xml += render(test, suite) }
      xml += "  </testsuite>\n"
    }
    return xml + "</testsuites>\n"
  }

  private static func render(_ test: TestResult, _ suite: SuiteResult) -> String {
    var xml = "    <testcase name=\"\(Escaping.markup(test.name))\" classname=\"\(Escaping.markup(suite.name))\" "
    xml += "file=\"\(Escaping.markup(suite.file.name))\" line=\"\(suite.file.position(of: Int(test.range.lowerBound)).line)\" "
    xml += "time=\"\(Decimals.three(test.duration))\""
    let first = test.steps.flatMap(\.failures).first ?? test.failures.first
    let text = test.explanation(in: suite.file).map { Escaping.markup($0) }.joined(separator: "\n")
    switch test.outcome {
    case .passed: return xml + "/>\n"
    case .skipped: return xml + "><skipped message=\"\(Escaping.markup(test.reason ?? ""))\"/></testcase>\n"
    case .broken: return xml + "><error message=\"\(Escaping.markup(test.reason ?? ""))\">\(text)</error></testcase>\n"
    case .failed:
      let message = first?.sentence ?? ""
      return xml + "><failure message=\"\(Escaping.markup(message))\">\(text)</failure></testcase>\n"
    }
  }

  private static func count(_ tests: [TestResult], _ outcome: TestResult.Outcome) -> Int { tests.count { $0.outcome == outcome } }

  private static func seconds(_ tests: [TestResult]) -> String { Decimals.three(tests.reduce(0) { $0 + $1.duration }) }
}

enum Decimals {
  /// A number with three decimal places.
  static func three(_ value: Double) -> String {
    let thousandths = Int((max(0, min(value, 1e12)) * 1000).rounded())
    let rest = thousandths % 1000
    return "\(thousandths / 1000)." + String(repeating: "0", count: rest < 10 ? 2 : rest < 100 ? 1 : 0) + "\(rest)"
  }
}

/// Test Anything Protocol: a line for each test, followed by a block with the reasons of a failure.
enum TAPTestReport {
  static func render(_ suites: [SuiteResult]) -> String {
    var lines: [String] = []
    var number = 0
    for suite in suites {
      for problem in suite.diagnostics where problem.severity == .error {
        number += 1
        lines.append("not ok \(number) - \(Escaping.tap(suite.file.line(of: problem.range))): \(Escaping.tap(problem.message))")
      }
      for test in suite.tests {
        number += 1
        let isFine = test.outcome == .passed || test.outcome == .skipped
        var line = (isFine ? "ok" : "not ok") + " \(number) - \(Escaping.tap(suite.name)): \(Escaping.tap(test.name))"
        if test.outcome == .skipped { line += " # SKIP \(Escaping.tap(test.reason ?? ""))" }
        lines.append(line)
        if !isFine {
          lines.append("  ---")
          // The explicit indentation keeps leading blanks of the first line.
          lines.append("  message: |2")
          lines += test.explanation(in: suite.file).map { "    \(Escaping.line($0))" }
          lines.append("  ...")
        }
      }
    }
    return "TAP version 14\n1..\(number)\n" + lines.map { $0 + "\n" }.joined()
  }
}

/// All details as JSON.
struct JSONTestReport {
  let question: TestQuestion

  func render(_ suites: [SuiteResult]) -> String {
    let all = suites.flatMap(\.tests)
    var counts = JSONObject()
    for outcome in [TestResult.Outcome.passed, .failed, .broken, .skipped] {
      counts[question.name(outcome)] = .integer(all.count { $0.outcome == outcome })
    }
    let seconds = all.reduce(0) { $0 + $1.duration }
    let report: JSONValue = [
      "counts": .object(counts), "seconds": .number(seconds), "tests_per_second": .number(seconds > 0 ? Double(all.count) / seconds : 0),
      "suites": .array(suites.map(json)),
    ]
    return report.description + "\n"
  }

  /// The result of one file as a line of its own.
  func line(_ suite: SuiteResult) -> String {
    let isBroken = suite.diagnostics.contains { $0.severity == .error }
    let command = question == .expectations ? "test" : "verify"
    return ResultLine(command: command, files: [suite.file.name], exit: isBroken ? 2 : suite.isPassed ? 0 : 1, result: json(suite)).text
  }

  private func json(_ suite: SuiteResult) -> JSONValue {
    [
      "file": .string(suite.file.name), "name": .string(suite.name),
      "diagnostics": .array(
        suite.diagnostics.map { problem in
          [
            "severity": .string(problem.severity.rawValue), "line": .integer(suite.file.position(of: Int(problem.range.lowerBound)).line),
            "message": .string(problem.message),
          ]
        }),
      "tests": .array(suite.tests.map { json($0, suite.file) }),
    ]
  }

  private func json(_ test: TestResult, _ file: SourceFile) -> JSONValue {
    var object: JSONObject = [
      "name": .string(test.name), "line": .integer(file.position(of: Int(test.range.lowerBound)).line),
      "outcome": .string(question.name(test.outcome)), "packets": .integer(test.packets), "seconds": .number(test.duration),
    ]
    if let reason = test.reason { object["reason"] = .string(reason) }
    object["steps"] = .array(
      test.steps.map { step in
        var members: JSONObject = [
          "line": .integer(file.position(of: Int(step.range.lowerBound)).line), "text": .string(step.text),
          "verdict": JSONValue(step.verdict),
        ]
        if !step.failures.isEmpty { members["failures"] = .array(step.failures.map { json($0, file) }) }
        if let trace = step.trace { members["trace"] = .string(trace) }
        return .object(members)
      })
    if !test.failures.isEmpty { object["failures"] = .array(test.failures.map { json($0, file) }) }
    return .object(object)
  }

  private func json(_ failure: TestFailure, _ file: SourceFile) -> JSONValue {
    let line = JSONValue.integer(file.position(of: Int(failure.range.lowerBound)).line)
    if let subject = failure.subject {
      return ["line": line, "subject": .string(subject), "ferrule": .string(failure.expected), "kernel": .string(failure.actual)]
    }
    return [
      "line": line, "expected": .string(failure.expected), "actual": .string(failure.actual),
      "why_not": .array(failure.whyNot.map { .string($0) }),
    ]
  }
}
