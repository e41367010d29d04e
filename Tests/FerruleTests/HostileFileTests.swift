import Foundation
import TestSupport
import Testing

/// Files that are made to hurt whoever reads them: each is refused with status 2, at once and in little memory.
@Suite struct HostileFileTests {
  private static let packet = "'eth0 tcp 10.0.0.9:1 > 10.0.1.9:2 S'"

  /// Runs the command under a limit of the address space and of time. What it reserves without using it counts, so the limit is wide.
  private static func refused(_ command: String, in folder: String) throws -> String {
    let outcome = try BuiltCommand.shell("cd \(folder) && ulimit -v 2000000 && timeout 10 ferrule \(command)")
    #expect(outcome.status == 2, "\(command): \(outcome.status) \(outcome.text)")
    return outcome.text
  }

  @Test(
    .needsSharedFolder,
    arguments: [
      ("test snapshot-test.yaml", "snapshot-test.yaml:1:11: error: snapshot-names-itself.yaml:1:11: the snapshot names itself"),
      ("run --host snapshot-names-itself.yaml \(packet)", "snapshot-names-itself.yaml:1:11: error: the snapshot names itself"),
      (
        "run --host route-slash-host.yaml set-in-itself.rules \(packet)",
        "route-slash-host.yaml:2:10: error: routes: / is not a destination"
      ),
      (
        "run --host empty-key-host.yaml set-in-itself.rules \(packet)",
        "empty-key-host.yaml:1:1: error: expected a name before the colon, found a list"
      ),
      (
        "run --host alias-bomb-host.yaml set-in-itself.rules \(packet)",
        "alias-bomb-host.yaml:1:1: error: the description of a host has no member `a'"
      ),
      (
        "run --host host.yaml --ipset set-in-itself.ipset set-in-itself.rules \(packet)",
        "set-in-itself.ipset:2: `a' is a list:set, which cannot be an element of a"
      ),
      ("run --host host.yaml --packets nested-packet.txt weekdays.rules", "quoted packets are nested more than 8 levels deep"),
    ]) func theFilesOfTheTrial(_ command: String, _ message: String) throws
  {
    let text = try Self.refused(command, in: SharedFolder.path + "/cases/hostile")
    #expect(text.contains(message), "\(text.prefix(500))")
    #expect(text.utf8.count < 2000)
  }

