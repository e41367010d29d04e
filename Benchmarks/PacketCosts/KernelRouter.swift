import Glibc
import Measuring
import PacketLoads
import TunDevice

/// The running kernel as the router of `MixedRules`, in a network namespace that this process has made for itself.
///
/// A packet is written to a TUN device, and the write returns when the kernel has forwarded it to another one, which nobody reads and which discards it: the processor time of
/// the writes is that of the packets. Packets from a second device pass the first rule and meet no other.
final class KernelRouter {
  /// Why the kernel cannot be measured.
  struct Failure: Error { let reason: String }

  private let ruled: CInt
  private let bare: CInt
  private let output: CInt
  private let packets: [[UInt8]]

  /// Makes the namespace. From then on the process has no other network.
  ///
  /// - Parameter packets: in turns written to the devices.
  init(packets: [[UInt8]]) throws {
    guard geteuid() == 0 else { throw Failure(reason: "this is not root") }
    let error = own_network()
    guard error == 0 else { throw Failure(reason: "a network namespace cannot be made: \(String(cString: strerror(error)))") }
    self.packets = packets
    // The lock that others wait for is that of all namespaces.
    setenv("XTABLES_LOCKFILE", "/tmp/ferrule-bench-xtables.lock", 1)
    ruled = tun_open("eth0")
    bare = tun_open("bare0")
    output = tun_open("eth1")
    let worst = min(ruled, bare, output)
    guard worst >= 0 else { throw Failure(reason: "a TUN device cannot be made: \(String(cString: strerror(-worst)))") }
    try Self.run([
      "sh", "-c",
      """
      set -e
      for name in all default eth0 bare0; do echo 0 > /proc/sys/net/ipv4/conf/$name/rp_filter; done
      echo 1 > /proc/sys/net/ipv4/ip_forward
      tc qdisc replace dev eth1 root noqueue
      for name in lo eth0 eth1 bare0; do ip link set $name up; done
      ip address add 192.0.2.1/24 dev eth0
      ip address add 198.51.100.1/24 dev eth1
      """,
    ])
  }

  /// Loads rules in front of which packets of the second device leave the chain.
  ///
  /// - Parameter count: the number of rules that do not match.
  func load(rules count: Int) throws {
    var path = Array("/tmp/ferrule-rules-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0, let file = fdopen(descriptor, "w") else { throw Failure(reason: "no temporary file can be made") }
    fputs(MixedRules.text(rules: count, before: "-A FORWARD -i bare0 -j ACCEPT\n"), file)
    fclose(file)
    let name = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(name) }
    try Self.run(["iptables-legacy-restore", name])
    let before = try forwarded()
    pass(packets: 64, isRuled: true)
    pass(packets: 64, isRuled: false)
    guard try forwarded() - before == 128 else { throw Failure(reason: "the kernel does not forward the packets") }
  }

  /// Passes packets along all rules, or past the first one.
  func pass(packets count: Int, isRuled: Bool) {
    let device = isRuled ? ruled : bare
    for number in 0..<count {
      let packet = packets[number % packets.count]
      let written = packet.withUnsafeBytes { write(device, $0.baseAddress, $0.count) }
      precondition(written == packet.count, "the TUN device takes no packet")
    }
  }

  /// How many packets the kernel has forwarded.
  private func forwarded() throws -> Int {
    guard let file = fopen("/proc/self/net/snmp", "r") else { throw Failure(reason: "/proc/self/net/snmp cannot be read") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    var rows: [[Substring]] = []
    while fgets(&line, Int32(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
      if words.first == "Ip:" { rows.append(words) }
    }
    guard rows.count == 2, let column = rows[0].firstIndex(of: "ForwDatagrams"), rows[1].indices.contains(column),
      let count = Int(rows[1][column])
    else { throw Failure(reason: "/proc/self/net/snmp does not count forwarded packets") }
    return count
  }

  private static func run(_ words: [String]) throws {
    // env ends with 127 where a program is not installed.
    let status = Child(["env"] + words).status
    guard status == 0 else { throw Failure(reason: "\(words[0]) \(status == 127 << 8 ? "is not installed" : "fails")") }
  }
}
