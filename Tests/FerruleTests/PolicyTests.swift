import Diagnostics
import Documents
import Extensions
import Foundation
import Linter
import Policies
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// `.ferrule.yml`, baselines, suppressions and fixes, as `ferrule lint` applies them.
@Suite struct PolicyTests {
  /// A folder that is removed at the end of the test.
  private final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "ferrule-policy-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      for (name, text) in files {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func run(_ line: String) throws -> BuiltCommand.Outcome { try BuiltCommand.shell(line, in: url) }
    func text(_ name: String) throws -> String { try String(contentsOf: url.appending(path: name), encoding: .utf8) }
  }

  private static let unused = "*filter\n:a - [0:0]\nCOMMIT\n"

  @Test func thePolicyIsFoundUpwardsAndSelects() throws {
    let folder = try Folder([
      ".ferrule.yml": "ignore: [FE002]\nper-file: {\"lab/*.rules\": [FE003]}\nseverity: {FE073: error}\nfail-on: note\n",
      "a/b/x.rules": Self.unused, "lab/y.rules": "*filter\n:a - [0:0]\n-A INPUT -j a\nCOMMIT\n",
      "z.rules": "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j ACCEPT\nCOMMIT\n",
      "n.rules": "*filter\n-A FORWARD -j NFQUEUE --queue-num 0\nCOMMIT\n",
    ])
    #expect(try folder.run("ferrule lint a/b/x.rules").status == 0)
    #expect(try folder.run("cd a/b && ferrule lint x.rules").text == "no findings\n")
    #expect(try folder.run("ferrule lint --no-config a/b/x.rules").status == 1)
    #expect(try folder.run("ferrule lint lab/y.rules").status == 0)
    #expect(try folder.run("ferrule lint z.rules").text.contains("error: everyone reaches every port"))
    #expect(try folder.run("ferrule lint z.rules").status == 2)
    #expect(try folder.run("ferrule lint n.rules").status == 1)
    #expect(try folder.run("ferrule lint --fail-on never n.rules").status == 0)
    #expect(try folder.run("ferrule lint --ignore safety n.rules").text == "no findings\n")
    #expect(try folder.run("ferrule lint --no-config --select FE07,rules a/b/x.rules").status == 1)
    #expect(try folder.run("ferrule lint --no-config --select FE07 a/b/x.rules").status == 0)
    #expect(try folder.run("ferrule lint --ignore FE999 n.rules").status == 2)
  }

  @Test(
    arguments: [
      ("ignore: []\nselekt: [FE002]\n", "did you mean select?"), ("ignore: [FE999]\n", "there is no check `FE999'"),
      ("severity: {FE002: loud}\n", "expected a severity"), ("management: [10.0.0.0/33]\n", "expected a network"),
      ("interfaces: {eth0: outside}\n", "the roles are external, internal, container"), ("target: el11\n", "the targets are debian10"),
      ("tool: new\n", "expected a version"), ("base: ../../etc/passwd\nignore: []\n", ".ferrule.yml"),
    ]) func mistakesInThePolicyAreNamed(_ text: String, _ message: String) throws
  {
    let folder = try Folder([".ferrule.yml": text, "x.rules": Self.unused])
    let outcome = try folder.run("ferrule lint x.rules")
    #expect(outcome.status == 2 || text.hasPrefix("base"), "\(outcome.text)")
    if !text.hasPrefix("base") {
      #expect(outcome.text.contains(message), "\(outcome.text)")
    } else {
      #expect(outcome.status == 2 && !outcome.text.contains("root:"), "a policy reads only what is in its folder: \(outcome.text)")
    }
  }

  @Test func thePolicyKnowsTheNetwork() throws {
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -i wan9 -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n"
    let folder = try Folder([
      ".ferrule.yml": "management: 192.0.2.0/24\ninterfaces: {wan9: external}\n", "x.rules": rules,
      "inner/.ferrule.yml": "interfaces: {wan9: internal}\n", "inner/x.rules": rules,
    ])
    let outcome = try folder.run("ferrule lint --format json x.rules").text
    #expect(outcome.contains("FE071") && outcome.contains("FE081"), "\(outcome)")
    #expect(try !folder.run("ferrule lint --format json inner/x.rules").text.contains("FE071"))
  }

  @Test func foldersPatternsAndCompressedFilesAreRead() throws {
    let folder = try Folder(["a/x.rules": Self.unused, "a/b/rules.v4": Self.unused, "a/readme.txt": "no rules\n", "y.rules": Self.unused])
    #expect(try folder.run("ferrule lint a").text.contains("2 warnings in 2 files"))
    #expect(try folder.run("ferrule lint '*/x.rules' y.rules").text.contains("2 warnings in 2 files"))
    #expect(try folder.run("ferrule lint '**/*.rules'").text.contains("2 warnings in 2 files"))
    #expect(try folder.run("gzip -k a/x.rules; ferrule lint a/x.rules.gz").text.contains("a/x.rules.gz:2:2: warning"))
    #expect(try folder.run("head -c 30 a/x.rules.gz > cut.rules.gz; ferrule lint cut.rules.gz").status == 2)
    // What can be read is reported, even if something is missing.
    let partly = try folder.run("ferrule lint y.rules missing.rules 'none-*.rules'")
    #expect(partly.status == 2 && partly.text.contains("FE002") && partly.text.contains("missing.rules"), "\(partly.text)")
  }

  @Test func suppressionsHaveReasons() throws {
    let text =
      "*filter\n# ferrule:ignore FE002, FE003 made by a script, which fills it\n:a - [0:0]\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
      + "-A INPUT -p tcp -m tcp --dport 3306 -m comment --comment \"ferrule:ignore FE071 customers connect\" -j ACCEPT\n"
      + "-A INPUT -p tcp -m tcp --dport 5432 -m comment --comment ferrule:ignore -j ACCEPT\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(SourceFile(name: "x", bytes: Array(text.utf8)))
    let outcome = Linter(registry: .ferrule).outcome(for: parsed)
    #expect(outcome.suppressed.map(\.justification) == ["made by a script, which fills it", "customers connect"])
    #expect(outcome.suppressed.map(\.diagnostic.code) == ["FE002", "FE071"])
    #expect(outcome.diagnostics.contains { $0.code == "FE071" }, "a remark without a code suppresses nothing")
    #expect(outcome.diagnostics.filter { $0.code == "FE015" }.count == 1, "FE003 suppresses nothing")
  }

  /// Fifty seeded edits of a ruleset that do not touch its findings: lines are inserted, removed, moved, and counters change.
  @Test func aBaselineSurvivesEdits() throws {
    var lines = ["*filter", ":INPUT DROP [0:0]", ":old - [0:0]", ":unused - [0:0]", "-A INPUT -i lo -j ACCEPT"]
    lines += (0..<40).map { "-A INPUT -s 10.0.\($0).0/24 -p tcp -m tcp --dport \(1000 + $0) -j ACCEPT" }
    lines += ["-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 6379 -j ACCEPT", "COMMIT", ""]
    func lint(_ lines: [String], _ baseline: Baseline) -> (SourceFile, LintOutcome) {
      let file = SourceFile(name: "x", bytes: Array(lines.joined(separator: "\n").utf8))
      let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file)
      return (file, Linter(registry: .ferrule, baseline: baseline).outcome(for: parsed))
    }
    let (file, first) = lint(lines, Baseline())
    #expect(first.diagnostics.count >= 4, "\(first.diagnostics.map(\.label))")
    var known = Baseline()
    known.add(FileDiagnostics(file, first.diagnostics))
    // The file is read back as it is written.
    let baseline = try BaselineFile.read(SourceFile(name: "b", bytes: Array(known.text.utf8)))
    #expect(baseline.counts == known.counts)
    var random = SeededRandom(seed: 14)
    for edit in 0..<50 {
      let place = 5 + Int(random.next() % 40)
      switch edit % 5 {
      case 0: lines.insert("# a remark \(edit)", at: place)
      case 1: lines.insert("-A INPUT -s 172.16.\(edit).0/24 -p udp -m udp --dport \(edit + 1) -j ACCEPT", at: place)
      case 2: lines[place] = lines[place].hasPrefix("-A") ? "[\(edit):\(edit * 60)] " + lines[place] : lines[place]
      case 3: lines.swapAt(place, place + 1)
      default: if lines[place].contains("10.0.") { lines.remove(at: place) } else { lines.insert("", at: place) }
      }
      let (_, outcome) = lint(lines, baseline)
      #expect(outcome.diagnostics.isEmpty, "edit \(edit): \(outcome.diagnostics.map(\.message))")
      #expect(outcome.suppressed.count == first.diagnostics.count)
    }
    lines.insert("-A INPUT -p tcp -m tcp --dport 27017 -j ACCEPT", at: 10)
    #expect(lint(lines, baseline).1.diagnostics.map(\.code) == ["FE071"], "what is new is reported")
  }

  @Test func theCommandWritesAndReadsABaseline() throws {
    let folder = try Folder(["x.rules": Self.unused])
    #expect(try folder.run("ferrule lint --write-baseline known.json x.rules").status == 0)
    let outcome = try folder.run("ferrule lint --baseline known.json x.rules")
    #expect(outcome.status == 0 && outcome.text == "no findings, 1 known from the baseline\n", "\(outcome.text)")
    #expect(try folder.text("known.json").contains("\"text\" : \":a -\""))
    let log = try folder.run("ferrule lint --baseline known.json --format sarif x.rules").text
    #expect(log.contains("\"kind\" : \"external\""))
  }

  /// A fix is applied if it is proved to change nothing, otherwise with --unsafe-fixes only.
  @Test func fixesAreProved() throws {
    let folder = try Folder([
      "x.rules": "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -m state --state NEW -j DROP\nCOMMIT\n"
    ])
    #expect(try folder.run("ferrule lint --fix x.rules").status == 0)
    #expect(
      try folder.text("x.rules") == "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -m conntrack --ctstate NEW -j DROP\nCOMMIT\n")
  }

  @Test(
    arguments: [
      "docker_moby_nat_v4.iptables-save", "docker_moby_nat_v6.ip6tables-save", "docker_moby_wsl2_v4.iptables-save",
      "firewalld_fedora27_v4.iptables-save", "firewalld_fedora27_v6.ip6tables-save", "firewalld_restore_completed_v4.iptables-save",
      "istio_dns_uid_part1_v4.iptables-save", "istio_tproxy_part1_v4.iptables-save", "istio_cni_ambient_part1_v4.iptables-save",
    ]) func whatProgramsWriteIsQuiet(_ name: String) throws
  {
    let path = SharedFolder.path + "/rulesets/" + name
    guard FileManager.default.fileExists(atPath: path) else { return print("\(name) was NOT linted: there is no shared folder") }
    let outcome = try BuiltCommand.shell("ferrule lint --no-config \(path)")
    #expect(outcome.status == 0, "\(outcome.text)")
  }

  /// `make grammar` writes them anew.
  @Test func isTheOneInGrammar() throws {
    for (name, text) in [
      ("policy.schema.json", PolicyFile.schema), ("audit-profile.schema.json", AuditProfileFile.schema),
      ("profiles/cis.yaml", AuditProfileFile.text(named: "cis") ?? ""), ("profiles/pci.yaml", AuditProfileFile.text(named: "pci") ?? ""),
      ("profiles/stig.yaml", AuditProfileFile.text(named: "stig") ?? ""),
    ] {
      let path = PackageFolder.path + "/Grammar/" + name
      if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil { try Data(text.utf8).write(to: URL(filePath: path)) }
      #expect((try? TextFile.text(path)) == text, "Grammar/\(name) is stale; run: make grammar")
    }
  }
}

/// SARIF logs against the schema of the standard.
@Suite struct SARIFSchemaTests {
  static let schema = ProcessInfo.processInfo.environment["FERRULE_SARIF_SCHEMA"]

  @Test(
    .enabled("the logs were NOT validated: FERRULE_SARIF_SCHEMA does not name the schema, or Python's jsonschema is missing") {
      schema != nil && (try? BuiltCommand.shell("python3 -c 'import jsonschema'").status) == 0
    }) func logsObeyTheSchema() throws
  {
    let schema = Self.schema ?? ""
    let check = "import json, sys, jsonschema; jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))"
    for command in [
      "lint --format sarif Examples/router-mistakes/ruleset.rules", "audit --format sarif Examples/router-mistakes/ruleset.rules",
    ] {
      let outcome = try BuiltCommand.shell("ferrule \(command) | python3 -W ignore -c '\(check)' \(schema)")
      #expect(outcome.status == 0, "\(outcome.text)")
    }
  }
}
