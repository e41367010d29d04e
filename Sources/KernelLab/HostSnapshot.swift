public import Kernel
public import Snapshots
public import Wire
public import XTables

/// Takes a snapshot of this machine. Only reads.
public enum HostSnapshot {
  /// - Parameters:
  ///   - connectionLimit: the most connections to include.
  ///   - registry: the matches and targets of the rules.
  ///   - chains: the chains beside the rules.
  ///   - tables: the rules of these chains, as far as they are known.
  ///   - rules: returns a family's rules as iptables-save text: empty if there are none, nil if they are not wanted.
  /// - Returns: the snapshot. Failures, including those of `rules`, are recorded as gaps in it.
  public static func take(
    connectionLimit: Int, registry: Registry, chains: [BaseChain] = [], tables: [NativeTable] = [], rules: (Family) throws -> String?
  ) -> Snapshot {
    var reader = SnapshotReader(clock: HostClock.seconds, registry: registry)
    if let text = ask(.ip, ["-j", "-d", "addr"], &reader) { reader.read(links: text) }
    for family in Family.allCases {
      let option = family == .ipv4 ? "-4" : "-6"
      if let text = ask(.ip, ["-j", option, "route", "show", "table", "all"], &reader) { reader.read(routes: text, family) }
      if let text = ask(.ip, ["-j", option, "rule"], &reader) { reader.read(policy: text, family) }
    }
    if let text = ask(.ip, ["-j", "neigh"], &reader) { reader.read(neighbours: text) }
    for (family, names) in [(Family.ipv4, ("igmp", "mcfilter")), (.ipv6, ("igmp6", "mcfilter6"))] {
      let folder = "/proc/thread-self/net/"
      // A kernel without IPv6 does not have the second.
      guard family == .ipv4 || HostFile.exists(folder + names.0) else { continue }
      if let groups = file(folder + names.0, &reader) {
        reader.read(multicast: groups, filters: (try? HostFile.read(folder + names.1)) ?? "", family)
      }
    }
    reader.take(minutesWest: HostClock.minutesWest)
    for name in reader.sysctlNames { reader.read(sysctl: name, sysctl(name)) }
    for family in Family.allCases {
      do {
        reader.take(rules: try rules(family), family)
      } catch {
        reader.miss("the rules of \(family == .ipv4 ? "IPv4" : "IPv6"): \(error)")
      }
    }
    for chain in chains where !chain.isIdle && chain.families.isEmpty && chain.matters {
      reader.miss("what happens to packets in the \(chain.description): it does not see IP packets")
    }
    reader.take(chains: chains.filter { !$0.isIdle && !$0.families.isEmpty }.map { Snapshot.Chain($0) }, tables)
    readSets(registry, &reader)
    readSockets(&reader)
    if let text = file("/etc/passwd", &reader) { reader.read(names: text, areGroups: false) }
    if let text = file("/etc/group", &reader) { reader.read(names: text, areGroups: true) }
    readConnections(connectionLimit, &reader)
    return reader.snapshot
  }

  private static func ask(_ tool: SystemTool, _ arguments: [String], _ reader: inout SnapshotReader) -> String? {
    let command = ([tool.rawValue] + arguments).joined(separator: " ")
    do throws(KernelError) {
      let answer = try tool.run(arguments)
      if answer.status == 0 { return answer.output }
      reader.miss("the output of `\(command)': \(answer.output.oneLine)")
    } catch {
      reader.miss("the output of `\(command)': \(error)")
    }
    return nil
  }

  private static func file(_ path: String, _ reader: inout SnapshotReader) -> String? {
    do throws(KernelError) {
      return try HostFile.read(path)
    } catch {
      reader.miss("\(path): \(error)")
      return nil
    }
  }

  /// A dot in an interface name becomes a slash in the sysctl's path.
  private static func sysctl(_ name: String) -> String? {
    try? HostFile.read("/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 }))
  }

  private static func readSockets(_ reader: inout SnapshotReader) {
    do throws(KernelError) {
      let sockets = try ListeningSocket.all()
      reader.read(sockets: sockets.map { Snapshot.Socket($0) })
    } catch {
      // A kernel without `inet_diag`.
      for (proto, path) in [("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6")] {
        if let text = file("/proc/thread-self/net/\(path)", &reader) { reader.read(sockets: text, proto) }
      }
      reader.miss("the interfaces that sockets are bound to, and which are for IPv6 only: \(error)")
    }
  }

  /// Sets are needed only if rules use them.
  private static func readSets(_ registry: Registry, _ reader: inout SnapshotReader) {
    let rules = [reader.snapshot.rules, reader.snapshot.rules6].compactMap(\.self)
    let options = registry.optionNames(of: .set)
    guard rules.contains(where: { text in options.contains { text.contains($0) } }) else { return }
    if let text = ask(.ipset, ["save"], &reader), !text.isEmpty { reader.take(ipsets: text) }
  }

  private static func readConnections(_ limit: Int, _ reader: inout SnapshotReader) {
    guard limit > 0, HostFile.exists("/proc/sys/net/netfilter/nf_conntrack_count") else { return }
    do throws(KernelError) {
      var socket = try NetlinkSocket(.netfilter)
      reader.read(connections: try ConntrackListener.walk(&socket), limit: limit)
    } catch {
      reader.miss("the tracked connections: \(error)")
    }
  }
}

extension Snapshot.Socket {
  fileprivate init(_ socket: ListeningSocket) {
    self.init(
      proto: "\(socket.proto)", port: socket.port, address: SnapshotReader.text(socket.address, isIPv6Only: socket.isIPv6Only),
      uid: socket.uid, device: socket.device, isIPv6Only: socket.isIPv6Only)
  }
}

extension Snapshot.Chain {
  fileprivate init(_ chain: BaseChain) {
    self.init(
      holder: chain.holder.rawValue, family: chain.family, table: chain.table, name: chain.name, hook: chain.hook, priority: chain.priority,
      type: chain.type, drops: chain.drops, rules: chain.rules,
      effects: (chain.mayDrop ? ["drop"] : []) + (chain.mayChange ? ["change"] : []), devices: chain.devices)
  }
}
