import Documents
import Foundation
import Testing

extension Trait where Self == ConditionTrait {
  /// Runs only where Python can validate JSON; says so where it cannot.
  static var needsJSONSchema: Self {
    .enabled("lines were NOT validated: python3 with jsonschema is not installed") {
      (try? BuiltCommand.shell("python3 -W ignore -c 'import jsonschema'").status) == 0
    }
  }
}

/// The lines of `--format jsonl`.
@Suite struct ResultLineTests {
  static func lines(_ command: String, status: Int32, errors: String = "/dev/null", in folder: String = "") throws -> [JSONValue] {
    let outcome = try BuiltCommand.shell("\(command) 2>\(errors)", in: BuiltCommand.root.appending(path: "Examples\(folder)"))
    #expect(outcome.status == status, "\(command): \(outcome.status) \(outcome.text.prefix(300))")
    return try outcome.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  static func exits(_ lines: [JSONValue]) -> [Int?] { lines.map { $0["exit"]?.integer } }

  @Test func everyFileHasALineAlsoOneThatCannotBeRead() throws {
    let lines = try Self.lines(
      "ferrule lint --format jsonl web-server/ruleset.rules none.rules router-mistakes/ruleset.rules", status: 2)
    #expect(Self.exits(lines) == [0, 2, 1])
    #expect(lines[1]["error"]?.text?.contains("none.rules") == true && lines[1]["result"] == nil)
    #expect(lines[2]["result"]?["summary"]?["warnings"]?.integer == 6 && lines[2]["files"] == ["router-mistakes/ruleset.rules"])
  }

  /// Names arrive on a pipe and are answered while it is open.
  @Test func namesAreAnsweredAsTheyArrive() throws {
    let lines = try Self.lines(
      """
      F=$(mktemp -u); mkfifo $F; ferrule lint --format jsonl --files-from - < $F > $F.out 2>/dev/null & P=$!; exec 3> $F
      echo web-server/ruleset.rules >&3; for i in $(seq 100); do [ -s $F.out ] && break; sleep 0.1; done; wc -l < $F.out
      echo none >&3; exec 3>&-; wait $P; S=$?; cat $F.out; rm $F $F.out; exit $S
      """, status: 2)
    #expect(lines.first == 1)
    #expect(Self.exits(Array(lines.dropFirst())) == [0, 2])
  }

  @Test func rulesetsOfOneHostAreAuditedTogether() throws {
    let lines = try Self.lines("ferrule audit --format jsonl rules.v4 rules.v6", status: 0, in: "/hardened-host")
    #expect(lines.count == 1 && lines[0]["files"] == ["rules.v4", "rules.v6"])
    let named = try Self.lines(
      "printf 'rules.v4\\trules.v6\\nrules.v4\\n' | ferrule audit --format jsonl --files-from -", status: 0, in: "/hardened-host")
    #expect(named.count == 2 && named[0]["result"] == lines[0]["result"])
    #expect(named[1]["result"]?["summary"]?["undecided"]?.integer == 4)
  }

  @Test func pairsAreCompared() throws {
    let pair = "router-mistakes/ruleset.rules web-server/ruleset.rules"
    let lines = try Self.lines("ferrule diff --format jsonl \(pair) web-server/ruleset.rules web-server/ruleset.rules none none", status: 2)
    #expect(Self.exits(lines) == [1, 0, 2])
    #expect(lines[1]["result"]?["result"] == "equal")
    _ = try Self.lines("ferrule diff \(pair) a b", status: 2)
    _ = try Self.lines("ferrule diff --format jsonl \(pair) a", status: 2)
  }

  @Test func packetsRunThroughEachRuleset() throws {
    let lines = try Self.lines(
      "ferrule run --format jsonl --host web-server/host.yaml web-server/ruleset.rules --each router-mistakes/ruleset.rules --each none 'eth0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S => drop'",
      status: 2)
    #expect(lines.count == 3 && lines.last?["exit"] == 2, "\(lines)")
    #expect(lines.map { $0["files"]?.elements?.first?.text } == ["web-server/ruleset.rules", "router-mistakes/ruleset.rules", "none"])
  }

  @Test(.needsJSONSchema) func everyLineObeysTheSchema() throws {
    let root = BuiltCommand.root.path
    let check = """
      import json, sys, jsonschema
      validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
      lines = [json.loads(line) for line in sys.stdin]
      assert lines, "no line"
      for line in lines:
        error = jsonschema.exceptions.best_match(validator.iter_errors(line))
        if error: sys.exit(f"{error.json_path}: {error.message[:300]}")
      """
    for (command, folder) in [
      ("lint --format jsonl */ruleset.* none", ""), ("audit --format jsonl */ruleset.rules hardened-host/rules.v4", ""),
      ("test --format jsonl . web-server/ruleset.rules", ""),
      ("diff --format jsonl router-mistakes/ruleset.rules web-server/ruleset.rules a b", ""),
      ("run --format jsonl --conntrack --host host.yaml --packets packets.txt ruleset.rules", "/nat-gateway"),
      ("run --format jsonl --summary --host host.yaml --packets packets.txt ruleset.rules", "/nat-gateway"),
      ("run --format jsonl --host host.yaml --pcap lan=lan.pcap --pcap wan=wan.pcap --compare ruleset.rules", "/captured-gateway"),
    ] {
      let outcome = try BuiltCommand.shell(
        "ferrule \(command) 2>/dev/null | python3 -W ignore -c '\(check)' \(root)/Grammar/results.schema.json",
        in: BuiltCommand.root.appending(path: "Examples\(folder)"))
      #expect(outcome.status == 0, "\(command): \(outcome.text)")
    }
    // What is wrong is found.
    let wrong = try BuiltCommand.shell(
      "echo '{\"schema\": 1, \"command\": \"lint\", \"files\": [], \"exit\": 0, \"result\": {}}' | python3 -W ignore -c '\(check)' Grammar/results.schema.json"
    )
    #expect(wrong.status == 1)
  }
}
