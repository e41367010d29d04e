import Foundation
import TestSupport
import Testing

/// What kube-proxy and fail2ban load on real machines survives an apply with `--keep`, byte for byte with its counters, in its order.
@Suite(.asRoot, .needsTool("iptables-legacy"), .needsTool("iptables-nft")) struct KeptRulesTests {
  enum Backend: String, CaseIterable { case legacy, nft }

  /// - Parameters:
  ///   - load: the commands that load the rules.
  ///   - owner: the name for `--keep`.
  ///   - pattern: what each line of its rules has.
  private static func outcome(_ backend: Backend, load: String, owner: String, pattern: String) throws -> String {
    let state = FileManager.default.temporaryDirectory.appending(path: "ferrule-kept-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: state) }
    let script = """
      cd "$1"; B=\(backend); export FERRULE_STATE_DIRECTORY=$1/state XTABLES_LOCKFILE=$1/lock
      \(load)
      own() { iptables-$B-save -c 2> /dev/null | grep -e '^\\[' -e '^:' | grep -e '\(pattern)' | sed '/^:/s/ \\[.*//'; }
      own > before; test $(wc -l < before) -gt 15 || echo few; grep -c -v -e '\\[0:0\\]' -e '^:' before
      printf '*mangle\\nCOMMIT\\n*nat\\nCOMMIT\\n*filter\\n-A INPUT -p udp --dport 4053 -j ACCEPT\\nCOMMIT\\n' > new.v4
      for i in 1 2; do ferrule apply --backend $B --keep \(owner) new.v4 2> /dev/null; own > after; cmp before after && echo same; done
      iptables-$B -S INPUT | grep -c 'dport 4053'
      ferrule plan --backend $B new.v4 | grep -c 'owner \(owner)) will be removed'
      """
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try script.write(toFile: state + "/script", atomically: true, encoding: .utf8)
    return try BuiltCommand.shell("unshare -n sh \(state)/script \(state)").text
  }

  /// The rules with counters: the line of each rule in turn gets other ones.
  private static let counted = "awk '/^-A/ { n++; $0 = \"[\" n \":\" 60 * n \"] \" $0 } { print }'"

  @Test(arguments: Backend.allCases) func kubeProxysRulesSurvive(_ backend: Backend) throws {
    let services = BuiltCommand.root.appending(path: "Examples/kube-proxy/services.sh").path
    let text = try Self.outcome(
      backend, load: "sh '\(services)' 20 3 | \(Self.counted) | iptables-$B-restore -c || exit", owner: "kube", pattern: "KUBE\\|kubernetes"
    )
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count == 7 && (Int(lines[0]) ?? 0) > 200, "\(text)")
    #expect(
      Array(lines.dropFirst().prefix(5)) == ["applied mangle, nat, filter", "same", "applied mangle, nat, filter", "same", "1"], "\(text)")
    #expect((Int(lines.last ?? "") ?? 0) > 80, "\(text)")
  }

  @Test(.needsSharedFolder, arguments: Backend.allCases) func fail2bansRulesSurvive(_ backend: Backend) throws {
    let rules = "\(SharedFolder.path)/rulesets/lafibre_box_v4.iptables-save"
    let text = try Self.outcome(
      backend, load: "grep -v '^:.*icmp' '\(rules)' | \(Self.counted) | iptables-$B-restore -c || exit", owner: "fail2ban",
      pattern: "fail2ban")
    #expect(
      text.hasSuffix("\napplied mangle, nat, filter\nsame\napplied mangle, nat, filter\nsame\n1\n13\n"), "\(text)")
  }
}
