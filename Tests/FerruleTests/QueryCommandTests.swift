import Foundation
import Testing

/// The answers of `ferrule query`, their exit status and their form.
@Suite struct QueryCommandTests {
  private static let rules = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
    COMMIT

    """

  private static func query(_ arguments: String) throws -> BuiltCommand.Outcome {
    try CommandTests.shell("ferrule query \(arguments)", with: rules, named: "rules.v4")
  }

  @Test func eachHookIsAnswered() throws {
    let outcome = try Self.query("\"$F\" 'in eth0 src 10.0.0.0/16 tcp dport 22'")
    #expect(
      outcome.text == """
        INPUT: all accept
          accept = any packet
            eth0 tcp 10.0.0.0:40000 > 198.51.100.7:22 S => accept
            filter line 4: -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
        FORWARD: all drop
          drop = any packet
            eth0 tcp 10.0.0.0:40000 > 198.51.100.7:22 S # out eth1 => drop

        """)
    #expect(outcome.status == 0)
  }

  @Test(arguments: [
    ("--hook INPUT --verdict accept \"$F\" 'in eth0 src 10.0.0.0/16 tcp dport 22'", 0),
    ("--hook INPUT --verdict accept \"$F\" 'in eth0 tcp dport 22'", 1),
    ("--hook INPUT --verdict drop \"$F\" 'in eth0 not src 10.0.0.0/8'", 0),
    ("\"$F\" 'tcp dport'", 2),
    ("\"$F\" -- '-p tcp -j ACCEPT'", 2),
  ]) func aWantedVerdictIsTheExitStatus(_ arguments: String, _ status: Int) throws {
    let outcome = try Self.query(arguments)
    #expect(outcome.status == status, "\(outcome.text)")
  }

  /// With a host, routing and translation decide which packets come to which hook.
  @Test func aHostLeadsThePackets() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-query-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let host = """
      interfaces: {eth0: {addresses: [203.0.113.5/24]}, lan: {addresses: [10.0.0.1/24]}}
      routes: [default via 203.0.113.1 dev eth0]
      sysctls: {net.ipv4.ip_forward: 1}

      """
    let rules = """
      *nat
      -A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
      COMMIT
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -d 10.0.0.5 -p tcp -m tcp --dport 80 -j ACCEPT
      COMMIT

      """
    try Data(host.utf8).write(to: folder.appending(path: "host.yaml"))
    try Data(rules.utf8).write(to: folder.appending(path: "rules.v4"))
    let outcome = try BuiltCommand.shell(
      "ferrule query --host host.yaml --from outside --to 10.0.0.5 rules.v4 'tcp dport 8080'", in: folder)
    #expect(
      outcome.text == """
        INPUT: no such packet
        FORWARD: all accept
          accept = any packet
            eth0 tcp 192.0.2.9:40000 > 198.51.100.7:8080 S # out lan => accept
            translated: tcp 192.0.2.9:40000>10.0.0.5:80 S
            on the host: sent through lan
            nat line 2: -A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
            filter line 6: -A FORWARD -d 10.0.0.5 -p tcp -m tcp --dport 80 -j ACCEPT

        """)
    #expect(try BuiltCommand.shell("ferrule query --from outside rules.v4 tcp", in: folder).status == 2)
    #expect(try BuiltCommand.shell("ferrule query --host host.yaml --from nowhere rules.v4 tcp", in: folder).status == 2)
  }

  @Test func matchesOfARuleAreAQuestionToo() throws {
    let outcome = try Self.query("--hook INPUT --format json \"$F\" -- '-i eth0 -s 10.1.2.3 -p tcp -m multiport --dports 22,80'")
    #expect(outcome.text.contains("\"extent\" : \"all\"") && outcome.text.contains("\"verdict\" : \"drop\""), "\(outcome.text)")
  }
}
