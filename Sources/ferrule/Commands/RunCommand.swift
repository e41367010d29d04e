import ArgumentParser
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
    commandName: "run", abstract: "Simulates packets through a ruleset and prints the path and the verdict of each.",
    discussion: """
      Prints for each packet the hooks that it passes, every rule that matched, and the verdict with the rule that gave it. If the \
      verdict depends on missing information, it is `unknown', and the output names what is missing and the option that states it. \
      Docs/Inputs.md lists them. The kernel is not used.

      A PACKET IS ONE LINE
        eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S
        eth0 icmp 10.0.0.9 > 10.0.0.1 echo-request ttl=3
        local uid=1000 udp [2001:db8::1]:53 > [2001:db8::2]:53 payload="query"
        eth1 icmp 10.0.1.9 > 10.0.0.9 3/3 [udp 10.0.0.9:1000 > 10.0.1.9:53]
        eth0 hex 4500002c…
        wait 30
        eth0 tcp 10.0.0.9:1001 > 10.0.1.9:22 S => drop FORWARD
      The first word is the interface on which the packet arrives, or `local' for a packet sent by a process of this host. \
      The MAC address of the sender (smac=) or the user (uid=, gid=), the control group (cgroup=, classid=) and the mark of the process \
      can follow. A payload in quotes can have the escapes \\r, \\n, \\t, \\0, \\\\, \\" and \\xNN. \
      `wait 30' advances the clock by 30 seconds. The expected verdict can follow `=>':
        accept        sent or delivered
        sent [IFACE]  sent through an interface
        local         delivered to this host
        drop [HOOK]   dropped by a rule, a policy or another operation at a hook
        reject        dropped, and the host sent an error or a reset
        queue [N]     held by the program that listens to an NFQUEUE queue
        lost          dropped between two hooks, for example for lack of a route
        absorbed      a fragment, held for reassembly
        refused       dropped before the first hook, for example as malformed
        unknown       undecided, because information is missing

      EXIT STATUS
        0  all verdicts are as expected, or none was given
        1  a packet has another verdict than expected
        2  bad input: an error in a file, in a packet or on the command line

      EXAMPLES
        ferrule run --host host.yaml rules.v4 \\
          'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule run --host host.yaml --packets packets.txt rules.v4
        ferrule run --this-host --pcap dump.pcapng --in eth0 --brief rules.v4
        ferrule run --host host.yaml --pcap any.pcap --in 2=lan,3=wan rules.v4
        conntrack -L | ferrule run --this-host --conntrack-from - rules.v4 \\
          'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 A'
        ipset save | ferrule run --this-host --ipset - rules.v4 \\
          'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule run --host snapshot.yaml 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions
  @OptionGroup var hosts: HostOptions
  @OptionGroup var world: WorldOptions

  @Argument(
    help: ArgumentHelp(
      "The ruleset in the format of iptables-save (- means standard input), then packets, one per argument. If --host is a snapshot with rules, the ruleset can be omitted.",
      valueName: "file packet"),
    completion: .file())
  var arguments: [String] = []

  @Option(name: .customLong("also"), help: "Another ruleset to load, usually that of the other family.", completion: .file())
  var also: [String] = []

  @Option(name: .customLong("packets"), help: "A file of packets, one per line; - means standard input.", completion: .file())
  var packetFiles: [String] = []

  @Option(help: "A capture file (pcap or pcapng). Its packets arrive on the interface of --in.", completion: .file())
  var pcap: [String] = []

  @Option(
    name: .customLong("in"),
    help:
      "The interface on which the packets of --pcap arrive; for a capture of several interfaces, a list such as 2=lan,3=wan (by index, Linux cooked version 2 or pcapng) or 10.0.0.0/8=lan,default=wan (by source)."
  )
  var input: String?

  @Option(help: "The expected verdict of every packet that has no `=>' of its own.")
  var expect: String?

  @Flag(help: "Print only the verdict, one line per packet.")
  var brief = false

  @Flag(help: "After each packet (for a capture: after the last), list the tracked connections like `conntrack -L -o extended'.")
  var conntrack = false

  @Option(
    help:
      "The connections that exist before the first packet: a file with the output of `conntrack -L' or a copy of /proc/net/nf_conntrack.",
    completion: .file()
  )
  var conntrackFrom: String?

  @Flag(help: "Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.")
  var stack = false

  @Option(help: "The output format. json: one value for all packets. jsonl: one JSON object per packet and line.")
  var format = RunFormat.text

  @OptionGroup var output: ColourOptions

  func validate() throws {
    if base.noflush, base.base == nil { throw ValidationError("--noflush needs --base: the rules that are loaded already.") }
    if !pcap.isEmpty, input == nil { throw ValidationError("--pcap needs --in, the interface on which the packets arrive.") }
    if arguments.isEmpty, packetFiles.isEmpty, pcap.isEmpty {
      throw ValidationError("Give a packet: as an argument, by --packets or by --pcap.")
    }
  }

  /// The clock of a run whose time is not known; what depends on the time is then unknown.
  private static let usualClock: UInt64 = 1_700_000_000_000_000_000

  func run() throws {
    // With a snapshot the ruleset argument is optional: the first argument is a file if it is `-` or names an existing file, else a packet.
    let namesFile = arguments.first.map { $0 == "-" || HostFile.exists($0) } ?? false
    let snapshot = try hosts.snapshot(output.colour, includesRules: !namesFile)
    let hasFile = namesFile || snapshot == nil
    try check(hasFile: hasFile, isSnapshot: snapshot != nil, takesSets: snapshot == nil || hosts.thisHost && namesFile)
    let captures = try CaptureInput(input)
    let lines = try PacketInput(arguments: Array(arguments.dropFirst(hasFile ? 1 : 0)), files: packetFiles, output.colour)
    if lines.isEmpty, pcap.isEmpty {
      throw CommandFailure("there is no packet in \(packetFiles.map { RulesetInput.name(of: $0) }.joined(separator: ", "))")
    }
    let host = try snapshot?.simulator.host ?? hosts.read(arrivals: lines.arrivals + captures.interfaces, output.colour)
    let start = try world.start() ?? host.clock
    let sets = try world.sets(now: start ?? Self.usualClock)
    let names = sets?.names(over: .offline) ?? .offline
    var rulesets: [ParsedRuleset] = []
    for path in arguments.prefix(hasFile ? 1 : 0) {
      rulesets.append(try RulesetInput.sound(path, families, base, output.colour, for: .reading(names: names)))
    }
    for path in also {
      rulesets.append(try RulesetInput.sound(path, families, try BaseOptions.parse([]), output.colour, for: .reading(names: names)))
    }
    let expected = try expect.map { text in
      do { return try VerdictPattern(text) } catch let error as VerdictPattern.Malformed {
        throw CommandFailure("--expect: \(error.message)")
      }
    }
    var files: [Family: SourceFile] = [:]
    for ruleset in snapshot?.rulesets ?? [] { files[ruleset.family] = ruleset.file }
    for ruleset in rulesets { files[ruleset.ruleset.family] = ruleset.file }
    var printer = RunPrinter(files: files, format: format, isBrief: brief)
    let simulator = try snapshot?.simulator ?? Simulator(host: host, clock: start ?? Self.usualClock, seed: world.seed ?? 1)
    if snapshot != nil { try hosts.setSysctls(of: host, output.colour) }
    if let sets { simulator.world.addressSets = sets }
    try world.enterFingerprints(into: simulator)
    let loaded = try hasFile ? base.ruleset(families, beside: arguments[0], output.colour, names: names) : nil
    for (index, ruleset) in rulesets.enumerated() { try simulator.load(ruleset.ruleset.completed(from: index == 0 ? loaded : nil)) }
    try world.settle(simulator, knowsClock: start != nil || snapshot != nil)
    if snapshot != nil, files.isEmpty {
      Console.complain("the snapshot has no rules; without root they cannot be read. All verdicts are unknown: give a ruleset file")
    }
    simulator.delivery = stack ? .stack : .sink
    simulator.extent = printer.extent
    if let conntrackFrom { try ConnectionInput.restore(conntrackFrom, into: simulator, output.colour) }
    let uses = simulator.world.memory.uses
    try play(lines, captures, in: simulator, expected, &printer)
    if snapshot == nil, simulator.world.memory.uses > uses {
      Console.complain("the limits, counters and lists of rules began empty, as after loading the rules")
    }
    if printer.surprises > 0 { throw ExitStatus.findings.code }
  }

  private func check(hasFile: Bool, isSnapshot: Bool, takesSets: Bool) throws {
    guard !hasFile || !arguments.isEmpty else { throw CommandFailure("Give a ruleset file, or a snapshot with rules by --host.") }
    if world.ipset != nil, !takesSets {
      throw CommandFailure("--ipset cannot be combined with a snapshot: change the sets in the snapshot instead.")
    }
    if world.clock != nil, isSnapshot { throw CommandFailure("--clock cannot be combined with a snapshot, which has a clock.") }
    if arguments.count == (hasFile ? 1 : 0), packetFiles.isEmpty, pcap.isEmpty {
      throw CommandFailure("Give a packet: as an argument, by --packets or by --pcap.")
    }
  }

  private func play(
    _ lines: PacketInput, _ captures: CaptureInput, in simulator: Simulator, _ expected: VerdictPattern?, _ printer: inout RunPrinter
  ) throws {
    var runner = PacketRunner(simulator, assumesDefaults: false)
    try lines.each { line in
      guard let report = try runner.play(line.step) else { return }
      try printer.print(line.text, report, line.expected ?? expected, conntrack ? simulator : nil)
    }
    for path in pcap {
      let sent = try captures.each(of: path, on: simulator.host) { packet, interface, nanoseconds in
        simulator.advance(nanoseconds: nanoseconds)
        let report = runner.receive(packet, on: interface)
        try printer.print("\(interface) \(packet.brief)", report, expected)
      }
      if sent > 0 { Console.complain("\(path): \(sent) frames were sent by the host itself and are not replayed") }
    }
    try printer.finish(conntrack ? simulator : nil, lists: !pcap.isEmpty)
  }
}
