import Analysis
import Conntrack
public import Diagnostics
import Netfilter
import Wire
public import XTables

/// The controls of a profile, decided for rulesets by packets that the evaluator runs.
public struct Audit: Sendable {
  /// How a control ends.
  public enum Status: String, Sendable, CaseIterable {
    /// Every packet that was tried got the verdict that it must get.
    case pass
    /// A packet got another verdict.
    case fail
    /// A person must look.
    case manual
    /// The verdict of a packet is unknown, or the ruleset is missing.
    case undecided
  }

  /// The outcome of a control for one family.
  public struct Outcome: Encodable, Sendable {
    /// The number of the control.
    public let control: String
    /// The control in a few words.
    public let title: String
    /// `IPv4` or `IPv6`.
    public let family: String
    /// `pass`, `fail`, `manual` or `undecided`.
    public let status: String
    /// Why, or what a person must look at.
    public let reason: String
    /// The file; nil if there is no ruleset of the family.
    public let file: String?
    /// The line that decides; nil if none does.
    public let line: Int?
    /// The text of that line.
    public let rule: String?
    /// A packet that shows the outcome, in the notation of `ferrule run`.
    public let witness: String?
  }

  /// A ruleset that is audited.
  public struct Subject: Sendable {
    /// The ruleset.
    public let ruleset: Ruleset
    /// Its text.
    public let file: SourceFile
    /// What is known of the network.
    public let settings: LintSettings

    /// Creates a subject; parameters as the properties of the same names.
    public init(_ ruleset: Ruleset, in file: SourceFile, settings: LintSettings = LintSettings()) {
      (self.ruleset, self.file, self.settings) = (ruleset, file, settings)
    }
  }

  /// The profile.
  public let profile: AuditProfile
  /// The outcomes, in the order of the controls.
  public let outcomes: [Outcome]

  /// Decides the controls.
  ///
  /// - Parameters:
  ///   - subjects: the rulesets of one host, at most one of each family.
  ///   - listeners: the sockets of the host; nil if they are not known.
  public init(_ profile: AuditProfile, of subjects: [Subject], listeners: [Exposure.Listener]? = nil) {
    self.profile = profile
    let judges = subjects.map { AuditJudge($0, listeners) }
    outcomes = profile.controls.flatMap { control in
      control.families.map { family in
        guard let judge = judges.first(where: { $0.family == family }) else {
          return Outcome(
            control: control.id, title: control.title, family: family == .ipv4 ? "IPv4" : "IPv6", status: Status.undecided.rawValue,
            reason: "there is no ruleset of this family", file: nil, line: nil, rule: nil, witness: nil)
        }
        return judge.outcome(of: control)
      }
    }
  }

  /// The number of outcomes of a kind.
  public func count(_ status: Status) -> Int { outcomes.count { $0.status == status.rawValue } }
}

/// Decides controls for one ruleset.
private struct AuditJudge {
  private let subject: Audit.Subject
  private let probes: HostProbes?
  private let listeners: [Exposure.Listener]?
  private let exposure: Exposure

  init(_ subject: Audit.Subject, _ listeners: [Exposure.Listener]?) {
    self.subject = subject
    self.listeners = listeners
    probes = HostProbes(subject.ruleset, subject.settings, nil)
    exposure = Exposure(subject.ruleset, in: subject.file, settings: subject.settings, listeners: nil)
  }

  var family: Family { subject.ruleset.family }

  /// What shows an outcome.
  private struct Finding {
    let status: Audit.Status
    let reason: String
    var rule: Rule?
    var hook: Hook?
    var witness: Witness?
  }

  func outcome(of control: AuditProfile.Control) -> Audit.Outcome {
    let found = decide(control)
    let source = found.rule?.source ?? found.hook.flatMap { subject.ruleset[table: .filter]?[chain: $0.name]?.source }
    let line = source.map { subject.file.position(of: $0.range.lowerBound).line }
    return Audit.Outcome(
      control: control.id, title: control.title, family: family == .ipv4 ? "IPv4" : "IPv6", status: found.status.rawValue,
      reason: found.reason,
      file: subject.file.name, line: line, rule: line.map { String(decoding: subject.file.line($0), as: UTF8.self) },
      witness: found.witness?.line)
  }

