import Diagnostics
import Extensions
import Suites
import Testing
import Wire
import XTables

@Suite("Reading scenario files")
struct ScenarioFileReaderTests {
  /// Every mistake is told with line and column.
  @Test(arguments: [
    ("tests:\n  - name: a\n    steps:\n      - eth0 tcp 10.0.0.9 > 10.0.0.1:80 S", "4:18: the source needs a port"),
    ("tests:\n  - name: a\n    steps:\n      - 'eth0 tcp 10.0.0.9:1 > 10.0.0.1:80 S => dorp'", "4:49: `dorp' is not a verdict"),
    ("tests:\n  - name: a\n    steps:\n      - {wiat: 3}", "4:10: a step has no member `wiat'"),
    ("tests:\n  - name: a\n    steps:\n      - {wait: soon}", "4:16: expected a number of seconds, found `soon'"),
    ("tests:\n  - name: a\n    steps:\n      - {expect: local}", "4:9: the step has no action"),
    ("tests:\n  - name: a\n    steps: [\n", "4:1: the file is not valid YAML: did not find expected node content"),
    ("name: x", "1:1: the file has no `tests'"), ("", "1:1: the file is empty"),
    ("rules: missing.v4\ntests: []", "1:8: other files cannot be read here"),
    (
      "rules: |\n  *filter\n  -A INPUT -j NOWHERE\n  COMMIT\ntests: []",
      "1:8: test.yaml:3:13: Couldn't load target `NOWHERE':No such file or directory"
    ),
    ("host: {interfaces: {eth0: [10.0.0.300/24]}}\ntests: []", "1:28: `10.0.0.300/24' is not an address"),
    ("clock: tomorrow\ntests: []", "1:8: `tomorrow' is not a time"),
    (
      "rules: |\n  *filter\n  -A INPUT -j DROP\n  COMMIT\ntests:\n  - name: a\n    steps:\n      - {wait: 1, expect: {rule: INPUT 2}}",
      "8:34: filter INPUT has no rule 2: the chain has 1 rule"
    ),
    (
      "rules: |\n  *filter\n  -A INPUT -j DROP\n  COMMIT\ntests:\n  - name: a\n    steps:\n      - {wait: 1, expect: {never: INPTU}}",
      "8:35: there is no chain INPTU"
    ),
    (
      "host: {interfaces: {br0: [10.0.0.1/24], eth0: {master: br0}}}\ntests: []", "1:56: `br0' is an interface, but not a bridge"
    ), ("host: {interfaces: {eth0: {bridge: br9}}}\ntests: []", "1:36: the host has no bridge `br9'"),
    ("host: {interfaces: {eth0: {type: bond}}}\ntests: []", "1:28: an interface can have the type `bridge' only"),
    ("tests:\n  - name: a\n    steps: []\n    expect: {verdict: local}", "4:23: `verdict: local' can be expected only in a step"),
  ]) func mistakesHaveTheirPlace(_ text: String, _ message: String) {
    let reading = Suites.read(text)
    let found = reading.diagnostics.map { problem in
      let position = reading.file.position(of: Int(problem.range.lowerBound))
      return "\(position.line):\(position.column): \(problem.message)"
    }
    #expect(found == [message])
  }

  /// A key that means nothing at this kind of step is an error, and the hint names the kinds of steps that use it.
  @Test(arguments: [
    ("packet: eth0 udp 10.0.0.9:1 > 10.0.0.1:2, ttl: 1", "`ttl' means nothing beside `packet'", "`in', `local'"),
    ("packet: eth0 udp 10.0.0.9:1 > 10.0.0.1:2, smac: 02:00:00:00:00:01", "`smac' means nothing beside `packet'", "`in'"),
    (
      "packet: eth0 udp 10.0.0.9:1 > 10.0.0.1:2, ping: eth0 10.0.0.9 > 10.0.0.1",
      "a step has one action, and this one has `packet' already", ""
    ),
    ("packet: eth0 udp 10.0.0.9:1 > 10.0.0.1:2, flush: true", "a step has one action, and this one has `packet' already", ""),
    ("reply: SA, repeat: 3", "`repeat' means nothing beside `reply'", "`packet', `in', `local', `send', `close', `flush'"),
    ("handshake: eth0 10.0.0.9:1 > 10.0.0.1:2, wait: 3", "`wait' means nothing beside `handshake'", "write a step `wait: SECONDS'"),
    ("ping: eth0 10.0.0.9 > 10.0.0.1, active: true", "`active' means nothing beside `ping'", "`ftp'"),
    ("close: eth0 10.0.0.9:1 > 10.0.0.1:2, fin: false", "`fin' means nothing if `close' names a connection", "the name of a socket"),
    ("send: web, ttl: 1", "`ttl' means nothing beside `send'", "`in', `local'"),
    ("local: {}, dmac: 02:00:00:00:00:01", "`dmac' means nothing beside `local'", "`in'"),
    ("wait: 3, fin: false", "`fin' means nothing beside `wait'", "`close'"), ("flush: false", "`flush' can only be true", ""),
  ]) func keysOfOtherStepsAreRefused(_ step: String, _ message: String, _ hint: String) throws {
    let reading = Suites.read("tests:\n  - name: a\n    steps:\n      - {\(step)}")
    let problem = try #require(reading.diagnostics.first)
    #expect(problem.message == message)
    #expect(hint.isEmpty || problem.notes.contains { $0.message.contains(hint) }, "\(problem.notes)")
  }

  /// A test that is wrong does not take the others along.
  @Test func otherTestsAreRead() {
    let reading = Suites.read("tests: [{name: a, steps: [{wait: x}]}, {name: b, steps: []}, {name: c}]")
    #expect(reading.suite?.tests.map(\.name) == ["b"])
    #expect(reading.diagnostics.count == 2)
  }

  /// A short text can stand for a value of any size; it is refused, and soon.
  @Test func aliasesDoNotMultiplyWithoutEnd() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 { text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n" }
    #expect(Suites.read(text + "tests: []").hasErrors)
    #expect(Suites.read(text + "tests: [{name: a, steps: *a12}]").hasErrors)
    #expect(ScenarioFile.json(Array(text.utf8)) == nil)
  }

  @Test func deepNestingIsRefused() {
    for opening in ["[", "{a: ", "- "] {
      #expect(Suites.read("tests: " + String(repeating: opening, count: 50_000)).hasErrors)
    }
  }

  /// Changed files end in diagnostics or in a suite that can be run, never in a trap.
  @Test(arguments: 0..<6 as Range<UInt64>) func changedFilesDoNotTrap(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let texts =
      try Suites.examples.map { try Suites.read(example: $0).file.bytes } + [Array((TestRunnerTests.head + "      - wait: 1\n").utf8)]
    let pieces = [
      "-1", "65536", "99999999999999999999", "null", "[]", "{}", "''", "*a", "&a", "|", "0x", "eth0", "=>", "> ", ": ", "- ", "reply: SA",
      "\n", "\t", "\u{FF}",
    ]
    let runner = TestRunner(registry: .ferrule)
    for _ in 0..<40 {
      var bytes = texts.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0..<30, using: &random)))
        default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 60)], at: at)
        }
      }
      let reading = ScenarioFile.read(SourceFile(name: "fuzz.yaml", bytes: bytes), registry: .ferrule, loader: Suites.loader)
      let results = runner.run([reading], workers: 1, only: { $0.steps.allSatisfy { $0.parts.count < 100 } })
      for format in TestReportFormat.allCases { _ = format.render(results) }
    }
  }
}
