import TestSupport
import Testing

/// `--backend`: what a command uses where rules stand in ip_tables, in nf_tables, or in both, and that nothing is silent about the rest.
@Suite(.asRoot, .needsTool("nft"), .needsTool("iptables-nft"), .needsTool("iptables-legacy")) struct BackendTests {
  private static let legacy = "iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT"
  private static let nft = "iptables-nft -A INPUT -p tcp --dport 25 -j DROP"
  private static let firewalld = """
    nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; policy accept; tcp dport 25 reject; }; }'
    """

  /// Runs lines of shell in a network namespace of their own, with a folder of their own that has the file `rules`.
  private static func inNamespace(_ lines: [String]) throws -> BuiltCommand.Outcome {
    let script = """
      folder=$(mktemp -d); cd $folder; printf '*filter\\n-A INPUT -j ACCEPT\\nCOMMIT\\n' > rules
      \(lines.joined(separator: "\n"))
      status=$?; cd /; rm -r $folder; exit $status
      """
    return try BuiltCommand.shell("exec unshare -n sh -c '\(script.replacing("'", with: "'\\''"))'")
  }

  @Test func rulesInOneBackendAreSavedAndTheChoiceIsSaid() throws {
    let old = try Self.inNamespace([Self.legacy, "ferrule save"])
    #expect(old.status == 0 && old.text.contains("backend legacy: ") && old.text.contains("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"))
    let new = try Self.inNamespace([Self.nft, "ferrule save"])
    #expect(new.status == 0 && new.text.contains("backend nft: ") && new.text.contains("-A INPUT -p tcp -m tcp --dport 25 -j DROP\n"))
  }

  @Test(arguments: ["save", "apply rules", "snapshot", "diff live rules", "run --this-host 'lo tcp 127.0.0.1:1 > 127.0.0.1:2 S'"])
  func rulesInBothAreNamedAndRefused(_ command: String) throws {
    let outcome = try Self.inNamespace([Self.legacy, Self.nft, "ip link set lo up", "ferrule \(command)"])
    #expect(outcome.status == 3, "\(outcome.text)")
    #expect(outcome.text.contains("nf_tables chain ip filter INPUT (INPUT, priority 0, 1 rule, policy accept)"))
    #expect(outcome.text.contains("ip_tables chain ip filter INPUT (INPUT, priority 0, 1 rule, policy accept)"))
    #expect(outcome.text.contains("--backend legacy or --backend nft"))
  }

  @Test(arguments: ["legacy", "nft"]) func theUserChooses(_ backend: String) throws {
    let outcome = try Self.inNamespace([Self.legacy, Self.nft, "ferrule save --backend \(backend)"])
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("--dport 22") == (backend == "legacy") && outcome.text.contains("--dport 25") == (backend == "nft"))
    #expect(outcome.text.contains("not read or changed: \(backend == "nft" ? "ip_tables" : "nf_tables") chain ip filter INPUT"))
  }

  @Test(arguments: ["save", "apply rules"]) func aTableThatIptablesCannotExpressIsNamedAndRefused(_ command: String) throws {
    let told = "nf_tables chain inet firewalld filter_FORWARD (FORWARD, priority 10, 1 rule, policy accept)"
    let refused = try Self.inNamespace([Self.firewalld, "ferrule \(command)"])
    #expect(refused.status == 3 && refused.text.contains(told), "\(refused.text)")
    let chosen = try Self.inNamespace([Self.firewalld, "ferrule \(command) --backend legacy"])
    #expect(chosen.status == 0 && chosen.text.contains("not read or changed: \(told)"), "\(chosen.text)")
  }

  /// A chain without rules and with the policy accept does nothing.
  @Test func idleChainsAreNotMentioned() throws {
    let outcome = try Self.inNamespace([
      Self.nft, "nft 'table inet guard { chain in { type filter hook input priority 10; }; }'", "ferrule save",
    ])
    #expect(outcome.status == 0 && !outcome.text.contains("guard"), "\(outcome.text)")
  }

  @Test func aNativeRuleIsShownAtItsPlaceAndSurvivesAnApply() throws {
    let native = "nft add rule ip filter INPUT ct state invalid counter drop"
    let saved = try Self.inNamespace([Self.nft, native, "ferrule save --backend nft"])
    #expect(
      saved.text.contains(
        "-j DROP\n# chain INPUT: native rule (handle 3): iptables has no form of the expression ct\nCOMMIT\n"), "\(saved.text)")
    let applied = try Self.inNamespace([
      Self.nft, native, "ferrule apply --backend nft rules; echo status $?", "nft list ruleset | grep -c 'ct state invalid'",
    ])
    #expect(applied.text.contains("would delete what is not iptables'") && applied.text.contains("status 3\n1\n"), "\(applied.text)")
    #expect(try Self.inNamespace([Self.nft, native, "ferrule save"]).status == 3)
  }

  @Test func anApplyToNfTablesReplacesItsRulesOnly() throws {
    let outcome = try Self.inNamespace([
      Self.legacy, Self.nft, "ferrule apply --backend nft rules", "iptables-nft-save 2>/dev/null | grep ^-A",
      "iptables-legacy-save | grep ^-A",
    ])
    #expect(outcome.text.hasSuffix("applied filter\n-A INPUT -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"), "\(outcome.text)")
  }

  /// A snapshot has the chains beside the rules, and their rules. A packet that reaches a rule of which Ferrule does not know what it does has
  /// no certain verdict.
  @Test func theDryRunKnowsTheOtherChains() throws {
    let outcome = try Self.inNamespace([
      Self.nft, Self.firewalld, "ip link set lo up", "ip link add eth0 type veth peer name eth1", "ip addr add 10.0.0.1/24 dev eth0",
      "ip link set eth1 up", "ip link set eth0 up", "echo 1 > /proc/sys/net/ipv4/ip_forward", "ferrule snapshot > host.yaml",
      "grep 'chain: filter_FORWARD' host.yaml",
      "ferrule run --brief --host host.yaml 'eth0 tcp 10.0.0.9:1000 > 10.0.0.1:25 S' 'eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S'",
      "nft 'add rule inet firewalld filter_FORWARD tcp dport 79 numgen random mod 2 0 drop'",
      "ferrule run --brief --this-host 'eth0 tcp 10.0.0.9:1000 > 10.0.0.7:80 S' 'eth0 tcp 10.0.0.9:1000 > 10.0.0.7:79 S' 'eth0 tcp 10.0.0.9:1000 > 10.0.0.7:25 S'",
    ])
    #expect(
      outcome.text.contains(
        "{family: inet, table: firewalld, chain: filter_FORWARD, hook: FORWARD, priority: 10, type: filter, policy: accept, rules: 1, holder: nf_tables, may: [drop]}"
      ), "\(outcome.text)")
    #expect(outcome.text.contains("dropped at INPUT by filter INPUT rule 1") && outcome.text.contains("delivered to this host"))
    for told in [
      "10.0.0.7:80 S => sent through eth0", "=> dropped at FORWARD by inet firewalld filter_FORWARD rule 1: tcp dport 25 reject with icmpx",
      "=> unknown at FORWARD: inet firewalld filter_FORWARD rule 2 is not evaluated: Ferrule does not know the expression numgen",
    ] { #expect(outcome.text.contains(told), "\(told) is not in:\n\(outcome.text)") }
  }

  @Test func theDoctorTellsWhatDecides() throws {
    let docker = ["iptables-nft -t nat -N DOCKER", "iptables-nft -t nat -A DOCKER -j RETURN"]
    let unknown = "nft 'add rule inet firewalld filter_FORWARD numgen random mod 2 0 drop'"
    let outcome = try Self.inNamespace([Self.nft, Self.firewalld, unknown] + docker + ["ferrule doctor"])
    #expect(outcome.status == 1)
    for line in [
      "nft: available, 2 rules, in use: the rules of iptables are in nf_tables", "nf_tables inet firewalld: 2 rules, of firewalld",
      "nf_tables ip nat: 1 rule, of Docker", "nf_tables ip filter: 1 rule, of iptables",
      "INPUT 0: nf_tables ip filter INPUT, type filter, policy accept, 1 rule, evaluated",
      "FORWARD 10: nf_tables inet firewalld filter_FORWARD, type filter, policy accept, 2 rules, may drop, not wholly evaluated",
      "net.ipv4.ip_forward = 0",
      "some rules of inet firewalld filter_FORWARD (FORWARD, priority 10) are not evaluated: packets that reach one have the verdict unknown",
    ] { #expect(outcome.text.contains("  \(line)\n"), "\(line) is not in:\n\(outcome.text)") }
    let known = try Self.inNamespace([Self.firewalld, "ferrule doctor"])
    #expect(known.text.contains("filter_FORWARD, type filter, policy accept, 1 rule, evaluated\n"), "\(known.text)")
    let sound = try Self.inNamespace([Self.nft, "iptables() { iptables-nft \"$@\"; }", "ferrule doctor --format json"])
    #expect(sound.text.contains("\"backendInUse\" : \"nft\"") && sound.text.contains("\"isEvaluated\" : true"), "\(sound.text)")
    #expect(try Self.inNamespace([Self.legacy, Self.nft, "ferrule doctor"]).text.contains("both variants of iptables hold rules"))
  }

  @Test func withoutRootTheReasonIsSaid() throws {
    let outcome = try BuiltCommand.shell(
      "setpriv --reuid 65534 --clear-groups ferrule doctor; setpriv --reuid 65534 --clear-groups ferrule save")
    #expect(outcome.status == 3 && outcome.text.contains("the rules cannot be read: ") && outcome.text.contains("Operation not permitted"))
  }
}