  /// A scenario file names what is not its own, by every member that names a file and every command that reads it.
  @Test(arguments: [
    "rules: /etc/shadow", "rules6: /etc/shadow", "ipsets: /etc/shadow", "fingerprints: /etc/shadow", "snapshot: /etc/shadow",
    "conntrack: /etc/shadow",
    "rules: ../../../../../etc/shadow", "ipsets: link", "snapshot: folder/shadow", "rules: /proc/self/environ", "ipsets: fifo", "rules: .",
    "snapshot: /dev/zero",
    "rules: /dev/stdin", "conntrack: zero",
    "name: x\ntests: [{name: a, steps: [{pcap: {file: /etc/shadow, interfaces: {default: eth0}}}]}]",
    "name: x\ntests: [{name: a, steps: [{swap: {rules: /etc/shadow}}]}]",
  ]) func aFileNamesOnlyItsOwn(_ member: String) throws {
    let text = member + (member.contains("tests:") ? "\n" : "\ntests: []\n")
    let outcome = try CommandTests.shell(
      """
      cd $(dirname $F) && ln -s /etc/shadow link && ln -s /etc folder && ln -s /dev/zero zero && mkfifo fifo && ulimit -v 2000000
      for command in test coverage "test --allow-path /dev"; do timeout 10 ferrule $command $F < /dev/zero; echo "status $?"; done
      timeout 10 ferrule test . < /dev/null; echo "status $?"
      """, with: text, named: "scenario.yaml")
    #expect(outcome.text.components(separatedBy: "status 2\n").count == 5, "\(outcome.text)")
    #expect(
      outcome.text.contains("is outside the folder of the file that names it; allow its folder with --allow-path DIR")
        || outcome.text.contains(", not a file"),
      "\(outcome.text)")
    #expect(!outcome.text.contains("root:"), "\(outcome.text)")
  }

  /// With leave, and even then nothing of a file of another kind is shown.
  @Test func otherFoldersCanBeAllowed() throws {
    let outcome = try CommandTests.shell(
      """
      T=$(dirname $F); mkdir $T/own $T/rules; cp $F $T/rules/r
      printf 'rules: ../rules/r\\ntests: []\\n' > $T/own/s.yaml; printf 'ipsets: ../rules/secret\\ntests: []\\n' > $T/own/k.yaml
      echo 'root:$6$secret:1:0:99999:7:::' > $T/rules/secret; printf 'host: {}\\nrules: ../rules/r\\n' > $T/own/host.yaml
      ferrule test $T/own/s.yaml; echo "first $?"; cd $T/own; ferrule test s.yaml; echo "second $?"
      ferrule test --allow-path /nowhere --allow-path ../rules s.yaml; echo "third $?"
      ferrule test --allow-path .. k.yaml; echo "fourth $?"
      ferrule run --host host.yaml \(Self.packet); echo "fifth $?"
      ferrule run --allow-path .. --host host.yaml \(Self.packet) > /dev/null; echo "sixth $?"
      ferrule coverage --allow-path .. s.yaml > /dev/null; echo "seventh $?"
      cat s.yaml | ferrule test --allow-path .. -; echo "eighth $?"
      """, with: CommandTests.fine)
    for status in ["first 2", "second 2", "third 0", "fourth 2", "fifth 2", "sixth 0", "seventh 0", "eighth 0"] {
      #expect(outcome.text.contains("\(status)\n"), "\(outcome.text)")
    }
    #expect(!outcome.text.contains("secret:"), "\(outcome.text)")
  }

  /// What the user names may be a stream; a directory is no file.
  @Test func theUserMayNameStreams() throws {
    let outcome = try CommandTests.shell(
      """
      cat $F | ferrule lint - ; echo "dash $?"; cat $F | ferrule lint /dev/stdin; echo "stdin $?"
      bash -c "ferrule lint <(cat $F)"; echo "process $?"
      printf 'tests: []' | ferrule test -; echo "test $?"; bash -c "ferrule test <(printf 'tests: []')"; echo "substituted $?"
      for command in lint fmt show compile "run --host . $F" "run --ipset . $F" "run --ip-addr . $F" "run --packets . $F"; do
        timeout 10 ferrule $command . 'eth0 tcp 10.0.0.9:1 > 10.0.1.9:2 S' 2>&1 | grep -c 'directory\\|Unexpected'; done | sort -u
      """, with: CommandTests.fine)
    for status in ["dash 0", "stdin 0", "process 0", "test 0", "substituted 0"] {
      #expect(outcome.text.contains("\(status)\n"), "\(outcome.text)")
    }
    #expect(outcome.text.hasSuffix("\n1\n"), "\(outcome.text)")
  }

  @Test(arguments: [
    "create a list:set\ncreate b list:set\nadd a b\nadd b a\n", "create a list:set\nadd a a\n",
    (0..<3000).map { "create s\($0) list:set\n" }.joined() + (1..<3000).map { "add s\($0) s\($0 - 1)\n" }.joined(),
  ]) func setsAreNotNested(_ sets: String) throws {
    let rules = "*filter\n-A FORWARD -m set --match-set a src -j DROP\nCOMMIT\n"
    let outcome = try CommandTests.shell(
      "printf '\(rules.replacing("\n", with: "\\n"))' > $F.rules; timeout 10 ferrule run --ipset $F $F.rules \(Self.packet)", with: sets)
    #expect(outcome.status == 2)
    #expect(outcome.text.contains("is a list:set, which cannot be an element of"), "\(outcome.text)")
  }

  /// Chains may be as deep as there are chains.
  @Test func chainsMayBeDeep() throws {
    let count = 20_000
    let rules =
      "*filter\n" + (0..<count).map { ":c\($0) - [0:0]\n" }.joined() + "-A FORWARD -j c0\n"
      + (1..<count).map { "-A c\($0 - 1) -j c\($0)\n" }.joined() + "COMMIT\n"
    for command in ["show $F", "fmt $F", "compile $F", "run --brief $F \(Self.packet)"] {
      let outcome = try CommandTests.shell("timeout 60 ferrule \(command) > /dev/null", with: rules)
      #expect(outcome.status == 0, "\(command): \(outcome.text.prefix(300))")
    }
  }
}
