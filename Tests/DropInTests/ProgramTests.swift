import DropIn
import Foundation
import Testing
import Wire
import XTables

/// Names, versions, locks, and what the programs leave with.
@Suite struct ProgramTests {
  @Test func calledByOwnNameOrByArgument() {
    #expect(Program.called(["/sbin/iptables-save", "-c"])?.program == .save(.ipv4))
    #expect(Program.called(["/x/ferrule", "ip6tables", "-L"])?.arguments == ["-L"])
    #expect(Program.called(["/x/ferrule", "xml"])?.program == .xml)
    #expect(Program.called(["/x/ferrule", "lint"]) == nil)
    #expect(Program.called(["xtables-legacy-multi", "nosuch"])?.program == .unnamed)
    #expect(Program.called([]) == nil)
  }

  /// The lines whose wording or status scripts may rely on.
  static let commands = [
    "iptables -V", "ip6tables --version", "iptables ! -V", "iptables-save -V", "iptables-restore -V", "ip6tables-restore -h",
    "xtables-legacy-multi", "xtables-legacy-multi nosuch", "xtables-legacy-multi main4 -V", "iptables-save -q", "iptables-save x",
    "iptables-save -t nosuch", "iptables-save --tab filter", "iptables-save -f saved -t filter && cat saved", "iptables-restore -q",
    "iptables-restore --te=x", "iptables-restore --wait=x", "iptables-restore -T", "iptables-restore a b", "iptables-restore nosuchfile",
    "iptables-restore -W 5", "iptables-restore -W 5 -w 1 </dev/null", "iptables-restore -W", "iptables-restore -b </dev/null",
    "iptables -t nosuch -L", "iptables-save -d -t filter", "iptables -4 -S", "ip6tables -4 -S", "ip6tables -6 -S", "iptables -6 -S",
    "iptables -L nosuch", "iptables -S nosuch", "iptables -P INPUT NOPE", "iptables -P nosuch DROP", "iptables -X INPUT",
    "iptables -A INPUT -j ACCEPT; iptables -L -Z -v; iptables -S -Z -v", "iptables -M /nosuch -S",
  ]

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy")) func sameAsIptables() throws {
    let real = try Rival.real.run(Self.commands)
    let ours = try Rival.ours.run(Self.commands)
    for (index, command) in Self.commands.enumerated() {
      #expect(real[index].status == ours[index].status, "\(command)")
      #expect(real[index].output == ours[index].output, "\(command)")
      #expect(real[index].errors == ours[index].errors, "\(command)")
    }
  }

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy")) func waitsForTheLockAndGivesUp() throws {
    let commands = [
      "(flock 9; sleep 3) 9>lock & sleep 0.3; iptables -w 1 -S", "iptables-restore -w 1 </dev/null", "wait; iptables -w 1 -S",
      "XTABLES_LOCKFILE=/nosuch/lock iptables -S",
    ]
    let real = try Rival.real.run(commands)
    let ours = try Rival.ours.run(commands)
    #expect(ours.map(\.status) == [4, 0, 0, 4])
    for (index, command) in commands.enumerated() { #expect(real[index] == ours[index], "\(command)") }
  }

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy")) func helpNamesEveryCommand() throws {
    let help = try Rival.ours.run(["iptables -h", "iptables -p icmp -h", "iptables -m limit -j LOG -h"])
    for option in ["--append", "--check", "--delete-chain", "--policy", "--set-counters", "--line-numbers"] {
      #expect(help[0].output.contains(option))
    }
    #expect(help[1].output.contains("Valid ICMP Types"))
    #expect(help[2].output.contains("--limit-burst") && help[2].output.contains("--log-prefix"))
    #expect(help.allSatisfy { $0.status == 0 && $0.errors.isEmpty })
  }
}
