import Foundation
import TestSupport
import Testing

/// The right value of each folder of the shared cases. The suites that each line names have siblings of the case.
@Suite struct SharedCaseTests {
  /// A folder, what is done with it in the shell (`$C` is the folder), the exit status, and what is said.
  struct Case: Sendable, CustomTestStringConvertible {
    let folder: String
    let line: String
    let status: Int32
    let says: [String]

    init(_ folder: String, _ line: String, _ status: Int32, _ says: [String]) {
      (self.folder, self.line, self.status, self.says) = (folder, line, status, says)
    }

    var testDescription: String { folder }
  }

  static let cases = [
    // What happens outside of hooks is judged: TestRunnerTests.
    Case(
      "answer-that-never-left", "ferrule test $C/scenario.yaml", 1, ["expected: answer: tcp RA", "the host did not answer", "4 passed"]),
    Case("bridge-no-packet", "ferrule test $C/scenario.yaml", 0, ["1 passed"]),
    Case("ecmp-unknown", "ferrule test $C/snaptest.yaml", 1, ["the kernel's choice among 2 next hops to 203.0.113.9"]),
    // Nothing is read and forgotten: ScenarioFileReaderTests.
    Case("bridge-as-interface", "ferrule test $C/bridge-as-interface.yaml", 2, ["`docker0' is an interface, but not a bridge"]),
    Case(
      "keys-ignored", "ferrule test $C/scenario.yaml", 2,
      ["`ttl' means nothing beside `packet'", "it belongs to steps with `in', `local'", "this one has `packet' already"]),
    // Bridges, sockets and addresses: path-scenarios.jsonl.
    Case("bridged-dnat", "ferrule test $C/scenario.yaml", 0, ["2 passed"]),
    Case("owner-before-accept", "ferrule test $C/scenario.yaml", 1, ["4 passed", "the host did not answer"]),
    Case("masquerade-no-address", "ferrule test $C/scenario.yaml", 0, ["8 passed"]),
    // One description of a host: HostFactTests, SnapshotTests.
    Case("snapshot-local-rule", "ferrule test $C/scenario.yaml", 0, ["1 passed"]),
    Case("this-host-forwarding", "ferrule test $C/same.yaml", 0, ["1 passed"]),
    // What the engine knows is told: PacketPathTests, StatedFactTests.
    Case("invalid-not-told", "ferrule test $C/scenario.yaml", 0, ["4 passed"]),
    Case("nat-table-never-asked", "ferrule test $C/no-conntrack.yaml", 1, ["no packet reached the table nat"]),
    Case("set-name-lost", "ferrule test $C/setname.yaml", 1, ["-m set --match-set office src: did not match"]),
    Case("kerneltz", "ferrule test $C/time.yaml", 1, ["without the kernel's time zone (--timezone"]),
    Case("kerneltz", "sed 's/host: {/host: {timezone: UTC, /' $C/time.yaml > /tmp/z$$; ferrule test /tmp/z$$", 0, ["3 passed"]),
    // One unreadable item is a local unknown: UnreadRuleTests.
    Case(
      "conntrack-user-helper",
      "ferrule run --host $C/host.yaml --conntrack-from $C/conntrack.txt --brief $C/rules.v4 'eth0 udp 10.0.0.9:1 > 10.0.0.1:80'", 0,
      ["the conntrack helper tns is not known"]),
    Case("hostnames", "ferrule lint $C/rules.v4", 0, ["the host name is not resolved here", "[FE093 unresolved-host]"]),
    Case("unknown-match-blocks-all", "ferrule lint $C/quota2.v4", 1, ["the rule is kept as it is written"]),
    // What people have at hand: PostedTextTests, NoFlushTests.
    Case(
      "ipset-list",
      "for f in list save; do ferrule run --host $C/host.yaml --ipset $C/$f.txt --brief $C/rules.v4 'eth0 udp 10.0.0.9:1 > 10.0.0.1:9'; done",
      0, ["=> "]),
    Case("rules-as-people-post-them", "ferrule lint $C/dash-S.v4", 0, ["no findings"]),
    Case("noflush-files", "ferrule lint -n $C/noflush.v4", 0, ["give them with --base"]),
    Case(
      "cooked-capture",
      "ferrule run --host $C/host.yaml --pcap $C/any.pcap --in 10.0.0.0/24=lan,default=wan --summary $C/masq.rules", 0, ["verdicts"]),
    // Lint and the drop-in commands: CheckTests, MessageTests, ProgramTests.
    Case("helper-of-another-protocol", "ferrule lint $C/helper.v4", 1, ["no conntrack helper `tftp' for tcp: it is for udp"]),
    // The host's own behaviour: path-scenarios.jsonl.
    Case("loopback-dnat", "ferrule lab < $C/lab.jsonl", 0, ["\"verdict\": \"drop\", \"where\": \"OUTPUT\""]),
    Case("icmp-timestamp", "ferrule lab < $C/scenario.jsonl", 0, [" 14/0"]),
    Case("icmp-rate-limit", "test $(ferrule lab < $C/per-destination.jsonl | grep -o dmac | wc -l) = 6", 0, []),
    Case("connlimit-same-jiffy", "ferrule lab < $C/scenario.jsonl", 0, ["\"verdict\": \"drop\""]),
  ]

  @Test(.needsSharedFolder, arguments: cases) func theCaseHasItsRightValue(_ tried: Case) throws {
    let folder = SharedFolder.path + "/cases/" + tried.folder
    let outcome = try BuiltCommand.shell("C='\(folder)'; " + tried.line)
    #expect(outcome.status == tried.status, "\(outcome.text)")
    for text in tried.says { #expect(outcome.text.contains(text), "\(outcome.text)") }
  }

  /// Each folder is here, but those of the linter and of hostile inputs, which other suites try, and those without what they read.
  @Test(.needsSharedFolder) func noFolderIsLeftOut() throws {
    let elsewhere: Set = ["hostile", "snapshot-not-replayable", "v6-address-order", "state-list-messages", "netd-ping"]
    let folders = try FileManager.default.contentsOfDirectory(atPath: SharedFolder.path + "/cases").filter {
      !$0.hasPrefix("lint-") && !$0.hasSuffix(".md") && !elsewhere.contains($0)
    }
    #expect(Set(folders) == Set(Self.cases.map(\.folder)))
  }
}
