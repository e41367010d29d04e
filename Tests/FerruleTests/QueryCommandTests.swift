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
          eth0 tcp 10.0.0.0:40000 > 198.51.100.7:22 S => accept
            filter line 4: -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
        FORWARD: all drop
          eth0 tcp 10.0.0.0:40000 > 198.51.100.7:22 S # out eth1 => drop

        """)
    #expect(outcome.status == 0)
  }

  @Test func aWantedVerdictIsTheExitStatus() throws {
    #expect(try Self.query("--hook INPUT --verdict accept \"$F\" 'in eth0 src 10.0.0.0/16 tcp dport 22'").status == 0)
    #expect(try Self.query("--hook INPUT --verdict accept \"$F\" 'in eth0 tcp dport 22'").status == 1)
    #expect(try Self.query("--hook INPUT --verdict drop \"$F\" 'in eth0 not src 10.0.0.0/8'").status == 0)
    #expect(try Self.query("\"$F\" 'tcp dport'").status == 2)
    #expect(try Self.query("\"$F\" -- '-p tcp -j ACCEPT'").status == 2)
  }

  @Test func matchesOfARuleAreAQuestionToo() throws {
    let outcome = try Self.query("--hook INPUT --format json \"$F\" -- '-i eth0 -s 10.1.2.3 -p tcp -m multiport --dports 22,80'")
    #expect(outcome.text.contains("\"extent\" : \"all\"") && outcome.text.contains("\"verdict\" : \"drop\""), "\(outcome.text)")
  }
}