  private func decide(_ control: AuditProfile.Control) -> Finding {
    guard probes != nil else { return Finding(status: .undecided, reason: "chains form a loop or are missing") }
    var last: Finding?
    for expectation in control.expectations {
      for witness in witnesses(expectation) {
        let found = judge(witness, expectation)
        if found.status != .pass { return found }
        last = found
      }
    }
    if let decision = control.decision {
      let found = decide(decision, control)
      if found.status != .pass { return found }
      last = last ?? found
    }
    if let last { return last }
    return Finding(status: .manual, reason: control.manual ?? "a person must look")
  }

  private func judge(_ witness: Witness, _ expectation: AuditProfile.Expectation) -> Finding {
    guard let probes, let walk = probes.walk(witness), walk.verdict != .unknown else {
      return Finding(status: .undecided, reason: "what the rules do with a packet is unknown", hook: expectation.hook, witness: witness)
    }
    let isAccepted = walk.verdict == .accept
    let rule = isAccepted ? walk.filterRule(in: subject.ruleset) : walk.decidingRule(in: subject.ruleset)
    let subjectWords = rule == nil ? "the policy of \(expectation.hook.name)" : "a rule"
    let verb = isAccepted ? "accepts" : "drops"
    let must = expectation.isAccepted ? "accepted" : "dropped"
    let reason =
      isAccepted == expectation.isAccepted
      ? "\(subjectWords) \(verb) the packets as it must" : "\(subjectWords) \(verb) a packet that must be \(must)"
    return Finding(
      status: isAccepted == expectation.isAccepted ? .pass : .fail, reason: reason, rule: rule, hook: expectation.hook, witness: witness)
  }

  // MARK: Packets

  private func witnesses(_ expectation: AuditProfile.Expectation) -> [Witness] {
    guard let probes, let own = probes.own.first, let stranger = HostProbes.strangers(family).first,
      let loopback = IPAddress(family == .ipv4 ? "127.0.0.1" : "::1")
    else { return [] }
    return expectation.protocols.flatMap { number -> [Witness] in
      let proto = IPProtocol(rawValue: number)
      let ports = proto.hasPorts ? self.ports(expectation.ports, proto) : [0]
      return ports.flatMap { port -> [Witness] in
        let state = expectation.isEstablished ? ConntrackState.established : nil
        func packet(_ source: IPAddress, _ destination: IPAddress, _ input: String?) -> Witness {
          var witness = probes.arriving(proto, port, from: source, to: destination, on: input ?? "", state: state)
          witness.draft.input = input
          if expectation.hook != .input {
            witness.draft.output = expectation.sender == .loopback ? "lo" : input == "eth1" ? "eth2" : "eth1"
          }
          return Witness(draft: witness.draft, hook: expectation.hook, state: state)
        }
        switch expectation.sender {
        case .stranger: return probes.external.map { packet(stranger, expectation.hook == .forward ? behind(own) : own, $0) }
        case .loopback: return [packet(loopback, loopback, expectation.hook == .output ? nil : "lo")]
        case .spoofer: return probes.external.map { packet(loopback, own, $0) }
        case .host: return [packet(own, stranger, nil)]
        }
      }
    }
  }

  /// An address of a host behind this one.
  private func behind(_ own: IPAddress) -> IPAddress { IPAddress(family: family, bits: own.bits &+ 1) }

  private func ports(_ ports: AuditProfile.Expectation.Ports, _ proto: IPProtocol) -> [UInt16] {
    switch ports {
    case .listed(let list): return list
    case .unused: return [GuardedService.unusedPort]
    case .guarded: return GuardedService.all.filter { $0.proto == proto }.map(\.port)
    case .open: return openPorts(proto) + [GuardedService.unusedPort]
    }
  }

