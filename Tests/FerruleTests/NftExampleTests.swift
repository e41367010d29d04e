import Foundation
import Kernel
import TestSupport
import Testing

/// The machines of `Examples/nf-tables`: what Ferrule says about each is as recorded.
@Suite(
  .asRoot, .needsTool("nft"), .needsTool("iptables-nft"), .needsTool("iptables-legacy"),
  .enabled("the installed iptables is NOT the variant for nf_tables") { Backend.installed == .nft }
) struct NftExampleTests {
  private static let folder = BuiltCommand.root.appending(path: "Examples/nf-tables")
  static let machines: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".setup") }.map { String($0.dropLast(6)) }.sorted()
  }()

  @Test func theMachinesAreFound() { #expect(Self.machines.count == 5) }

  /// The same interfaces, addresses and settings on every machine.
  private static let network = """
    echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
    echo 1 > /proc/sys/net/ipv4/ip_forward; ip link set lo up
    for name in eth0 docker0; do ip link add $name type veth peer name $name-peer; ip link set $name up; ip link set $name-peer up; done
    ip addr add 198.51.100.1/24 dev eth0; ip addr add 172.17.0.1/16 dev docker0
    """

  /// The commands of a transcript. What depends on the machine is cut out: installed programs, settings, and remarks on both.
  private static let commands = [
    "ferrule doctor | sed '/^Commands/,/^  net.netfilter.nf_conntrack_tcp_loose/d; /but the installed iptables/d'",
    "ferrule save", "ferrule save --backend nft", "ferrule snapshot | sed -n '/^  backend:/,$p'",
    "for port in 22 25 8080; do ferrule run --this-host --brief \"eth0 tcp 198.51.100.7:1000 > 198.51.100.1:$port S\" 2>&1 | tail -1; done",
    "ferrule apply new.rules", "ferrule apply --backend nft new.rules", "nft list tables",
  ]

  @Test(arguments: machines) func theTranscriptIsAsRecorded(_ machine: String) throws {
    var script = "set -e\n\(Self.network)\n. ./\(machine).setup\nset +e\n"
    for command in Self.commands {
      let quoted = command.replacing("'", with: "'\\''")
      script +=
        "printf '%s\\n' '$ \(quoted)'; bash -o pipefail -c '\(quoted)'; status=$?; [ $status = 0 ] || echo \"(exit status $status)\"\n"
    }
    let outcome = try BuiltCommand.shell("exec unshare -n bash -c '\(script.replacing("'", with: "'\\''"))'", in: Self.folder)
    let file = Self.folder.appending(path: "\(machine).transcript")
    if ProcessInfo.processInfo.environment["FERRULE_RECORD"] == "1" {
      try outcome.text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try outcome.text == String(contentsOf: file, encoding: .utf8))
  }
}
