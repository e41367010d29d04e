import Foundation
import TestSupport
import Testing

@Suite("ferrule verify and the running kernel", .asRoot, .serialized) struct VerifyCommandTests {
  private struct Report: Decodable {
    struct Suite: Decodable {
      struct Test: Decodable {
        let name: String
        let outcome: String
        let reason: String?
      }
      let name: String
      let tests: [Test]
    }
    let counts: [String: Int]
    let testsPerSecond: Double
    let suites: [Suite]
  }

  private static func report(_ text: String) throws -> Report {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(text.utf8))
  }

  @Test func verifyAgreesOnTheExamples() throws {
    let outcome = try BuiltCommand.shell("ferrule verify --format json Examples")
    #expect(outcome.status == 0)
    let report = try Self.report(outcome.text)
    #expect(report.suites.count >= 8)
    for test in report.suites.flatMap(\.tests) { #expect(test.outcome == "agree", "\(test.name): \(test.reason ?? "")") }
    print("verified \(report.counts["agree"] ?? 0) tests of the examples, \(Int(report.testsPerSecond)) a second")
  }

  private static func scenario(
    setup: String = "", neighbours: String = "{}", sysctl: String = "net.ipv4.ip_forward: 1", steps: String
  ) -> String {
    """
    rules: |
      *filter
      :INPUT DROP [0:0]
      COMMIT
    host:
      interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
      setup: [\(setup)]
      neighbours: \(neighbours)
      sysctls: {\(sysctl)}
    tests:
      - name: t
        steps:
          \(steps)

    """
  }

  private static let packet = "- eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S"

  /// The engine does not know of a switch that hardly anybody uses, which is a difference that can be had at will.
  @Test func aDifferenceIsToldSideBySide() throws {
    let step = #"- {in: eth0, dmac: "ff:ff:ff:ff:ff:ff", src: 10.0.0.9, dst: 10.0.0.1}"#
    let outcome = try CommandTests.shell(
      "ferrule verify $F", with: Self.scenario(sysctl: "net.ipv4.conf.all.drop_unicast_in_l2_multicast: 1", steps: step))
    #expect(outcome.status == 1)
    #expect(outcome.text.contains(":13: step 1: in eth0"), "\(outcome.text)")
    #expect(outcome.text.contains(#/verdict\n +Ferrule: drop at INPUT[^\n]*\n +kernel: lost\n/#), "\(outcome.text)")
  }

  /// Macros speak with the sockets of the host as with any other server.
  @Test func verifyPlaysTheHostsSocketsInMacros() throws {
    let text = """
      rules: |
        *filter
        :INPUT DROP [0:0]
        -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
        -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
        -A INPUT -p udp -m udp --dport 53 -j ACCEPT
        -A INPUT -p icmp -j ACCEPT
        COMMIT
      mode: stack
      host:
        interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
        sockets: [{name: web, port: 80}, {name: dns, proto: udp, port: 53}]
      tests:
        - name: t
          steps:
            - {handshake: eth0 10.0.0.9:1000 > 10.0.0.1:80, expect: accept}
            - {reply: again PA payload="GET /"}
            - {reply: PA payload="200 OK", expect: sent eth0}
            - {reply: A, expect: local}
            - {udp: eth0 10.0.0.9:1000 > 10.0.0.1:53, expect: accept}
            - {ping: eth0 10.0.0.9 > 10.0.0.1, expect: accept}

      """
    for command in ["test", "verify"] {
      let outcome = try CommandTests.shell("ferrule \(command) $F", with: text)
      #expect(outcome.status == 0, "\(outcome.text)")
    }
  }

  /// A listener and the connections that it accepts have the owner that the description states.
  @Test func socketsHaveTheirOwners() throws {
    let outcome = try CommandTests.shell(
      "ferrule test $F; ferrule verify $F",
      with: """
        mode: stack
        rules: |
          *filter
          :OUTPUT DROP [0:0]
          -A OUTPUT -m owner --uid-owner 33 --gid-owner 44 -j ACCEPT
          COMMIT
        host:
          interfaces: {eth0: [192.0.2.10/24]}
          routes: [default via 192.0.2.1 dev eth0]
          sockets: [{name: web, port: 80, uid: 33, gid: 44}, {name: other, port: 81}]
        tests:
          - name: owner
            steps:
              - {packet: eth0 tcp 203.0.113.9:40000 > 192.0.2.10:80 S seq=100, expect: {verdict: local, answer: tcp SA}}
              - eth0 tcp 203.0.113.9:40000 > 192.0.2.10:80 A => local
              - {packet: eth0 tcp 203.0.113.9:40000 > 192.0.2.10:80 PA payload="GET", expect: {verdict: local, answer: tcp A}}
              - {packet: eth0 tcp 203.0.113.9:40000 > 192.0.2.10:81 S seq=100, expect: {verdict: local, answer: none}}

        """)
    #expect(outcome.text.contains(": 1 passed, 7 packets") && outcome.text.contains(": 1 agree, 7 packets"), "\(outcome.text)")
  }

  /// What a file says of neighbours, engine and kernel take alike: one answers, one does not, one is not spoken of.
  @Test func neighboursAreAskedFor() throws {
    let text = Self.scenario(
      neighbours: #"{eth1: {10.0.1.9: "02:aa:00:00:00:09", 10.0.1.10: none}}"#,
      steps: ["10.0.1.9:80 => sent eth1", "10.0.1.10:80 => lost", "10.0.1.11:80 => sent eth1"]
        .map { "- eth0 udp 10.0.0.9:1000 > \($0)" }.joined(separator: "\n      "))
    for command in ["test", "verify"] {
      let outcome = try CommandTests.shell("ferrule \(command) $F", with: text)
      #expect(outcome.status == 0, "\(outcome.text)")
    }
  }

  @Test func whatCannotBeAskedIsNoAgreement() throws {
    let waiting = try CommandTests.shell("ferrule verify --patience 3 $F", with: Self.scenario(steps: "- wait: 4"))
    #expect(waiting.status == 2)
    #expect(waiting.text.contains("1 not verified") && waiting.text.contains("the test waits 4.000 seconds"), "\(waiting.text)")
    let refused = try CommandTests.shell("ferrule verify $F", with: Self.scenario(setup: "link add x type nonsense", steps: Self.packet))
    #expect(refused.status == 2, "\(refused.text)")
    #expect(try CommandTests.shell("ferrule verify $F", with: "no: scenario\n").status == 2)
    #expect(try CommandTests.shell("ferrule verify --format tap $F", with: Self.scenario(steps: Self.packet)).status == 0)
  }

  @Test func scenariosMayComeAsLines() throws {
    let line =
      #"{"name": "x", "rules": "*filter\n:INPUT DROP [0:0]\nCOMMIT\n", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1"}]}"#
    let outcome = try CommandTests.shell("ferrule verify --verbose $F", with: line + "\n" + line, named: "some.jsonl")
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("2 agree, 2 packets"), "\(outcome.text)")
  }

  // MARK: What is left behind

  /// What a killed process could leave on this machine: namespaces, their mounts, interfaces, processes, lock files.
  private static let leftovers = """
    ip netns list; grep -c nsfs /proc/self/mounts; ls /sys/class/net; ls /run | grep -i ferrule; ls /run/netns 2>/dev/null
    """

  @Test func nothingOutlivesAKilledProcess() throws {
    let before = try BuiltCommand.shell(Self.leftovers)
    let outcome = try CommandTests.shell(
      """
      ferrule verify --patience 100 $F & P=$!
      own=$(readlink /proc/self/ns/net)
      for i in $(seq 100); do
        there=$(readlink /proc/$P/task/*/ns/net | sort -u | grep -v "^$own$")
        [ "$(echo "$there" | grep -c net)" -ge 2 ] && break; sleep 0.1
      done
      kill -9 $P; wait $P
      echo "namespaces: $(echo "$there" | grep -c net)"
      for i in $(seq 50); do
        left=0
        for space in $there; do readlink /proc/[0-9]*/task/*/ns/net /proc/[0-9]*/fd/* | grep -qxF "$space" && left=1; done
        [ $left = 0 ] && break; sleep 0.1
      done
      echo "left: $left"
      for process in /proc/[0-9]*; do
        case "$(readlink $process/exe)" in *ferrule) grep -aF "$F" $process/cmdline;; esac
      done
      true
      """, with: Self.scenario(steps: "\(Self.packet)\n      - wait: 60"))
    #expect(outcome.text.contains("namespaces: 2\nleft: 0\n"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("left: 0\n"), "\(outcome.text)")
    #expect(try BuiltCommand.shell(Self.leftovers).text == before.text)
  }

  // MARK: Without root

  @Test func aUserNamespaceWillDo() throws {
    let folder = "/tmp/ferrule-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // The build may be where nobody else may look.
    let outcome = try BuiltCommand.shell(
      """
      mkdir -m 755 \(folder) && cp "$(command -v ferrule)" \(folder)/ && cp -r Examples \(folder)/ && chmod -R a+rX \(folder) && cd \(folder)
      nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
      $nobody unshare -Un true || { echo "no user namespaces"; exit 0; }
      # /dev/net/tun is everybody's on most machines; where it is not, it is so here, in mounts that nobody else sees.
      exec unshare -m --propagation private sh -c "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 \\
        && exec $nobody ./ferrule verify --format json Examples"
      """)
    guard !outcome.text.hasSuffix("no user namespaces\n") else {
      print("a user namespace was NOT tried: \(outcome.text)")
      return
    }
    let report = try Self.report(outcome.text)
    for suite in report.suites {
      for test in suite.tests where test.outcome != "agree" {
        // No other user can be had there.
        #expect(
          test.outcome == "not_verified" && test.reason?.contains(#/owner|as user/#) == true,
          "\(suite.name), \(test.name): \(test.outcome), \(test.reason ?? "")")
      }
    }
    #expect(report.counts["agree"] ?? 0 >= 30, "\(report.counts)")
    #expect(report.counts["not_verified"] ?? 0 >= 7 && outcome.status == 2, "\(report.counts)")
  }
}
