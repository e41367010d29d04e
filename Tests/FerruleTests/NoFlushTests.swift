import TestSupport
import Testing

/// Files for `iptables-restore --noflush`, which are read on top of the rules that are loaded already.
@Suite struct NoFlushTests {
  private static let base = """
    *filter
    :INPUT DROP [0:0]
    :DOCKER-USER - [0:0]
    :ufw-user-forward - [0:0]
    -A FORWARD -s 10.9.9.9/32 -j DROP
    -A FORWARD -j DOCKER-USER
    -A DOCKER-USER -j ACCEPT
    -A ufw-user-forward -p tcp -m tcp --dport 80 -j DROP
    COMMIT
    *nat
    -A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.10:22
    COMMIT

    """
  private static let more = """
    *filter
    :DOCKER-USER - [0:0]
    -A DOCKER-USER -i eth0 -j ufw-user-forward
    -I INPUT 1 -p tcp -m tcp --dport 22 -j ACCEPT
    -D FORWARD -s 10.9.9.9/32 -j DROP
    COMMIT

    """

  private static func shell(_ line: String, file: String = more) throws -> BuiltCommand.Outcome {
    try CommandTests.shell("B=$F.base.v4; cat > $B <<'END'\n\(base)END\n\(line)", with: file)
  }

  @Test func lintReadsTheBase() throws {
    #expect(try Self.shell("ferrule lint $F").status == 2)
    let without = try Self.shell("ferrule lint --noflush $F")
    #expect(without.status == 0 && without.text.contains("give them with --base"), "\(without.text)")
    let with = try Self.shell("ferrule lint --base $B $F")
    #expect(with.status == 0 && with.text == "no findings\n", "\(with.text)")
    let wrong = try Self.shell("ferrule lint --base $B $F", file: "*filter\n-A NOWHERE -j DROP\n-A INPUT -j ufw-user-forwrd\nCOMMIT\n")
    #expect(wrong.status == 2 && wrong.text.contains("unknown-chain") && wrong.text.contains("unknown-target"), "\(wrong.text)")
  }

  @Test func runHasBothAndTheOtherTablesOfTheBase() throws {
    let host = "interfaces: {eth0: [192.0.2.10/24], eth1: [198.51.100.1/24]}\nsysctls: {net.ipv4.ip_forward: 1}"
    let outcome = try Self.shell(
      "printf '%s' '\(host)' > $F.yaml; ferrule run --brief --base $B --host $F.yaml $F 'eth0 tcp 192.0.2.7:1 > 198.51.100.9:80 S' "
        + "'eth0 tcp 192.0.2.7:1 > 198.51.100.9:81 S' 'eth0 tcp 192.0.2.7:1 > 192.0.2.10:8080 S' 'eth0 tcp 192.0.2.7:1 > 192.0.2.10:23 S' "
        + "'eth0 tcp 10.9.9.9:1 > 198.51.100.9:81 S'")
    let verdicts = outcome.text.split(separator: "\n").map { $0.split(separator: "=> ").last.map(String.init) ?? "" }
    #expect(
      verdicts.map { $0.prefix(12) } == ["dropped at F", "sent through", "delivered to", "dropped at I", "sent through"], "\(outcome.text)")
    #expect(try Self.shell("ferrule run --noflush $F 'eth0 tcp 192.0.2.7:1 > 192.0.2.10:23 S'").text.contains("--base"))
  }

  @Test(.asRoot) func applyLeavesTheKernelAsTheRealToolDoes() throws {
    let script = """
      T=$F; printf '%s' "$MORE" > $T.more; printf '%s' "$BASE" > $T.base
      iptables-legacy-restore $T.base; iptables-legacy-restore -n $T.more; iptables-legacy-save | grep -v '^#' > $T.real
      iptables-legacy-restore $T.base; iptables-legacy -I FORWARD -s 1.2.3.4 -c 5 500
      ferrule apply --backend legacy --noflush $T.more; iptables-legacy-save -c -t filter | grep -F '1.2.3.4'; iptables-legacy -D FORWARD -s 1.2.3.4
      iptables-legacy-save | grep -v '^#' > $T.ours; diff $T.real $T.ours && echo same
      ferrule apply --sandbox --base $T.base $T.more
      """
    let outcome = try CommandTests.shell(
      "export BASE='\(Self.base)' MORE='\(Self.more)' F; unshare -n sh -c \"$(cat $F)\"", with: script)
    #expect(outcome.status == 0, "\(outcome.text)")
    #expect(outcome.text == "applied filter\n[5:500] -A FORWARD -s 1.2.3.4/32\nsame\nthe kernel accepts filter\n", "\(outcome.text)")
  }
}
