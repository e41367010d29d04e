import ArgumentParser
import Diagnostics
import Kernel
import KernelLab
import Snapshots

struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Writes down this machine, as far as packets are concerned, for dry runs elsewhere.",
    discussion: """
      Gathers rules of both families, ipsets that they look into, interfaces, addresses, routes, routing rules, switches, listening \
      sockets, the users that owner matches name, and connections. Nothing is changed. The document on standard output is what \
      `ferrule run --host' reads, and what a scenario file names as its `snapshot'. What could not be had is said in it, and on \
      standard error. It takes root to read the rules.

      With --redact addresses are others: networks remain networks, private addresses private ones. Chains, sets, lists and log \
      prefixes get numbers, remarks and users' names go. Names of interfaces and numbers of users stay.

      EXAMPLES
        sudo ferrule snapshot > host.yaml
        sudo ferrule snapshot --redact > for-the-bug-report.yaml
        ferrule run --host host.yaml 'eth0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S'
      """)

  @Flag(help: "Put other addresses and names in the place of the true ones.")
  var redact = false

  @Option(help: "Write no more connections of conntrack's than so many.")
  var connections = 1000

  func validate() throws {
    if connections < 0 { throw ValidationError("--connections is no negative number.") }
  }

  func run() throws {
    var snapshot = HostSnapshot.take(connectionLimit: connections, registry: .installed) { family in
      let text = try KernelRules(family).text(counters: false)
      return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
    if redact { snapshot = snapshot.redacted(key: (.random(in: 0...UInt64.max), .random(in: 0...UInt64.max)), registry: .installed) }
    for gap in snapshot.gaps { Console.complain("not in the snapshot: \(gap)") }
    try Console.print(snapshot.document)
  }
}
