import ArgumentParser
import Capture
import Diagnostics
import Evaluator
import Kernel
import Linter
import Notation
import Snapshots
import Suites
import Syntax
import SystemNames
import Wire
import XTables

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs packets through a ruleset and says what becomes of them.",
    discussion: """
      Each packet's way is printed: the hooks, every rule that matched, and the verdict with the rule that gave it. What cannot be \
      known is said to be unknown, with what is missing.

      A PACKET IS ONE LINE
        eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S
        eth0 icmp 10.0.0.9 > 10.0.0.1 echo-request ttl=3
        local uid=1000 udp [2001:db8::1]:53 > [2001:db8::2]:53 payload="query"
        eth1 icmp 10.0.1.9 > 10.0.0.9 3/3 [udp 10.0.0.9:1000 > 10.0.1.9:53]
        eth0 hex 4500002c…
        wait 30
        eth0 tcp 10.0.0.9:1001 > 10.0.1.9:22 S => drop FORWARD
      First the interface it arrives on, or `local' for a process of this host. Behind `=>' stands what is expected: accept, \
      sent [IFACE], local, drop [HOOK], reject, queue [N], lost, absorbed, refused, unknown.

      EXIT STATUS
        0 as expected, or nothing was; 1 another verdict than expected; 2 bad input

      EXAMPLES
        ferrule run --host host.yaml rules.v4 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule run --host host.yaml --packets packets.txt rules.v4
        ferrule run --this-host --pcap dump.pcapng --in eth0 --brief rules.v4
        conntrack -L | ferrule run --this-host --conntrack-from - rules.v4 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 A'
        ipset save | ferrule run --this-host --ipset - rules.v4 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule run --host snapshot.yaml 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions
  @OptionGroup var hosts: HostOptions
  @OptionGroup var world: WorldOptions

  @Argument(
    help: ArgumentHelp(
      "A file of iptables-save text (- is standard input), then packets, one an argument. Where the host is a snapshot, its own rules may take the file's place.",
      valueName: "file packet"),
    completion: .file())
  var arguments: [String] = []

  @Option(name: .customLong("also"), help: "Another ruleset, such as that of the other family.", completion: .file())
  var also: [String] = []

  @Option(name: .customLong("packets"), help: "A file of packets, one a line; - is standard input.", completion: .file())
  var packetFiles: [String] = []

  @Option(help: "A capture (pcap or pcapng), whose packets arrive at the interface of --in.", completion: .file())
  var pcap: [String] = []

  @Option(name: .customLong("in"), help: "The interface at which the packets of --pcap arrive.")
  var input: String?

  @Option(help: "The verdict that every packet without a `=>' of its own shall have.")
  var expect: String?

  @Flag(help: "Print only the verdicts, a line for each packet.")
  var brief = false

  @Flag(help: "List the connections after each packet, of a capture after the last, as `conntrack -L -o extended' does.")
  var conntrack = false

  @Option(
    help: "Connections that there are before the first packet: what `conntrack -L' printed, or /proc/net/nf_conntrack.", completion: .file()
  )
  var conntrackFrom: String?

  @Flag(help: "Let sockets take what is for this host, and the host answer; else it stays silent.")
  var stack = false

  @Option(help: "Everything that is left to chance follows from this number.")
  var seed: UInt64 = 1

  @Option(help: "How to print: json is one value, jsonl one object a packet on a line of its own.")
  var format = RunFormat.text

  @OptionGroup var output: ColourOptions

  func validate() throws {
    if base.noflush, base.base == nil { throw ValidationError("--noflush needs --base: the rules that are loaded already.") }
    if !pcap.isEmpty, input == nil { throw ValidationError("--pcap needs --in: the interface at which the packets arrive.") }
    if arguments.isEmpty, packetFiles.isEmpty, pcap.isEmpty {
      throw ValidationError("Give a packet: as an argument, by --packets or by --pcap.")
    }
  }

  func run() throws {
    let snapshot = try hosts.snapshot(output.colour)
    // With a snapshot the ruleset argument is optional: the first argument is a file if it is `-` or names an existing file, else a packet.
    let hasFile = arguments.first.map { snapshot == nil || $0 == "-" || HostFile.exists($0) } ?? (snapshot == nil)
    guard !hasFile || !arguments.isEmpty else { throw CommandFailure("Name a ruleset, or a snapshot that has one.") }
    if world.ipset != nil, snapshot != nil {
      throw CommandFailure("The snapshot has sets of its own: change them there, or leave --ipset out.")
    }
    let clock: UInt64 = 1_700_000_000_000_000_000
    let sets = try world.sets(now: clock)
    let names = sets?.names(over: .offline) ?? .offline
    var rulesets: [ParsedRuleset] = []
    for path in arguments.prefix(hasFile ? 1 : 0) {
      rulesets.append(try RulesetInput.sound(path, families, base, output.colour, for: .reading(names: names)))
    }
    for path in also { rulesets.append(try RulesetInput.sound(path, families, BaseOptions(), output.colour, for: .reading(names: names))) }
    let expected = try expect.map { text in
      do { return try VerdictPattern(text) } catch let error as VerdictPattern.Malformed {
        throw CommandFailure("--expect: \(error.message)")
      }
    }
    let packets = Array(arguments.dropFirst(hasFile ? 1 : 0))
    if packets.isEmpty, packetFiles.isEmpty, pcap.isEmpty {
      throw CommandFailure("Give a packet: as an argument, by --packets or by --pcap.")
    }
    let lines = try PacketInput(arguments: packets, files: packetFiles, output.colour)
    var files: [Family: SourceFile] = [:]
    for ruleset in snapshot?.rulesets ?? [] { files[ruleset.family] = ruleset.file }
    for ruleset in rulesets { files[ruleset.ruleset.family] = ruleset.file }
    var printer = RunPrinter(files: files, format: format, isBrief: brief)
    let simulator =
      try snapshot?.simulator
      ?? Simulator(
        host: try hosts.read(arrivals: lines.arrivals + (input.map { [$0] } ?? []), output.colour),
        clock: clock, seed: seed)
    if snapshot != nil { try hosts.setSysctls(of: simulator.host, output.colour) }
    if let sets { simulator.world.addressSets = sets }
    try world.enterFingerprints(into: simulator)
    let loaded = try hasFile ? base.ruleset(families, beside: arguments[0], output.colour, names: names) : nil
    for (index, ruleset) in rulesets.enumerated() { try simulator.load(ruleset.ruleset.completed(from: index == 0 ? loaded : nil)) }
    simulator.delivery = stack ? .stack : .sink
    simulator.extent = printer.extent
    if let conntrackFrom { try ConnectionInput.restore(conntrackFrom, into: simulator, output.colour) }
    try play(lines, in: simulator, expected, &printer)
    if printer.unknowns > 0, !hosts.isGiven {
      Console.complain("what depends on the host's addresses and routes is unknown; describe them with --host, see `ferrule run --help'")
    }
    if printer.surprises > 0 { throw ExitStatus.findings.code }
  }

  private func play(
    _ lines: PacketInput, in simulator: Simulator, _ expected: VerdictPattern?, _ printer: inout RunPrinter
  ) throws {
    var runner = PacketRunner(simulator)
    try lines.each { line in
      guard let report = try runner.play(line.step) else { return }
      try printer.print(line.text, report, line.expected ?? expected, conntrack ? simulator : nil)
    }
    for path in pcap {
      try PacketInput.eachFrame(of: path) { packet, nanoseconds in
        simulator.advance(nanoseconds: nanoseconds)
        let report = runner.receive(packet, on: input ?? "")
        try printer.print("\(input ?? "") \(packet.brief)", report, expected)
      }
    }
    try printer.finish(conntrack ? simulator : nil, lists: !pcap.isEmpty)
  }
}
