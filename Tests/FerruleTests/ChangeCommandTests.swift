import Foundation
import TestSupport
import Testing

/// Commands that change the kernel's tables, each in a network namespace with a state directory of its own.
@Suite(.asRoot) struct ChangeCommandTests {
  private static let four = """
    *filter
    :INPUT DROP [0:0]
    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
    COMMIT

    """

  private enum Backend: String, CaseIterable { case legacy, nft }

  /// Runs a script with `$F`, the rules above, `$G`, others, and `$S`, the state directory.
  ///
  /// - Parameter backend: `$B` in the script.
  private static func shell(on backend: Backend = .legacy, _ script: String, options: String = "-n") throws -> BuiltCommand.Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-change-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try four.write(to: folder.appending(path: "f.v4"), atomically: true, encoding: .utf8)
    try four.replacing("22", with: "80").write(to: folder.appending(path: "g.v4"), atomically: true, encoding: .utf8)
    try script.write(to: folder.appending(path: "script"), atomically: true, encoding: .utf8)
    return try BuiltCommand.shell(
      "cd \(folder.path) && B=\(backend) F=f.v4 G=g.v4 S=\(folder.path)/state FERRULE_STATE_DIRECTORY=\(folder.path)/state XTABLES_LOCKFILE=\(folder.path)/lock unshare \(options) sh script"
    )
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func filesOfBothFamiliesAreAppliedTogether(_ backend: Backend)
    throws
  {
    let outcome = try Self.shell(
      on: backend,
      "sed s/state/state/ $F > six.v6; ferrule apply --backend $B $F six.v6; ferrule save --backend $B -6 | grep -c dport; ferrule apply --backend $B $F $F; echo $?"
    )
    #expect(outcome.text.hasPrefix("applied filter (iptables), filter (ip6tables)\n1\n"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("is in two of the files; which one is meant?\n2\n"), "\(outcome.text)")
  }

