import Diagnostics
import Foundation
import FoundationXML
import TestSupport
import Testing

/// One corpus of hostile names and remarks, in every place of rulesets and scenario files that bears a name, through every command and format:
/// nothing that comes out drives a terminal or a log, and the forms that programs read are well formed and say the same.
@Suite(.serialized) final class HostileTextTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-hostile-\(UUID().uuidString)")
  /// Names of files, each of which holds the ruleset that is sound.
  private static let fileNames = HostileText.strings.filter { !$0.contains("/") }.map { "\($0).rules" }

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let files = HostileFiles()
    try write(files.sound, "sound.rules")
    try write(files.broken, "broken.rules")
    try write(files.scenario(rules: "sound.rules"), "scenario.yaml")
    try write(files.brokenScenario, "broken.yaml")
    try write(files.lab, "lab.jsonl")
    try write(Array("interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}\nsysctls: {net.ipv4.ip_forward: 1}\n".utf8), "host.yaml")
    for (index, text) in HostileText.strings.enumerated() {
      try write(Array("interfaces: {\(HostileFiles.quote(text)): {\(HostileFiles.quote(text)): 1}}\n".utf8), "host\(index).yaml")
      try write(Array("create \(text) \(text)\n".utf8), "set\(index)")
    }
    for (index, name) in Self.fileNames.enumerated() {
      try write(files.small, name)
      let tests = files.scenario(rules: Self.isInline(name) ? "sound.rules" : name, [HostileText.strings[index]])
      try write(tests, name + ".yaml")
    }
  }

  /// A text of several lines in a scenario file's `rules` is the rules themselves.
  private static func isInline(_ name: String) -> Bool { name.contains("\n") || name.contains("\r\n") }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(filePath: folder.path + "/" + name))
  }

  private struct Output {
    let standard: [UInt8]
    let errors: [UInt8]
    let status: Int32
    var text: String { String(decoding: standard, as: UTF8.self) }
  }

  private func run(_ arguments: [String]) throws -> Output {
    let line = arguments.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
    let status = try BuiltCommand.shell("ferrule \(line) > .out 2> .err < lab.jsonl", in: folder).status
    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }
    return Output(standard: try bytes(".out"), errors: try bytes(".err"), status: status)
  }

  /// Runs a command and holds both streams against what drives a terminal or a log.
  @discardableResult private func harmless(_ arguments: [String], isLog: Bool = true) throws -> Output {
    let output = try run(arguments)
    let dangers = HostileText.dangers(in: output.standard, isLog: isLog) + HostileText.dangers(in: output.errors)
    #expect(dangers.isEmpty, "\(Escaping.line(arguments.joined(separator: " "))): \(dangers.prefix(3))")
    #expect(output.status < 128, "\(arguments)")
    return output
  }

  // MARK: Text for people

  @Test func rulesetsAreShownHarmlessly() throws {
    let packet = "eth0 udp 10.0.0.9:1000 > 10.0.1.9:80"
    for rules in ["sound.rules", "broken.rules"] {
      for arguments in [
        ["lint", rules], ["show", rules], ["show", "--format", "json", rules], ["compile", rules], ["compile", "--format", "json", rules],
        ["apply", "--test", rules], ["fmt", "--check", rules], ["run", "--host", "host.yaml", rules, packet],
        ["run", "--brief", "--host", "host.yaml", rules, packet],
        ["lint", "--format", "jsonl", rules], ["diff", "--format", "jsonl", rules, rules], ["audit", "--format", "jsonl", rules],
        ["run", "--format", "jsonl", "--host", "host.yaml", rules, packet], ["explore", "--host", "host.yaml", "--packet", packet, rules],
        ["run", "--format", "json", "--conntrack", "--host", "host.yaml", rules, packet],
      ] { try harmless(arguments) }
    }
    #expect(try run(["show", "sound.rules"]).text.contains("c0\\x1b[2J"))
    #expect(try run(["run", "--host", "host.yaml", "sound.rules", packet]).text.contains("\\u{202e}desrever"))
  }

  @Test func scenariosAreToldHarmlessly() throws {
    for file in ["scenario.yaml", "broken.yaml"] {
      for format in ["text", "tap", "junit", "json"] { try harmless(["test", "--verbose", "--format", format, file]) }
      for format in ["text", "json", "lcov", "html"] { try harmless(["coverage", "--format", format, file]) }
    }
    try harmless(["test", "--pcapng", "out.pcapng", "scenario.yaml"])
    let capture = String(decoding: try Data(contentsOf: folder.appending(path: "out.pcapng")), as: UTF8.self)
    #expect(capture.contains("\\x1b[2J") && !capture.contains("\u{1B}[2J") && !capture.contains("\u{202E}"))
    try harmless(["lab"])
  }

  @Test(.asRoot) func theKernelIsAskedHarmlessly() throws {
    for format in ["text", "tap", "junit", "json"] { try harmless(["verify", "--verbose", "--format", format, "scenario.yaml"]) }
    try harmless(["lab", "--kernel"])
    try harmless(["apply", "--sandbox", "sound.rules"])
    try harmless(["apply", "--sandbox", "broken.rules"])
  }

  @Test func wordsOfTheCommandLineAreEchoedHarmlessly() throws {
    for (index, text) in HostileText.strings.enumerated() {
      for arguments in [
        [text], ["lint", "--\(text)"], ["lint", "--format", text], ["lint", "--format=\(text)"], ["lint", text], ["explain", text],
        ["explain", "-m", text],
        ["explain", "-j", text], ["run", "sound.rules", text], ["run", "sound.rules", "eth0 udp \(text)"],
        ["run", "--expect", text, "sound.rules", "eth0 udp 1.1.1.1:1 > 2.2.2.2:2"],
        ["run", "--host", "host\(index).yaml", "sound.rules", "eth0 udp 1.1.1.1:1 > 2.2.2.2:2"],
        ["run", "--ipset", "set\(index)", "sound.rules", "eth0 udp 1.1.1.1:1 > 2.2.2.2:2"],
        ["test", text], ["show", "-t", text, "sound.rules"],
      ] { try harmless(arguments) }
    }
  }

  @Test func namesOfFilesAreTold() throws {
    for format in ["text", "json", "sarif", "junit"] { try harmless(["lint", "--format", format] + Self.fileNames) }
    try harmless(["fmt", "--check"] + Self.fileNames)
    for name in Self.fileNames { try harmless(["decompile", name]) }
    let scenarios = Self.fileNames.map { $0 + ".yaml" }
    for format in ["text", "tap", "junit", "json"] { try harmless(["test", "--format", format] + scenarios) }
    for format in ["text", "lcov", "html", "json"] { try harmless(["coverage", "--format", format] + scenarios) }
  }

  @Test func coloursAreTheOnlyControls() throws {
    for arguments in [["lint", "broken.rules"], ["test", "--verbose", "scenario.yaml"], ["test", "broken.yaml"]] {
      let plain = try run(arguments + ["--color", "never"]).text
      var coloured = try run(arguments + ["--color", "always"]).text
      #expect(coloured.contains("\u{1B}["))
      for code in ["1;31", "1;33", "1;36", "31", "32", "0"] { coloured = coloured.replacing("\u{1B}[\(code)m", with: "") }
      #expect(coloured == plain)
    }
  }

  /// A pipe gets a ruleset as it is, a terminal does not.
  @Test func dataIsExactButOnATerminal() throws {
    let files = HostileFiles()
    #expect(try run(["lint", "--fix", "-"]).status == 2)
    let bytes = try run(["fmt", "sound.rules"]).standard
    for word in HostileText.words { #expect(bytes.firstRange(of: word) != nil, "\(word)") }
    #expect(bytes.firstRange(of: Array(files.sound.prefix(200).suffix(10))) != nil)
    let terminal = try BuiltCommand.shell(
      "export TERM=xterm; unset NO_COLOR; script -qec 'ferrule fmt sound.rules; ferrule lint sound.rules' /dev/null < /dev/null | tr -d '\\r'; NO_COLOR=1 script -qec 'ferrule lint sound.rules' /dev/null </dev/null > .out",
      in: folder)
    let withoutColours = ["1;31", "1;33", "1;36", "0"].reduce(terminal.text) { $0.replacing("\u{1B}[\($1)m", with: "") }
    #expect(
      terminal.text.contains("c0\\x1b[2J") && terminal.text.contains("\u{1B}[1;33mwarning"), "\(Escaping.lines(terminal.text).prefix(300))")
    #expect(HostileText.dangers(in: Array(withoutColours.utf8)).isEmpty)
    let quiet = try String(contentsOf: folder.appending(path: ".out"), encoding: .utf8)
    #expect(quiet.contains("warning") && !quiet.contains("\u{1B}"))
  }

  // MARK: Forms that programs read

  @Test func everyAnnotationIsOneLine() throws {
    for file in ["sound.rules", "broken.rules"] + Self.fileNames {
      let output = try run(["lint", "--format", "github", file])
      #expect(HostileText.dangers(in: output.standard, isLog: false).isEmpty)
      let json = try JSONSerialization.jsonObject(with: Data(try run(["lint", "--format", "json", file]).standard)) as? [String: Any]
      let findings = try #require(json?["diagnostics"] as? [[String: Any]])
      let lines = output.text.split(separator: "\n")
      #expect(lines.count == findings.count && !lines.isEmpty)
      for (line, finding) in zip(lines, findings) {
        let form = /::(error|warning|notice) file=([^,:]*),line=[0-9]+,col=[0-9]+,title=[^,:]*::(.*)/
        let match = try #require(line.wholeMatch(of: form), "\(line)")
        #expect(match.3.hasPrefix(Escaping.gitHub(try #require(finding["message"] as? String))))
        #expect(finding["file"] as? String == file)
      }
    }
  }

  @Test func testsAreReadBackWithTheirNames() throws {
    let names = HostileText.strings.flatMap { [$0, $0, $0] }
    let json =
      try JSONSerialization.jsonObject(with: Data(try run(["test", "--format", "json", "scenario.yaml"]).standard)) as? [String: Any]
    let suite = try #require((json?["suites"] as? [[String: Any]])?.first)
    let tests = try #require(suite["tests"] as? [[String: Any]])
    #expect(tests.map { $0["name"] as? String } == names)
    #expect(suite["name"] as? String == HostileText.strings.joined())

    let xml = try XMLNames(try run(["test", "--format", "junit", "scenario.yaml"]).standard)
    #expect(xml["testcase", "name"] == names.map { Escaping.line($0) })
    #expect(xml["skipped", "message"] == HostileText.strings.map { Escaping.line($0) })
    #expect(xml["failure", "message"].count == HostileText.strings.count)

    let lines = try run(["test", "--format", "tap", "scenario.yaml"]).text.split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    #expect(lines.first == "TAP version 14" && lines.dropFirst().first == "1..\(names.count)")
    let points = lines.dropFirst(2).filter { !$0.hasPrefix("  ") }
    #expect(points.count == names.count)
    for (number, (line, name)) in zip(points, names).enumerated() {
      let described = try #require(line.split(separator: " - ", maxSplits: 1).last)
      #expect(line.hasPrefix("ok \(number + 1) - ") || line.hasPrefix("not ok \(number + 1) - "))
      #expect(described.hasPrefix(Escaping.tap(HostileText.strings.joined()) + ": " + Escaping.tap(name)))
    }
  }

  @Test func reportsOnRulesetsAreWellFormed() throws {
    for file in ["sound.rules", "broken.rules"] + Self.fileNames {
      let xml = try XMLNames(try run(["lint", "--format", "junit", file]).standard)
      #expect(!xml["testcase", "name"].isEmpty && Set(xml["testcase", "classname"]) == [Escaping.line(file)])
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(try self.run(["lint", "--format", "sarif", file]).standard))
      }
    }
  }

  @Test func coverageIsWellFormed() throws {
    let tags: Set = [
      "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "td", "th", "a", "pre",
    ]
    let scenarios = ["scenario.yaml"] + Self.fileNames.map { $0 + ".yaml" }
    let files = 1 + Self.fileNames.count { !Self.isInline($0) }
    let lines = try run(["coverage", "--format", "lcov"] + scenarios).text.split(separator: "\n")
    #expect(lines.count { $0 == "end_of_record" } == files && lines.count { $0.hasPrefix("SF:") } == files)
    #expect(
      lines.allSatisfy { line in
        line == "end_of_record" || ["TN:", "SF:", "FN:", "FNDA:", "FNF:", "FNH:", "DA:", "LF:", "LH:"].contains { line.hasPrefix($0) }
      })
    let page = try run(["coverage", "--format", "html"] + scenarios).text
    for part in page.split(separator: "<").dropFirst() {
      let name = part.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber || $0 == "!" }
      #expect(tags.contains(String(name)), "<\(name)")
    }
  }
}
