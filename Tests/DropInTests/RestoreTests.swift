import Foundation
import Testing

/// Random rulesets for iptables-restore, whole and broken, with and without its options.
@Suite struct RestoreTests {
  static let count = ProcessInfo.processInfo.environment["FERRULE_SEQUENCES"].flatMap { Int($0) } ?? 40

  private struct Generator {
    var commands: RandomCommands
    let isIPv6: Bool

    init(seed: UInt64) {
      commands = RandomCommands(seed: seed &+ 1_000_003)
      isIPv6 = commands.random.chance(30)
    }

    mutating func ruleset() -> String {
      var lines: [String] = []
      for _ in 0..<Int.random(in: 1...3, using: &commands.random) {
        lines.append("*" + commands.random.pick(["filter", "filter", "nat", "mangle", "raw", "security"]))
        for chain in ["a", "b", "LONG-chain_name"] where commands.random.chance(70) { lines.append(":\(chain) - [0:0]") }
        if commands.random.chance(60) { lines.append(":OUTPUT \(commands.random.pick(["ACCEPT", "DROP"])) [3:4]") }
        for _ in 0..<Int.random(in: 0..<8, using: &commands.random) { lines.append(line()) }
        if commands.random.chance(95) { lines.append("COMMIT") }
      }
      if commands.random.chance(10) { lines.insert(oddity(), at: Int.random(in: 0...lines.count, using: &commands.random)) }
      return lines.joined(separator: "\n") + (commands.random.chance(95) ? "\n" : "")
    }

    /// Mostly a rule that is right, because the first mistake ends the file.
    private mutating func line() -> String {
      let counters = commands.random.chance(20) ? "[\(Int.random(in: 0..<99, using: &commands.random)):7] " : ""
      if commands.random.chance(8) { return counters + Self.text(["-A", commands.chain()] + commands.rule(isIPv6)) }
      let rule = commands.random.pick([
        ["-A", "OUTPUT", "-j", "ACCEPT"], ["-A", "OUTPUT", "-p", "tcp", "--dport", "80", "-j", "RETURN"],
        ["-A", "OUTPUT", "-m", "comment", "--comment", "a \"b\" c"], ["-I", "OUTPUT", "-j", "LOG"], ["-D", "OUTPUT", "-j", "ACCEPT"],
        ["-A", "OUTPUT", "-o", "eth+"], ["-F", "OUTPUT"], ["-P", "OUTPUT", "ACCEPT"], ["-N", "c"], ["-Z", "OUTPUT"],
        ["-A", "OUTPUT", "-4", "-j", "ACCEPT"], ["-6", "-A", "OUTPUT", "-j", "ACCEPT"], ["-R", "OUTPUT", "1", "-j", "ACCEPT"],
      ])
      return counters + Self.text(rule)
    }

    private mutating func oddity() -> String {
      commands.random.pick([
        "", "# a comment", " # no comment", "garbage", "*", ":", ":FOO", ":FOO ACCEPT", ":OUTPUT FOO", ":OUTPUT ACCEPT [x:y]", "COMMIT ",
        "[1:2 -A OUTPUT", "[1 2] -A OUTPUT", "[::] -A OUTPUT", "-t filter -A OUTPUT", "-A OUTPUT -w", "*nosuch", "-A OUTPUT -j NOPE",
        "-S", "-L -n", "-V", ":" + String(repeating: "x", count: 29) + " -", "-A OUTPUT -c x y", "[a:b] -A OUTPUT -j ACCEPT",
      ])
    }

    private static func text(_ words: [String]) -> String {
      words.map { word in
        word.isEmpty || word.contains(" ") || word.contains("\"")
          ? "\"" + word.replacingOccurrences(of: "\"", with: "\\\"") + "\"" : word
      }.joined(separator: " ")
    }

    mutating func options() -> String {
      ["-c", "-n", "-v", "-t", "-w", "-w 3", "-T filter", "--noflush", "-vv"].filter { _ in commands.random.chance(18) }.joined(
        separator: " ")
    }
  }

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy"), .timeLimit(.minutes(10)))
  func sameAsIptablesRestore() throws {
    var succeeded = 0
    for seed in 0..<Self.count {
      var generator = Generator(seed: UInt64(seed))
      let prefix = generator.isIPv6 ? "ip6tables" : "iptables"
      var commands: [String] = []
      var texts: [String] = []
      for index in 0..<4 {
        let text = generator.ruleset()
        texts.append(text)
        commands.append("printf '%s' \(Rival.quote(text)) >rules\(index)")
        commands.append("\(prefix)-restore \(generator.options()) \(generator.commands.random.chance(50) ? "<" : "")rules\(index)")
        commands.append("\(prefix)-save -c")
      }
      let real = try Rival.real.run(commands)
      let ours = try Rival.ours.run(commands)
      succeeded += stride(from: 1, to: commands.count, by: 3).count { real[$0].status == 0 }
      for (index, line) in commands.enumerated() where real[index] != ours[index] {
        Issue.record("seed \(seed): \(line)\n\(texts[index / 3])\nreal: \(real[index])\nours: \(ours[index])")
        break
      }
    }
    #expect(succeeded > Self.count)
  }
}