  @Test func emptyInputIsAnError() throws {
    let outcome = try Self.shell(
      "ferrule apply --backend legacy - < /dev/null; echo $?; : > e; ferrule apply --backend legacy $F e; echo $?; ferrule save --backend legacy"
    )
    #expect(outcome.text.hasSuffix("2\n") && !outcome.text.contains("applied"), "\(outcome.text)")
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aPlanTellsWhatChangesByItsStatus(_ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; ferrule plan --backend $B $F; echo $?; ferrule plan --backend $B --format json $G | grep -c '"kind"'; ferrule plan --backend $B $G > /dev/null; echo $?
      echo '*filter' > bad.v4; echo '-A NOWHERE' >> bad.v4; ferrule plan --backend $B bad.v4 > /dev/null 2>&1; echo $?
      ferrule plan --backend $B --from $F $G | head -3
      """)
    #expect(
      outcome.text
        == "nothing changes\n0\n2\n1\n2\nipv4 filter INPUT\n  - -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n  + -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n",
      "\(outcome.text)")
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aSavedPlanIsAppliedUnlessOtherRulesAreLoaded(
    _ backend: Backend
  ) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; ferrule plan --backend $B --output p $G > /dev/null; ferrule apply --backend $B p; ferrule save --backend $B | grep -c 'dport 80'
      ferrule apply --backend $B p 2>&1; echo $?; head -c 200 p > q; ferrule apply --backend $B q 2>&1; echo $?
      """)
    #expect(
      outcome.text
        == "applied filter\n1\nferrule: p: other iptables rules are loaded than when this plan was made; make it again\n3\nferrule: q is a damaged plan: make it again\n2\n",
      "\(outcome.text)")
  }

  /// Chains of other programs stay where they are, byte for byte with their counters; without --keep they are named.
  @Test(.needsTool("iptables-legacy"), .needsTool("iptables-nft"), arguments: Backend.allCases) private func keptChainsStayAsTheyAre(
    _ backend: Backend
  ) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; iptables-$B -N DOCKER; iptables-$B -I FORWARD -o docker0 -j DOCKER
      iptables-$B -N f2b-sshd; iptables-$B -I INPUT 2 -p tcp -j f2b-sshd; iptables-$B -A f2b-sshd -s 1.2.3.4 -j REJECT -c 5 300
      iptables-$B -N odd
      iptables-$B-save -c | grep -e DOCKER -e f2b > before
      ferrule apply --backend $B --keep docker,fail2ban $G; iptables-$B-save -c | grep -e DOCKER -e f2b > after; cmp before after && echo same
      iptables-$B -S INPUT | head -3 | tail -1
      ferrule save --backend $B --mine | grep -c -e DOCKER -e f2b; ferrule apply --backend $B $F
      """)
    #expect(
      outcome.text == """
        ferrule: chain odd of the iptables table filter is removed; --keep odd keeps it
        applied filter
        same
        -A INPUT -p tcp -j f2b-sshd
        0
        ferrule: chain DOCKER of the iptables table filter belongs to docker and is removed; --keep docker keeps it
        ferrule: chain f2b-sshd of the iptables table filter belongs to fail2ban and is removed; --keep fail2ban keeps it
        applied filter

        """, "\(outcome.text)")
  }

  /// What Docker loads on real machines survives, byte for byte and in its order; the file's own rules for its interfaces do too.
  @Test(.needsTool("iptables-legacy"), .needsSharedFolder, arguments: ["docker_moby_nat_v4", "docker_moby_wsl2_v4"], Backend.allCases)
  private func dockersRulesSurvive(_ name: String, _ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      iptables-$B-restore -c < '\(SharedFolder.path)/rulesets/\(name).iptables-save' || exit
      own() { iptables-$B-save -c | grep '^\\[' | grep -e DOCKER -e docker0 -e 127.0.0.1/32 -e br-dummy | grep -v 'dport 53 '; }
      own > before; test $(wc -l < before) -gt 5 || echo none
      printf '*raw\\nCOMMIT\\n*nat\\nCOMMIT\\n*filter\\n-A INPUT -i docker0 -p udp --dport 53 -j ACCEPT\\nCOMMIT\\n' > new.v4
      for i in 1 2; do ferrule apply --backend $B --keep docker new.v4 2> /dev/null; own > after; cmp before after && echo same; done
      iptables-$B -S INPUT | grep -c 'dport 53'
      """)
    #expect(outcome.text == "applied raw, nat, filter\nsame\napplied raw, nat, filter\nsame\n1\n", "\(outcome.text)")
  }

  /// Another program changes a kept chain all the time, without the lock: what it added is there in the end. It pauses now
  /// and then, because an apply to nf_tables waits for such a pause. `FERRULE_FOREIGN_ROUNDS` is the number of times that two files are applied; 20 if unset.
  @Test(.needsTool("iptables-legacy"), .needsTool("iptables-nft"), arguments: Backend.allCases) private func noForeignRuleIsLost(
    _ backend: Backend
  ) throws {
    let rounds = ProcessInfo.processInfo.environment["FERRULE_FOREIGN_ROUNDS"].flatMap { Int($0) } ?? 20
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; iptables-$B -N f2b-x; sed -i '/dport/d' $G
      (n=0; while [ ! -e stop ]; do
        n=$((n+1)); a=10.$((n / 62500)).$((n / 250 % 250)).$((n % 250))/32
        XTABLES_LOCKFILE=other iptables-$B -A f2b-x -s $a -j DROP 2> /dev/null && echo "-A f2b-x -s $a -j DROP" >> added
        sleep 0.02; test $((n % 20)) != 0 || sleep 1
      done) &
      for round in $(seq \(rounds)); do
        for file in $G $F; do ferrule apply --backend $B --keep 'f2b-*' $file >> out 2>&1 || echo refused >> refused; done
      done
      touch stop; wait; iptables-$B -S f2b-x > found; grep -v -x -F -f found added | wc -l
      test $(wc -l < added) -gt 20 && grep -c applied out
      grep -c -e 'in the meantime' -e 'at every attempt' out
      wc -l < added
      """)
    let lines = outcome.text.split(separator: "\n").map(String.init)
    try #require(lines.count == 4 && lines[0] == "0", "\(outcome.text)")
    print("\(backend): \(lines[3]) foreign edits, \(lines[1]) applies, \(lines[2]) reported as not made")
    #expect((Int(lines[1]) ?? 0) + (Int(lines[2]) ?? 0) >= 2 * rounds, "\(outcome.text)")
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aFailedCheckTakesTheChangeBack(_ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      "ferrule apply --backend $B $F; ferrule apply --backend $B --check 'echo no; false' $G; echo $?; ferrule save --backend $B | grep dport; ferrule apply --backend $B --check true $G; echo $?"
    )
    #expect(outcome.text.contains("no\nferrule: `echo no; false' failed with status 1: change 2 was taken back\n1\n"), "\(outcome.text)")
    #expect(outcome.text.contains("--dport 22") && outcome.text.hasSuffix("applied filter\n0\n"), "\(outcome.text)")
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aProbeThatDoesNotPassIsRefusedUnlessForced(_ backend: Backend)
    throws
  {
    let outcome = try Self.shell(
      on: backend,
      """
      ip link set lo up; ip link add e0 type veth peer name e1; ip addr add 10.0.0.1/24 dev e0; ip link set e0 up; ip link set e1 up
      ferrule apply --backend $B $F > /dev/null
      for force in '' --force; do ferrule apply --backend $B $force --probe 'e0 tcp 10.0.0.5 > :22' $G 2>&1 | tail -1; done
      ferrule apply --backend $B --probe 'e0 tcp 10.0.0.5 > :80' --probe 'e0 tcp 10.0.0.5:9 > 10.0.0.1:22 S => drop' $G
      """)
    #expect(
      outcome.text
        == "ferrule: nothing was changed; --force loads the rules all the same, best with --confirm\napplied filter\napplied filter\n",
      "\(outcome.text)")
  }

  @Test func testsMustPassWithTheRulesAsTheyWouldBeLoaded() throws {
    let outcome = try Self.shell(
      """
      for port in 22 80; do
        printf 'rules: f.v4\\nhost: {interfaces: {eth0: [10.0.0.1/24]}}\\ntests:\\n  - name: t\\n    steps: ["eth0 tcp 10.0.0.9:1000 > 10.0.0.1:%s S => accept"]\\n' $port > $port.yaml
        ferrule apply --backend legacy --test $port.yaml $F; echo $?
      done
      ferrule apply --test $F; echo $?; ferrule apply --backend legacy --test=22.yaml $F; ferrule apply --backend legacy --tests=22.yaml $F
      ferrule apply --backend legacy --tests 22.yaml $G; echo $?; ferrule apply --backend legacy --force --tests 80.yaml $F > /dev/null 2>&1; echo $?
      """)
    #expect(outcome.text.hasPrefix("applied filter\n0\n"), "\(outcome.text)")
    #expect(
      outcome.text.contains("ferrule: a test fails with these rules; nothing was changed\n3\n0\napplied filter\napplied filter\n"),
      "\(outcome.text)")
    #expect(
      outcome.text.contains("none of the scenario files loads one of the rules files") && outcome.text.hasSuffix("\n2\n0\n"),
      "\(outcome.text)")
  }

  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aChangeIsConfirmedOrTakenBack(_ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; ferrule apply --backend $B --confirm 4 $G > /dev/null; ferrule apply --backend $B $F > /dev/null 2>&1; echo $?
      for i in $(seq 300); do ferrule history | grep -q '^2 .*rolled-back' && break; sleep 0.1; done; ferrule save --backend $B | grep dport; ferrule confirm; echo $?
      ferrule apply --backend $B --confirm 50s $G > /dev/null; ferrule confirm; ferrule rollback; ferrule save --backend $B | grep dport
      ferrule history | cut -d' ' -f1,5,7; ferrule rollback 9; echo $?
      """)
    let wanted = """
      3
      -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
      no change awaits its confirmation
      1
      change 3 is confirmed
      change 3 was taken back: filter
      -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
      1 applied filter
      2 rolled-back filter
      3 rolled-back filter
      ferrule: there is no change 9 in force; see `ferrule history'
      2

      """
    #expect(outcome.text == wanted, "\(outcome.text)")
  }

  /// If the process that waits for the confirmation is killed, the next command takes the change back.
  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func aKilledWatcherIsNoticed(_ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; ferrule apply --backend $B --confirm 600s $G > /dev/null
      kill -9 $(cut -d' ' -f2 $S/history/*.deadline); sleep 0.2; ferrule save --backend $B | grep dport
      """)
    #expect(
      outcome.text.contains("change 2 was not confirmed, and the process that waited for it has ended; it was taken back now\n"),
      "\(outcome.text)")
    #expect(outcome.text.hasSuffix("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"), "\(outcome.text)")
  }

  /// A state directory that is full, read-only or open to others is found before a table changes.
  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func anUnusableStateDirectoryIsFoundFirst(_ backend: Backend)
    throws
  {
    for line in [
      "mkdir $S; mount -t tmpfs -o size=4k none $S; head -c 4096 /dev/zero > $S/x", "mkdir $S; mount -t tmpfs -o ro none $S",
      "mkdir -m 777 $S; chmod 777 $S", "mkdir other; ln -s other $S",
    ] {
      let outcome = try Self.shell(on: backend, "\(line)\nferrule apply --backend $B $F; echo $?; iptables-$B-save", options: "-nm")
      #expect(outcome.text.contains("\n2\n") && !outcome.text.contains("dport"), "\(line): \(outcome.text)")
    }
  }

  @Test(.needsTool("flock")) func theErrorOfALockNamesItsHolder() throws {
    let outcome = try Self.shell("flock $XTABLES_LOCKFILE sleep 5 & sleep 0.3; ferrule apply --backend legacy -w 0.2 $F; echo $?; kill $!")
    #expect(outcome.text.contains(/\((?:process )\d+\) holds the lock/), "\(outcome.text)")
    #expect(outcome.text.contains("\n3\n"), "\(outcome.text)")
  }

  @Test(.needsTool("iptables-legacy"), .needsTool("iptables-nft"), arguments: Backend.allCases) private func driftTellsWhatOthersChanged(
    _ backend: Backend
  ) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B $F > /dev/null; ferrule drift --backend $B --metrics m $F; echo $?; iptables-$B -A INPUT -j DROP; ferrule drift --backend $B --metrics m $F | head -2
      cat m; iptables-$B -N f2b-x; ferrule drift --backend $B --keep 'f2b-*' --format json $F | grep -c '"kind"'
      : > lines; ferrule drift --backend $B --watch --interval 0.1 $F > lines & watch=$!; have() { for i in $(seq 300); do [ "$(grep -c changes lines)" -ge $1 ] && return; sleep 0.1; done; }
      have 1; iptables-$B -D INPUT -j DROP; iptables-$B -X f2b-x; have 2; sleep 1; kill $watch; wait $watch; grep -c changes lines
      """)
    let wanted = """
      the loaded rules are those of the file
      0
      ipv4 filter INPUT
        + -A INPUT -j DROP
      # HELP ferrule_drift_lines Lines in which the loaded rules differ from the file.
      # TYPE ferrule_drift_lines gauge
      ferrule_drift_lines{family="ipv4",table="filter"} 1
      1

      """
    #expect(outcome.text.hasPrefix(wanted), "\(outcome.text)")
    // The first comparison, and one or two after the changes.
    #expect(["2\n", "3\n"].contains(outcome.text.dropFirst(wanted.count)), "\(outcome.text)")
  }

  /// With nf_tables each line names the program; a change of another table is none.
  @Test(.needsTool("iptables-nft"), .needsTool("nft")) func aWatchNamesTheProgramThatChangedTheRules() throws {
    let outcome = try Self.shell(
      on: .nft,
      """
      have() { for _ in $(seq 200); do [ "$(wc -l < lines)" -ge $1 ] && return; sleep 0.1; done; }
      : > lines; ferrule apply --backend nft $F > /dev/null; ferrule drift --backend nft --watch $F > lines & watch=$!; have 1
      nft add table inet other; iptables-nft -A INPUT -j DROP; have 2; iptables-nft -D INPUT -j DROP; have 3
      kill $watch; wait $watch; echo $?; tail -n 2 lines
      """)
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == 3 && lines.first == "0", "\(outcome.text)")
    for line in lines.dropFirst() {
      #expect(line.contains(/{"by":\[{"process":\d+,"program":"iptables-nft","tables":\["ip filter"\]}\]/), "\(line)")
    }
  }

  /// sudo removes SSH_CONNECTION; a session of another network namespace is none here.
  @Test(.needsTool("iptables-nft"), arguments: Backend.allCases) private func theSessionIsFoundThroughSudo(_ backend: Backend) throws {
    let outcome = try Self.shell(
      on: backend,
      """
      ip link set lo up; ip link add e0 type veth peer name e1; ip addr add 10.0.0.1/24 dev e0; ip link set e0 up; ip link set e1 up
      ferrule apply --backend $B $F > /dev/null
      for own in 10.0.0.1 10.7.7.7; do
        SSH_CONNECTION="10.0.0.9 50000 $own 22" sh -c 'env -u SSH_CONNECTION ferrule apply --backend $B $G; echo $?'
      done
      """)
    #expect(outcome.text.contains("your session tcp 10.0.0.9:50000 > 10.0.0.1:22"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("\n3\napplied filter\n0\n"), "\(outcome.text)")
  }

  /// The session is cut, and is back after the deadline although client, shell and terminal have ended.
  @Test(.needsTool("python3"), arguments: Backend.allCases) private func aLockOutIsRefusedAndEndsAtTheDeadline(_ backend: Backend) throws {
    let outcome = try BuiltCommand.shell("unshare -n python3 Tests/Fixtures/live-connections.py drill $(command -v ferrule) \(backend)")
    let wanted = """
      session before: True
      by default: 3 True
      session after the refusal: True
      session while it is cut: False
      session after the deadline: True
      history: ['applied', 'rolled-back']

      """
    #expect(outcome.text == wanted, "\(outcome.text)")
  }

  @Test(.needsTool("python3"), arguments: Backend.allCases) private func whatAPlanSaysOfConnectionsIsWhatHappensToThem(_ backend: Backend)
    throws
  {
    let outcome = try BuiltCommand.shell("unshare -n python3 Tests/Fixtures/live-connections.py forecast $(command -v ferrule) \(backend)")
    #expect(outcome.text.hasPrefix("100 of 100 as predicted"), "\(outcome.text)")
  }

  /// The commands of the example print what is recorded; `FERRULE_RECORD=1` records them anew.
  @Test(.needsTool("iptables-legacy")) func theTranscriptOfTheExampleIsTrue() throws {
    let folder = BuiltCommand.root.appending(path: "Examples/remote-change")
    let file = folder.appending(path: "transcript.txt")
    let recorded = try String(contentsOf: file, encoding: .utf8)
    let commands = recorded.split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { $0.dropFirst(2) }
    #expect(commands.count > 5)
    let quoted = commands.map { "printf '%s\\n' \"$ \(String($0).replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"; \($0)" }
    let script = ". ./setup.sh > /dev/null 2>&1\n" + quoted.joined(separator: "\n") + "\n:"
    let state = FileManager.default.temporaryDirectory.appending(path: "ferrule-example-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: state) }
    let outcome = try BuiltCommand.shell(
      "export FERRULE_STATE_DIRECTORY=\(state); unshare -n sh -c '\(script.replacing("'", with: "'\\''"))'", in: folder)
    if ProcessInfo.processInfo.environment["FERRULE_RECORD"] == "1" { try outcome.text.write(to: file, atomically: true, encoding: .utf8) }
    #expect(outcome.text == recorded, "\(outcome.text)")
  }

  /// The list of owners and its schema name the same keys.
  @Test func theSchemaOfOwnersIsTheReaders() throws {
    let schema = try String(contentsOf: BuiltCommand.root.appending(path: "Grammar/owners.schema.json"), encoding: .utf8)
    let value = try #require(try JSONSerialization.jsonObject(with: Data(schema.utf8)) as? [String: Any])
    let owner = try #require(value["additionalProperties"] as? [String: Any])
    #expect(Set((owner["properties"] as? [String: Any] ?? [:]).keys) == ["chains", "rules"])
    let outcome = try Self.shell(
      """
      printf 'mine:\\n  chains: ["my-*"]\\n' > o.yaml; printf 'mine:\\n  chain: ["my-*"]\\n' > bad.yaml
      ferrule apply --backend legacy $F > /dev/null; iptables-legacy -N my-a; ferrule apply --backend legacy --keep mine --owners o.yaml $G; iptables-legacy -S | grep -c my-a
      ferrule apply --backend legacy --keep mine --owners bad.yaml $G; echo $?
      """)
    #expect(outcome.text.hasPrefix("applied filter\n1\n"), "\(outcome.text)")
    #expect(outcome.text.contains("bad.yaml:2:3") && outcome.text.hasSuffix("2\n"), "\(outcome.text)")
  }
}
