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

  @Option(help: "The host's neighbours: what `ip neigh' printed, also with -j.", completion: .file())
  var ipNeigh: [String] = []

  @Option(help: "The host's listening sockets: what `ss -tuln' printed.", completion: .file())
  var ss: [String] = []

  @Option(
    help: "A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a' printed; the option can be repeated.", completion: .file())
  var sysctl: [String] = []

  @Option(help: "The host's time zone, on which `-m time --kerneltz' depends: UTC, +01:00.")
  var timezone: String?

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
    for (name, isGiven) in [
      ("--ip-route", !ipRoute.isEmpty), ("--ip-rule", !ipRule.isEmpty), ("--ip-neigh", !ipNeigh.isEmpty), ("--ss", !ss.isEmpty),
    ]
    where isGiven && ipAddr == nil { throw ValidationError("\(name) needs --ip-addr.") }
  }

  var isGiven: Bool { host != nil || ipAddr != nil || thisHost }

  /// True if the host is a snapshot, which has rules of its own.
  func isSnapshot(_ cache: InputCache) throws -> Bool {
    try thisHost || host.map { SnapshotFile.isOne(try cache.source($0, upTo: Limits.documentBytes)) } ?? false
  }

  /// The machine that --host describes, or --this-host; nil without either.
  ///
  /// - Parameters:
  ///   - includesRules: true if --this-host is to have the rules that are loaded.
  ///   - world: states the time and the seed.
  func machine(_ colour: ColourChoice, includesRules: Bool, _ world: WorldOptions, _ cache: InputCache) throws -> SnapshotFile? {
    if thisHost { return try ofThisHost(colour, includesRules: includesRules, seed: world.seed, cache) }
    guard let host else { return nil }
    let source = try cache.source(host, upTo: Limits.documentBytes)
    let clock = try world.start().map { Double($0) / 1e9 }
    return try Self.understanding(source, colour) { (source) throws(ScenarioFileError) in
      try SnapshotFile(
        source, registry: .installed, names: .system, loader: access.loader(besides: host), clock: clock, seed: world.seed)
    }
  }

  private func ofThisHost(_ colour: ColourChoice, includesRules: Bool, seed: UInt64?, _ cache: InputCache) throws -> SnapshotFile {
    let source = try cache.source(named: "this host") {
      let snapshot = try backend.snapshot(connectionLimit: 0, includesRules: includesRules)
      for gap in snapshot.gaps { Console.complain("not known of this host: \(gap)") }
      guard !snapshot.interfaces.isEmpty else { throw CommandFailure("--this-host: the interfaces of this machine cannot be read.") }
      return Array(snapshot.document.utf8)
    }
    return try Self.understanding(source, colour) {
      (source) throws(ScenarioFileError) in
      try SnapshotFile(source, registry: .installed, names: .system, loader: .none, seed: seed)
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

  /// The host of --ip-addr and the options beside it, with the sysctls that are given. Without --ip-addr it has only the interfaces on
  /// which packets arrive.
  func read(arrivals: [String], _ colour: ColourChoice, _ cache: InputCache) throws -> Host {
    let host = try described(arrivals: arrivals, colour, cache)
    try state(on: host, colour, cache)
    return host
  }

  /// States the sysctls of --sysctl and the time zone.
  func state(on host: Host, _ colour: ColourChoice, _ cache: InputCache) throws {
    if let timezone {
      guard let minutes = HostTimeZone(timezone)?.minutesWest else {
        throw CommandFailure("--timezone \(timezone): write UTC, +01:00 or -05:30")
      }
      host.minutesWest = minutes
    }
    for text in sysctl {
      let parts = text.split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0].contains("."), !HostFile.exists(text) {
        guard host.sysctls.assign(parts[0].filter { $0 != " " }, parts[1].filter { $0 != " " }) else {
          throw CommandFailure("--sysctl \(text): `\(parts[1])' is no number")
        }
        continue
      }
      let file = try cache.source(text, upTo: Limits.documentBytes)
      try Self.understanding(file, colour) { (file) throws(ScenarioFileError) in try host.setSysctls(ofListing: file) }
    }
  }

  private func described(arrivals: [String], _ colour: ColourChoice, _ cache: InputCache) throws -> Host {
    func document(_ path: String) throws -> SourceFile { try cache.source(path, upTo: Limits.documentBytes) }
    if let ipAddr {
      let host = try Self.host(addresses: try document(ipAddr), routes: try ipRoute.map { try document($0) }, colour)
      for path in ipRule {
        try Self.understanding(try document(path), colour) { (file) throws(ScenarioFileError) in try host.addRules(ofListing: file) }
      }
      for path in ipNeigh {
        try Self.understanding(try document(path), colour) { (file) throws(ScenarioFileError) in try host.addNeighbours(ofListing: file) }
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
