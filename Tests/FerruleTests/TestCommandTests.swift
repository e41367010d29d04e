import Foundation
import Testing

/// `ferrule test` with files that change, and with captures.
@Suite struct TestCommandTests {
  private static let scenario = """
    rules: |
      *filter
      :INPUT DROP [0:0]
      -A INPUT -p udp -m udp --dport 53 -j ACCEPT
      COMMIT
    tests:
      - name: t
        steps:
          - eth0 udp 10.0.0.9:1000 > 10.0.0.1:53 => local
          - {wait: 2}
          - eth0 udp 10.0.0.9:1000 > 10.0.0.1:54 => drop INPUT

    """

  private static let replay = """
    rules: |
      *filter
      :INPUT DROP [0:0]
      -A INPUT -p udp -m udp --dport 53 -j ACCEPT
      COMMIT
    tests:
      - name: replayed
        steps:
          - pcap: {file: capture.pcapng, interfaces: {10.0.0.0/24: eth0, default: eth1}}
            expect: {counters: {INPUT 1: 1, INPUT policy: 1}}
          - {pcap: {file: capture.pcapng, interfaces: {10.0.0.9: eth0}, timing: false, limit: 1}, expect: {verdict: local}}
      - name: from nowhere
        steps:
          - pcap: {file: capture.pcapng, interfaces: {192.0.2.0/24: eth0}}

    """

  @Test func aCaptureIsWrittenAndReplayed() throws {
    let outcome = try CommandTests.shell(
      """
      T=$(dirname $F); cd $T; cat > replay.yaml <<'YAML'
      \(Self.replay)YAML
      ferrule test --pcapng capture.pcapng $F; ferrule test --only replayed replay.yaml; echo "status $?"
      """, with: Self.scenario, named: "scenario.yaml")
    #expect(outcome.text.contains("scenario.yaml: 1 passed, 2 packets\n"), "\(outcome.text)")
    #expect(outcome.text.contains("replay.yaml: 1 passed, 3 packets\n"), "\(outcome.text)")
    let lacking = "packet 1 has the source 10.0.0.9 and arrived on the interface with index 0, named eth0, for which no interface is given"
    #expect(outcome.text.contains(lacking), "\(outcome.text)")
  }

  /// Once the file has changed, the tests run again.
  @Test func filesAreWatched() throws {
    let outcome = try CommandTests.shell(
      """
      T=$(dirname $F)
      : > $T/out; ferrule test --watch $F > $T/out 2>&1 & P=$!
      # Waits for a line of the output, for as long as a busy machine may take.
      await() { for i in $(seq 600); do grep -q "$1" $T/out && return; sleep 0.1; done; echo "nothing says $1"; }
      await '1 passed'
      sed 's/=> local/=> drop/' $F > $T/new && mv $T/new $F
      await '1 failed'
      # The signals of a test's children may be blocked, but for this one.
      kill -9 $P; wait $P 2>/dev/null
      grep -c passed $T/out; grep -c failed $T/out
      """, with: Self.scenario, named: "scenario.yaml")
    #expect(outcome.text.hasSuffix("1\n1\n"), "\(outcome.text)")
  }

  /// What is broken or absent for a moment is told of, and no reason to stop; SIGINT is, with the status of the last run.
  @Test func watchingGoesOnUntilInterrupted() throws {
    let outcome = try CommandTests.shell(
      """
      T=$(dirname $F); mkdir $T/suites $T/suites/a; mv $F $T/suites/a/scenario.yaml; cd $T
      printf '*filter\\n:INPUT DROP [0:0]\\n-A INPUT -p udp -m udp --dport 53 -j ACCEPT\\nCOMMIT\\n' > rules; cp rules kept
      : > out; ferrule test --watch --allow-path . suites > out 2>&1 & P=$!
      # Waits until the output has a line so many times.
      await() { for i in $(seq 600); do [ "$(grep -c "$2" out)" -ge $1 ] && return; sleep 0.1; done; echo "nothing says $2"; }
      await 1 'a/scenario.yaml: 1 passed'
      mv rules gone; await 1 'No such file'; mv gone rules; await 2 'a/scenario.yaml: 1 passed'
      printf '*filter\\n-A INP' > rules; await 1 '/rules:2:'; cp kept rules; await 3 'a/scenario.yaml: 1 passed'
      mv suites/a/scenario.yaml kept.yaml; await 1 'there is no scenario.yaml'; cp kept.yaml suites/a/scenario.yaml
      await 4 'a/scenario.yaml: 1 passed'
      echo 'tests: [' > suites/a/scenario.yaml; await 1 'the file is not valid YAML'; cp kept.yaml suites/a/scenario.yaml; await 5 'a/scenario.yaml: 1 passed'
      mkdir suites/b; cp kept.yaml suites/b/scenario.yaml; await 1 'b/scenario.yaml: 1 passed'
      sed -i 's/=> local/=> drop/' suites/b/scenario.yaml; await 1 'b/scenario.yaml: 1 failed'
      N=$(grep -c 'a/scenario.yaml: 1 passed' out); rm -r suites/b; await $((N + 1)) 'a/scenario.yaml: 1 passed'
      kill -0 $P && kill -INT $P; wait $P; echo "status $?"; cat out
      """,
      with: """
        rules: ../../rules
        tests:
          - name: t
            steps: [eth0 udp 10.0.0.9:1000 > 10.0.0.1:53 => local]

        """, named: "scenario.yaml")
    #expect(outcome.text.hasPrefix("status 0\n"), "\(outcome.text)")
  }

  @Test func whatCameIsWrittenAsExpected() throws {
    let outcome = try CommandTests.shell(
      "sed -i 's/=> local/=> drop/' $F; ferrule test --update $F; ferrule test $F; grep -c '=> local' $F",
      with: Self.scenario, named: "scenario.yaml")
    #expect(outcome.text.contains("1 expectation updated"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("1 passed, 2 packets\n1\n"), "\(outcome.text)")
  }
}
