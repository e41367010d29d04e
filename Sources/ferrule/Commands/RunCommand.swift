import ArgumentParser
import Diagnostics
import Documents
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
        ferrule run --host host.yaml --pcap lan=a.pcap --pcap wan=b.pcap --compare \\
          --summary rules.v4
        ferrule run --host host.yaml --pcap lan=a.pcap --summary --jobs 4 rules.v4
        ferrule run --host host.yaml --why 'DOCKER-USER 1' rules.v4 \\
          'eth0 tcp 198.51.100.7:40000 > 203.0.113.10:8080 S'
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

  @Option(
    help: "With --format jsonl: run the packets also through this ruleset, in a host of its own. The option can be repeated.",
    completion: .file())
  var each: [String] = []

  @Option(name: .customLong("packets"), help: "A file of packets, one per line; - means standard input.", completion: .file())
  var packetFiles: [String] = []

  @Option(
    help: ArgumentHelp(
      "A capture file (pcap or pcapng). Its packets arrive on the given interface, or on that of --in. The option can be repeated: the packets are played in the order of their times.",
      valueName: "[interface=]file"), completion: .file())
  var pcap: [String] = []

  @Option(
    name: .customLong("in"),
    help:
      "The interface on which the packets of --pcap arrive; for a capture of several interfaces, a list such as 2=lan,3=wan (by index, Linux cooked version 2 or pcapng) or 10.0.0.0/8=lan,default=wan (by source)."
  )
  var input: String?

  @Option(help: "The expected verdict of every packet that has no `=>' of its own.")
  var expect: String?

  @Flag(
    help:
      "Compare the frames that the host of the captures sent with those that Ferrule sends. Frames that the host sent by itself are replayed as local packets. Differences that vanish with another --tick-phase are by timing."
  )
  var compare = false

  @Option(
    help: "Also compare with a listing made after the packets: what `iptables-save -c' or `conntrack -L' printed.", completion: .file())
  var compareWith: [String] = []

  @Flag(help: "Print the totals by verdict, rule and connection instead of the packets.")
  var summary = false

  @Option(
    help: ArgumentHelp(
      "Tell for each packet whether this rule matched, and if not, why: `filter INPUT 3', `INPUT 3', `INPUT policy', `comment TEXT' or `line N'. The option can be repeated.",
      valueName: "rule"))
  var why: [String] = []

  @Flag(
    help:
      "Follow every outcome of a packet: each decision of `-m statistic' and of a fact that was not given both ways, with the probability. Packets before it in the list take their first outcome."
  )
  var allOutcomes = false

  @Flag(help: "Print only the verdict, one line per packet.")
  var brief = false

  @Option(
    help: ArgumentHelp(
      "With --pcap and --brief or --summary: carry the packets in N threads, each those between some of the hosts. If rules, host or packets make hosts depend on each other, the reason is printed and one thread carries all. The result is the same.",
      valueName: "N"))
  var jobs = 1

  @Flag(
    help:
      "After each packet (for a capture: after the last), list the tracked connections like `conntrack -L -o extended', and the expected ones like `conntrack -L expect'."
  )
  var conntrack = false

  @Option(
    help:
      "The connections that exist before the first packet: a file with the output of `conntrack -L' or a copy of /proc/net/nf_conntrack.",
    completion: .file()
  )
  var conntrackFrom: String?

  @Flag(help: "Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.")
  var stack = false

  @Option(
    help: "The output format. json: one value for all packets. jsonl: one JSON object per packet and line (Grammar/results.schema.json).")
  var format = RunFormat.text

  @OptionGroup var output: ColourOptions

  func validate() throws {
    if base.noflush, base.base == nil { throw ValidationError("--noflush needs --base: the rules that are loaded already.") }
    if pcap.isEmpty, compare { throw ValidationError("--compare needs --pcap.") }
    if !compareWith.isEmpty, !compare { throw ValidationError("--compare-with needs --compare.") }
    if allOutcomes, !pcap.isEmpty { throw ValidationError("--all-outcomes follows packets of --packets and arguments, not of --pcap.") }
    if allOutcomes, world.seed != nil { throw ValidationError("--all-outcomes and --seed exclude each other.") }
    if !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256.") }
    if jobs > 1, pcap.isEmpty || !(brief || summary) { throw ValidationError("--jobs needs --pcap, and --brief or --summary.") }
    if !each.isEmpty, format != .jsonl { throw ValidationError("--each needs --format jsonl.") }
    if arguments.isEmpty, packetFiles.isEmpty, pcap.isEmpty {
      throw ValidationError("Give a packet: as an argument, by --packets or by --pcap.")
    }
  }

  func run() throws {
    guard !each.isEmpty else { return try play() }
    var worst = ExitStatus.fine
    for file in arguments.prefix(1) + each {
      var one = self
      one.arguments = [file] + arguments.dropFirst()
      try FleetOptions.withLines("run", [file], &worst) { try one.play() }
    }
    try worst.leave()
  }

  private func play() throws {
    let cache = InputCache()
    let captures = try CaptureInput(pcap, input)
    // With a snapshot the ruleset argument is optional: the first argument is a file if it is `-` or names an existing file, else a packet.
    let hasFile = try arguments.first.map { $0 == "-" || HostFile.exists($0) } == true || !hosts.isSnapshot(cache)
    try check(hasFile: hasFile)
    // Packets are read before the world: without a description, the host has the interfaces on which they arrive.
    let lines = try PacketInput(arguments: Array(arguments.dropFirst(hasFile ? 1 : 0)), files: packetFiles, output.colour)
    if lines.isEmpty, pcap.isEmpty {
      throw CommandFailure("there is no packet in \(packetFiles.map { RulesetInput.name(of: $0) }.joined(separator: ", "))")
    }
    let world = try RunWorld(self, hasFile: hasFile, arrivals: lines.arrivals + captures.interfaces, cache)
    let expected = try expect.map { text in
      do { return try VerdictPattern(text) } catch let error as VerdictPattern.Malformed {
        throw CommandFailure("--expect: \(error.message)")
      }
    }
    try play(lines, captures, in: world, expected, cache)
  }

  private func check(hasFile: Bool) throws {
    guard !hasFile || !arguments.isEmpty else { throw CommandFailure("Give a ruleset file, or a snapshot with rules by --host.") }
    if arguments.count == (hasFile ? 1 : 0), packetFiles.isEmpty, pcap.isEmpty {
      throw CommandFailure("Give a packet: as an argument, by --packets or by --pcap.")
    }
  }

  private func play(
    _ lines: PacketInput, _ captures: CaptureInput, in world: RunWorld, _ expected: VerdictPattern?, _ cache: InputCache
  ) throws {
    let isGathered = captures.isAtHand && !packetFiles.contains("-") && !ProcessStream.output.isTerminal
    let style = RunPrinter.Style(
      format: format, isBrief: brief, listsConnections: conntrack, isSummary: summary, isGathered: isGathered,
      isColoured: output.colour.isOn(for: .output))
    var printer = RunPrinter(files: world.files, style: style, questions: try world.questions(why))
    // After an error the results before it are still written.
    defer { try? printer.flush() }
    if allOutcomes {
      try playOutcomes(lines, in: world, expected, &printer)
    } else {
      let simulator = try world.simulator(isFirst: true)
      simulator.extent = printer.extent
      let uses = simulator.world.memory.uses
      var runner = PacketRunner(simulator, assumesDefaults: false)
      try lines.each { line in
        simulator.watches = printer.questions.flatMap { $0.watches }
        guard let (packet, report) = try runner.played(line.step) else { return }
        try printer.print(line.title, packet, report, line.expected ?? expected, simulator)
      }
      var replay = CaptureReplay(captures, compares: compare)
      var carried = CaptureReplay.Carried(simulator: simulator)
      if printer.printsNoPath, !compare, replay.canBeCarried(through: simulator.host) {
        let obstacle = lines.isEmpty ? printer.obstacleToJobs : "packets before those of the captures change the host"
        carried = try replay.carry(runner, expected, &printer, jobs: jobs, obstacle: obstacle) { [extent = printer.extent] in
          let other = try world.simulator(isFirst: false)
          other.extent = extent
          return other
        }
      } else {
        if jobs > 1 { replay.complain(ofOneJob: jobs, because: "the paths of the packets are recorded") }
        try replay.play(&runner) { title, packet, report in
          try printer.print(title(), packet, report, expected, simulator)
          simulator.watches = printer.questions.flatMap { $0.watches }
        }
      }
      try printer.flush()
      replay.complain()
      if compare { try conclude(&replay, simulator, world, cache) }
      try printer.finish(
        carried.simulator, lists: conntrack && !pcap.isEmpty, carried: carried.connections, compare ? replay.comparison : nil)
      if world.beginsEmpty, let last = carried.simulator, last.world.memory.uses > uses {
        Console.complain("the limits, counters and lists of rules began empty, as after loading the rules")
      }
      if replay.comparison.hasDifferences { throw ExitStatus.findings.code }
    }
    if printer.surprises > 0 { throw ExitStatus.findings.code }
  }

  /// Compares with the listings, and plays the captures again with other ticks of the kernel's clock if something differs.
  private func conclude(_ replay: inout CaptureReplay, _ simulator: Simulator, _ world: RunWorld, _ cache: InputCache) throws {
    let listings = try compareWith.map { try cache.source($0) }
    try replay.compare(with: listings, simulator, world.rulesets, families)
    guard replay.comparison.hasDifferences, self.world.tickPhase == nil else { return }
    // The kernel's tick is 4 ms.
    for phase in [UInt64(1_000_000), 2_000_000, 3_000_000] where replay.comparison.hasDifferences {
      let other = try world.simulator(isFirst: false)
      other.world.tickPhase = phase
      other.extent = .decider
      var runner = PacketRunner(other, assumesDefaults: false)
      var again = CaptureReplay(replay.captures, compares: true)
      try again.play(&runner) { _, _, _ in }
      try again.compare(with: listings, other, world.rulesets, families)
      replay.markTiming(notIn: again.comparison)
    }
  }

  /// Plays each packet once for each of its outcomes, after those before it.
  private func playOutcomes(_ lines: PacketInput, in world: RunWorld, _ expected: VerdictPattern?, _ printer: inout RunPrinter) throws {
    var earlier: [ScenarioStep] = []
    try lines.each { line in
      let outcomes = try RunOutcomes { branching in
        let simulator = try world.simulator(isFirst: earlier.isEmpty && branching.isFirst)
        simulator.extent = .decider
        simulator.world.branching = Branching()
        var runner = PacketRunner(simulator, assumesDefaults: false)
        for step in earlier { _ = try runner.played(step) }
        simulator.extent = printer.extent
        simulator.world.branching = branching
        simulator.watches = printer.questions.flatMap { $0.watches }
        guard let (packet, report) = try runner.played(line.step) else { return nil }
        return RunOutcomes.Played(packet: packet, report: report, simulator: simulator)
      }
      for (outcome, played) in outcomes.all {
        try printer.print(line.title, played.packet, played.report, line.expected ?? expected, played.simulator, outcome)
      }
      if outcomes.isCut { Console.complain("\(line.title): only the first \(Limits.outcomesOfPacket) outcomes were followed") }
      earlier.append(line.step)
    }
    try printer.finish(nil, lists: false)
  }
}

extension RunCommand: WorldArguments {}

extension PacketNotation.Line {
  /// The packet as it was written; one in hexadecimal is decoded.
  fileprivate var title: String {
    func decoded(_ place: String, _ spec: PacketSpec) -> String? {
      if case .bytes(let bytes) = spec.content { "\(place) \(Packet(bytes: bytes).brief)" } else { nil }
    }
    return switch step.action {
    case .receive(let frame): decoded(frame.interface, frame.packet) ?? text
    case .local(_, let spec): decoded("local", spec) ?? text
    default: text
    }
  }
}

extension PacketRunner {
  /// Plays a step; nil if only time passes.
  fileprivate mutating func played(_ step: ScenarioStep) throws -> (Packet?, PathReport)? {
    _ = advance(nanoseconds: UInt64(clamping: Int64(min(step.sleep, 1e9) * 1e9)))
    return try act(step.action).map { ($0.packet, $0.report) }
  }
}
