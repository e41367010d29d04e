import ArgumentParser
import Diagnostics
import Documents
import Evaluator
import Kernel
import Scenarios
import Snapshots
import Suites

/// The simulated host.
struct HostOptions: ParsableArguments {
  @Option(
    help:
      "The simulated host: a YAML file with its interfaces, addresses, routes, sysctls and sockets, or the output of `ferrule snapshot'.",
    completion: .file(extensions: ["yaml", "yml"]))
  var host: String?

  @Option(help: "What `ip addr' printed, or `ip -j addr', instead of --host.", completion: .file())
  var ipAddr: String?

  @Option(help: "What `ip route' printed, also with -j (and `ip -6 route': the option can be repeated).", completion: .file())
  var ipRoute: [String] = []

  @Option(help: "What `ip rule' printed, also with -j (and `ip -6 rule': the option can be repeated).", completion: .file())
  var ipRule: [String] = []

  @Option(help: "The host's listening sockets: what `ss -tuln' printed.", completion: .file())
  var ss: [String] = []

  @Option(
    help: "A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a' printed; the option can be repeated.", completion: .file())
  var sysctl: [String] = []

  @Flag(
    help:
      "Instead of --host: this machine, as `ferrule snapshot' describes it, with its sysctls, routing rules, neighbours, sockets and time zone; without a ruleset file also with its rules and sets."
  )
  var thisHost = false

  @OptionGroup var backend: BackendOptions
  @OptionGroup var access: AccessOptions

  func validate() throws {
    if [host != nil, ipAddr != nil, thisHost].count(where: { $0 }) > 1 {
      throw ValidationError("--host, --ip-addr and --this-host exclude each other.")
    }
    for (name, isGiven) in [("--ip-route", !ipRoute.isEmpty), ("--ip-rule", !ipRule.isEmpty), ("--ss", !ss.isEmpty)]
    where isGiven && ipAddr == nil { throw ValidationError("\(name) needs --ip-addr.") }
  }

  var isGiven: Bool { host != nil || ipAddr != nil || thisHost }

  /// The snapshot that --host names, or that --this-host takes; nil for another kind of host.
  ///
  /// - Parameter includesRules: true if --this-host is to have the rules that are loaded.
  func snapshot(_ colour: ColourChoice, includesRules: Bool) throws -> SnapshotFile? {
    if thisHost { return try ofThisHost(colour, includesRules: includesRules) }
    guard let host else { return nil }
    let source = try RulesetInput.source(host, upTo: Limits.documentBytes)
    guard SnapshotFile.isOne(source) else { return nil }
    return try Self.understanding(source, colour) { (source) throws(ScenarioFileError) in
      try SnapshotFile(source, registry: .installed, names: .system, loader: access.loader(besides: host))
    }
  }

  private func ofThisHost(_ colour: ColourChoice, includesRules: Bool) throws -> SnapshotFile {
    let snapshot = try backend.snapshot(connectionLimit: 0, includesRules: includesRules)
    for gap in snapshot.gaps { Console.complain("not known of this host: \(gap)") }
    guard !snapshot.interfaces.isEmpty else { throw CommandFailure("--this-host: the interfaces of this machine cannot be read.") }
    return try Self.understanding(SourceFile(name: "this host", bytes: Array(snapshot.document.utf8)), colour) {
      (source) throws(ScenarioFileError) in
      try SnapshotFile(source, registry: .installed, names: .system, loader: .none)
    }
  }

  /// Parses a file. Reports an error with its location and ends the command.
  private static func understanding<Result>(
    _ source: SourceFile, _ colour: ColourChoice, _ read: (SourceFile) throws(ScenarioFileError) -> Result
  ) throws -> Result {
    do throws(ScenarioFileError) {
      return try read(source)
    } catch {
      Console.report([error.diagnostic], in: error.shown(source), colour)
      throw ExitStatus.badInput.code
    }
  }

  /// The described host, with the sysctls that are given besides. Without a description it has only the interfaces on which packets
  /// arrive.
  func read(arrivals: [String], _ colour: ColourChoice) throws -> Host {
    let host = try described(arrivals: arrivals, colour)
    try setSysctls(of: host, colour)
    return host
  }

  /// Sets the sysctls of --sysctl.
  func setSysctls(of host: Host, _ colour: ColourChoice) throws {
    for text in sysctl {
      let parts = text.split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0].contains("."), !HostFile.exists(text) {
        guard host.sysctls.assign(parts[0].filter { $0 != " " }, parts[1].filter { $0 != " " }) else {
          throw CommandFailure("--sysctl \(text): `\(parts[1])' is no number")
        }
        continue
      }
      let file = try RulesetInput.source(text, upTo: Limits.documentBytes)
      try Self.understanding(file, colour) { (file) throws(ScenarioFileError) in try host.setSysctls(ofListing: file) }
    }
  }

  private func described(arrivals: [String], _ colour: ColourChoice) throws -> Host {
    func document(_ path: String) throws -> SourceFile { try RulesetInput.source(path, upTo: Limits.documentBytes) }
    if let host {
      return try Self.understanding(try document(host), colour) { (source) throws(ScenarioFileError) in try Host(yaml: source) }
    }
    if let ipAddr {
      let host = try Self.host(addresses: try document(ipAddr), routes: try ipRoute.map { try document($0) }, colour)
      for path in ipRule {
        try Self.understanding(try document(path), colour) { (file) throws(ScenarioFileError) in try host.addRules(ofListing: file) }
      }
      for path in ss {
        try Self.understanding(try document(path), colour) { (file) throws(ScenarioFileError) in try host.addSockets(ofListing: file) }
      }
      return host
    }
    return Host(interfaces: arrivals)
  }

  private static func host(addresses: SourceFile, routes: [SourceFile], _ colour: ColourChoice) throws -> Host {
    let host = try understanding(addresses, colour) { (source) throws(ScenarioFileError) in try Host(addressListing: source) }
    for listing in routes {
      try understanding(listing, colour) { (source) throws(ScenarioFileError) in try host.addRoutes(ofListing: source) }
    }
    return host
  }
}
