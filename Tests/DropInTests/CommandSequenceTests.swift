import Foundation
import Testing

/// Random commands, one after the other, against the real iptables in a namespace beside: the same output, the same
/// complaints, the same exit status, and at the end the same rules and counters.
@Suite struct CommandSequenceTests {
  /// `FERRULE_SEQUENCES` asks for more than the usual few.
  static let count = ProcessInfo.processInfo.environment["FERRULE_SEQUENCES"].flatMap { Int($0) } ?? 24
  static let length = 25

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy"), .timeLimit(.minutes(10)))
  func sameAsIptables() throws {
    var succeeded = 0
    for seed in 0..<Self.count {
      var commands = RandomCommands(seed: UInt64(seed))
      let lines =
        (0..<Self.length).map { _ in commands.command().map(Rival.quote).joined(separator: " ") } + [
          "iptables-save -c", "ip6tables-save -c",
        ]
      let real = try Rival.real.run(lines)
      let ours = try Rival.ours.run(lines)
      succeeded += real.count { $0.status == 0 }
      for (index, line) in lines.enumerated() where real[index] != ours[index] {
        Issue.record("seed \(seed), command \(index): \(line)\nreal: \(real[index])\nours: \(ours[index])")
        break
      }
    }
    // A generator of nothing but mistakes would prove little.
    #expect(succeeded > Self.count * Self.length / 5)
  }
}