  /// The first port of each range that rules open for everyone.
  private func openPorts(_ proto: IPProtocol) -> [UInt16] {
    let name = proto == .tcp ? "tcp" : "udp"
    let ranges = exposure.open.filter { $0.protocol == name && $0.isForStrangers && $0.to == "this host" }.flatMap(\.ranges)
    return Array(Set(ranges.map { UInt16(truncatingIfNeeded: $0.lowerBound) })).sorted()
  }

  // MARK: Decisions

  private func decide(_ decision: AuditProfile.Decision, _ control: AuditProfile.Control) -> Finding {
    switch decision {
    case .listeningPorts: return listeningPorts(control)
    case .rateLimits: return rateLimits()
    case .openPorts:
      let list = exposure.open.filter { $0.to == "this host" }.map {
        "\($0.protocol)\($0.ports.isEmpty ? "" : " \($0.ports)") from \($0.sources) on \($0.interface)"
      }
      let evidence = list.isEmpty ? "nothing is open" : "open: " + list.prefix(20).joined(separator: "; ")
      return Finding(status: .manual, reason: "\(control.manual ?? "compare with what is approved"). \(evidence)")
    }
  }

  private func listeningPorts(_ control: AuditProfile.Control) -> Finding {
    guard let probes, let listeners else {
      return Finding(status: .manual, reason: control.manual ?? "give the listening sockets with --listening")
    }
    guard let stranger = HostProbes.strangers(family).first, let input = probes.external.first else {
      return Finding(status: .undecided, reason: "no packet can be built")
    }
    var last = Finding(status: .pass, reason: "the host listens on no port of this family")
    for listener in listeners where listener.address.map({ $0.family == family && !Self.isLoopback($0) }) ?? true {
      let address = listener.address.flatMap { $0.bits == 0 ? nil : $0 }
      let witness = probes.arriving(listener.proto, listener.port, from: stranger, to: address, on: input)
      let name = "\(listener.proto == .tcp ? "tcp" : "udp") \(listener.port)"
      let decides = probes.walk(witness)?.decidingRule(in: subject.ruleset)
      if isNamed(listener) || decides?.condition(family).fields.contains(.destinationPort) == true {
        last = Finding(
          status: .pass, reason: "a rule decides about each port on which the host listens", rule: decides, hook: .input, witness: witness)
        continue
      }
      return Finding(
        status: .fail, reason: "no rule is for \(name), on which \(listener.name) listens: the policy or a general rule decides",
        hook: .input, witness: witness)
    }
    return last
  }

  /// Whether a rule of INPUT that accepts packets, be it of some sources only, asks for the protocol and port of a listener.
  private func isNamed(_ listener: Exposure.Listener) -> Bool {
    let name = listener.proto == .tcp ? "tcp" : "udp"
    return exposure.open.contains { entry in
      entry.protocol == name && entry.to == "this host" && entry.ports != "all" && !entry.rule.hasPrefix("the policy")
        && entry.ranges.contains { $0.contains(UInt128(listener.port)) }
    }
  }

  private static func isLoopback(_ address: IPAddress) -> Bool { address.family == .ipv4 ? address.bits >> 24 == 127 : address.bits == 1 }

  private func rateLimits() -> Finding {
    guard let probes, let filter = subject.ruleset[table: .filter] else {
      return Finding(status: .undecided, reason: "there is no filter table")
    }
    var last = Finding(status: .pass, reason: "no port is open for everyone")
    for port in openPorts(.tcp) {
      guard let opening = probes.opening(.tcp, port), let rule = opening.rule(in: subject.ruleset) else { continue }
      guard !rule.condition(family).isDecidable || filter.limits(port: port, before: rule) else {
        return Finding(
          status: .fail, reason: "nothing limits new connections to tcp \(port)", rule: rule, hook: .input, witness: opening.witness)
      }
      last = Finding(status: .pass, reason: "new connections to open ports are limited", rule: rule, hook: .input, witness: opening.witness)
    }
    return last
  }
}
