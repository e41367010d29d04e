import ArgumentParser
import Diagnostics
import Kernel
import Snapshots

struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Prints the rules and the network state of this machine as YAML, for dry runs elsewhere.",
    discussion: """
      Contains the rules of both families, the chains at hooks beside them (other tables of nf_tables, the other variant of iptables), the IP sets that they use, interfaces, addresses, routes, routing rules, neighbours, sysctls, \
      listening sockets, the time zone, the users named by owner matches, and tracked connections. Changes nothing. The output is a file for \
      `ferrule run --host' and for `snapshot' in scenario files. Data that cannot be read is listed in the output and on standard \
      error. Needs root to read the rules.

      --redact anonymises the output: addresses are replaced so that networks stay networks and private addresses stay private. \
      Chains, sets, lists and log prefixes are renamed to numbers; comments and user names are removed. Interface names and user \
      IDs are kept.

      EXIT STATUS
        0  success, also if some data could not be read
        2  an error on the command line
        3  both variants of iptables hold rules: choose one with --backend

      EXAMPLES
        sudo ferrule snapshot > host.yaml
        sudo ferrule snapshot --redact > for-the-bug-report.yaml
        ferrule run --host host.yaml \\
          'eth0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S'
      """)

  @Flag(help: "Anonymise addresses and names.")
  var redact = false

  @Option(help: "The maximum number of tracked connections to include.")
  var connections = 1000

  @OptionGroup var backend: BackendOptions

  func validate() throws {
    if connections < 0 { throw ValidationError("--connections must not be negative.") }
  }

  func run() throws {
    var snapshot = try backend.snapshot(connectionLimit: connections, includesRules: true)
    if redact { snapshot = snapshot.redacted(key: (.random(in: 0...UInt64.max), .random(in: 0...UInt64.max)), registry: .installed) }
    for gap in snapshot.gaps { Console.complain("not in the snapshot: \(gap)") }
    try Console.print(snapshot.document)
  }
}
