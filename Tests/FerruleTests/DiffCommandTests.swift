import Foundation
import Testing

/// The answers of `ferrule diff`, their exit status and their form.
@Suite struct DiffCommandTests {
  private struct Answer: Decodable {
    struct Side: Decodable {
      let verdict: String
      let line: Int?
    }
    struct Region: Decodable {
      let witness: String
      let before: Side
      let after: Side
    }
    let result: String
    let regions: [Region]
  }

  private static func diff(_ before: String, _ after: String, _ options: String = "") throws -> BuiltCommand.Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-diff-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(before.utf8).write(to: folder.appending(path: "a.v4"))
    try Data(after.utf8).write(to: folder.appending(path: "b.v4"))
    return try BuiltCommand.shell("ferrule diff \(options) a.v4 b.v4", in: folder)
  }

  private static func rules(_ port: Int) -> String {
    "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport \(port) -j ACCEPT\nCOMMIT\n"
  }

  @Test func theAnswerHasItsExitStatus() throws {
    #expect(try Self.diff(Self.rules(22), Self.rules(22)).status == 0)
    #expect(try Self.diff(Self.rules(22), Self.rules(23)).status == 1)
    let undecided = { (rate: String) in "*filter\n-A INPUT -m limit --limit \(rate) -j DROP\nCOMMIT\n" }
    let outcome = try Self.diff(undecided("1/sec"), undecided("2/sec"), "--equivalent")
    #expect(outcome.status == 1 && outcome.text == "undecided\n", "\(outcome.text)")
    #expect(try Self.diff(Self.rules(22), "*filter\n-A NOWHERE -j ACCEPT\nCOMMIT\n").status == 2)
  }

  @Test func theJSONFormNamesPacketsAndRules() throws {
    let outcome = try Self.diff(Self.rules(22), Self.rules(23), "--format json")
    let answer = try JSONDecoder().decode(Answer.self, from: Data(outcome.text.utf8))
    #expect(answer.result == "different" && answer.regions.count == 2)
    let region = try #require(answer.regions.first)
    #expect(region.witness == "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:23 S")
    #expect(region.before.verdict == "drop" && region.before.line == nil)
    #expect(region.after.verdict == "accept" && region.after.line == 3)
  }

  @Test func theTextFormShowsBothSides() throws {
    let outcome = try Self.diff(Self.rules(22), Self.rules(23))
    #expect(
      outcome.text == """
        different

        drop -> accept = tcp dport 23
          eth0 tcp 192.0.2.9:40000 > 198.51.100.7:23 S
          before: drop in table filter, the policy
          after: accept in table filter, line 3: -A INPUT -p tcp -m tcp --dport 23 -j ACCEPT

        accept -> drop = tcp dport 22
          eth0 tcp 192.0.2.9:40000 > 198.51.100.7:22 S
          before: accept in table filter, line 3: -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
          after: drop in table filter, the policy

        - filter line 3: -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
        + filter line 3: -A INPUT -p tcp -m tcp --dport 23 -j ACCEPT

        """)
  }

  /// Rules that change places, and counters, are listed although every packet is treated as before.
  @Test func movedRulesAndCountersAreListed() throws {
    let rules = { (lines: [String]) in (["*filter"] + lines + ["COMMIT", ""]).joined(separator: "\n") }
    let lines = ["[1:40] -A INPUT -p udp -j ACCEPT", "[2:80] -A INPUT -p tcp -j ACCEPT", "[0:0] -A INPUT -p icmp -j ACCEPT"]
    let moved = [lines[1], "[5:200] -A INPUT -p udp -j ACCEPT", "[7:280] -A INPUT -p icmp -j ACCEPT"]
    let outcome = try Self.diff(rules(lines), rules(moved), "--counters")
    #expect(outcome.status == 0)
    #expect(
      outcome.text == """
        equal

        > filter line 2 to 3: [1:40] -A INPUT -p udp -j ACCEPT
        # filter line 4 to 4, 0:0 to 7:280: [0:0] -A INPUT -p icmp -j ACCEPT

        """)
  }
}
