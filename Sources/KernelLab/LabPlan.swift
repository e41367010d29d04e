internal import Evaluator
internal import Kernel
internal import Lab
internal import Notation
internal import Scenarios
internal import Wire
internal import XTables

/// Everything that a scenario sends to the kernel, parsed before a namespace is created.
///
/// No text of a scenario reaches the kernel or a program. Commands of `ip`, rules and sets are parsed by the engine's code, and the parsed
/// values are sent over netlink and socket options. Text that cannot be parsed is an error.
struct LabPlan {
  /// A command of `ip`, with its place in the scenario and its text for errors.
  struct Line {
    let place: String
    let text: String
    let command: IPCommand

    var description: String { "\(place): `\(text)'" }
  }

  let scenario: Scenario
  /// The addresses of each interface.
  let addresses: [[Host.Address]]
  let setup: [Line]
  /// Changes to the host, by step index.
  let changes: [Int: Line]
  let switches: [LabSwitch]
  /// The sets in the order of their indices.
  let sets: [AddressSet]
  let rulesets: [Ruleset]
  /// The rules that steps load, by step index.
  let loads: [Int: [Ruleset]]
  /// The extensions of the rules.
  let registry: Registry

  /// - Parameter engine: parses rules and sets.
  init(_ scenario: Scenario, _ engine: LabEngine) throws(KernelError) {
    self.scenario = scenario
    registry = engine.registry
    if let west = scenario.minutesWest, west != HostClock.minutesWest {
      throw KernelError(
        .malformed(
          "timezone: the kernel has one time zone for all namespaces, so only its own can be verified (\(HostClock.minutesWest) minutes west of Greenwich)"
        ))
    }
    if let group = scenario.joinedDestination {
      throw KernelError(.malformed("multicast: in the kernel's namespace no program joins \(group)"))
    }
    if let chain = scenario.otherChains.first(where: \.matters) {
      throw KernelError(.malformed("chains: the kernel is not given the rules of `\(chain.title)', which are beside those of iptables"))
    }
    addresses = try scenario.interfaces.map { interface throws(KernelError) in try LabPlan.addresses(interface) }
    let lines = try scenario.setup.enumerated().map { index, line throws(KernelError) in
      try LabPlan.line(line, at: "topology.setup[\(index)]")
    }
    setup = try LabPlan.settable(lines, scenario.sysctls)
    switches = try scenario.sysctls.map { sysctl throws(KernelError) in try LabSwitch(sysctl.name, sysctl.value) }
    var changes: [Int: Line] = [:]
    var loads: [Int: [Ruleset]] = [:]
    do throws(ScenarioError) {
      let reading = try engine.knowingSets(of: scenario)
      sets = reading.sets?.all ?? []
      rulesets = try reading.engine.rulesets(scenario.rules, scenario.rules6, usesNfTables: scenario.usesNfTables)
      for (index, step) in scenario.steps.enumerated() {
        guard case .load(let rules, let rules6) = step.action else { continue }
        loads[index] = try reading.engine.rulesets(rules, rules6, usesNfTables: scenario.usesNfTables)
      }
    } catch {
      throw KernelError(.malformed(error.description))
    }
    for (index, step) in scenario.steps.enumerated() {
      if case .configure(let line) = step.action { changes[index] = try LabPlan.line(line, at: "steps[\(index)].ip") }
    }
    (self.changes, self.loads) = (changes, loads)
    for ruleset in rulesets + loads.values.joined() { try LabPlan.check(ruleset) }
    for socket in scenario.sockets {
      if let address = socket.address, IPAddress(address) == nil {
        throw KernelError(.malformed("sockets: `\(address)' is not an address"))
      }
    }
  }

  private static func addresses(_ interface: Scenario.Interface) throws(KernelError) -> [Host.Address] {
    guard InterfaceName.isValid(interface.name) else { throw KernelError(.malformed("`\(interface.name)' is not a valid interface name")) }
    return try interface.addresses.map { text throws(KernelError) in
      guard let address = Host.Address(text) else { throw KernelError(.malformed("`\(text)' is not an address")) }
      return address
    }
  }

  /// The lines without the states of links, unless the host ignores routes over links that are down: the kernel sends nothing through such a
  /// link, which no rule sees.
  ///
  /// - Throws: `KernelError` if the kernel cannot be told what decides: the link of a bridge, or one that only a route tells of.
  private static func settable(_ lines: [Line], _ sysctls: [Scenario.Sysctl]) throws(KernelError) -> [Line] {
    let bridges = Set(lines.compactMap { if case .link(let link) = $0.command, link.made == .bridge { link.name } else { nil } })
    let ignores = sysctls.contains { $0.name.hasSuffix("ignore_routes_with_linkdown") && $0.value != "0" }
    return try lines.map { line throws(KernelError) in
      var decides = false
      switch line.command {
      case .link(var link) where link.hasCarrier != nil:
        guard ignores else {
          link.hasCarrier = nil
          return Line(place: line.place, text: line.text, command: .link(link))
        }
        decides = link.hasCarrier == false && bridges.contains(link.name)
      case .route(let route):
        let hops = [route.way] + route.hops
        if hops.contains(where: { $0.encapsulation != nil }) {
          throw KernelError(.malformed("\(line.description): the kernel is given no encapsulations"))
        }
        decides = hops.contains { $0.isDead || $0.isLinkDown && ignores }
      default: break
      }
      guard !decides else { throw KernelError(.malformed("\(line.description): the kernel cannot be told that this link is down")) }
      return line
    }
  }

  private static func line(_ text: String, at place: String) throws(KernelError) -> Line {
    do throws(HostError) {
      return Line(place: place, text: text, command: try IPCommand(text))
    } catch {
      throw KernelError(.malformed("\(place): `\(text)': \(error.reason)"))
    }
  }

  /// Refuses extension structures given as raw bytes, which are not validated, and programs pinned on the machine.
  private static func check(_ ruleset: Ruleset) throws(KernelError) {
    for table in ruleset.tables {
      for chain in table.chains {
        for (index, rule) in chain.rules.enumerated() {
          var uses = rule.matches
          if case .use(let use) = rule.target { uses.append(use) }
          guard
            let use = uses.first(where: {
              $0.descriptor.isUnknown || $0.descriptor.isUnread || $0.descriptor.hostUses($0.payload).contains(.pinnedProgram)
            })
          else { continue }
          let reason =
            use.descriptor.isUnread
            ? "\(use.descriptor.name) cannot be read here, so the rule is not given to the kernel"
            : use.descriptor.isUnknown
              ? "Ferrule does not know \(use.descriptor.name), so its bytes are not loaded into the kernel"
              : "a scenario cannot use a BPF program pinned on this machine"
          throw KernelError(
            .malformed(reason), family: ruleset.family, table: table.name.rawValue,
            rule: Kernel.RuleReference(chain: chain.name, rule: index + 1))
        }
      }
    }
  }

  /// What the rules that the scenario loads need from programs outside the kernel, or send to them.
  var hostUses: Set<HostUse> {
    var uses: Set<HostUse> = []
    for table in (rulesets + loads.values.joined()).flatMap(\.tables) {
      for chain in table.chains { for rule in chain.rules { uses.formUnion(rule.hostUses) } }
    }
    return uses
  }

  /// True if the host has a bridge, which confirms connections without an event (`br_nf_local_in`).
  var makesBridge: Bool { setup.contains { if case .link(let link) = $0.command { link.made == .bridge } else { false } } }

  /// The tables of the initial rules, in order.
  var tables: [LabEnvironment.TableName] { LabPlan.tables(rulesets) }

  /// True if a step loads a table that did not exist before; the table then stays in the namespace.
  var gainsTables: Bool {
    let tables = tables
    return loads.values.contains { LabPlan.tables($0).contains { !tables.contains($0) } }
  }

  static func tables(_ rulesets: [Ruleset]) -> [LabEnvironment.TableName] {
    rulesets.flatMap { ruleset in ruleset.tables.map { LabEnvironment.TableName(family: ruleset.family, name: $0.name) } }
  }
}

extension Scenario {
  /// A group to which a step sends a packet, and which an interface has joined for a program; nil if there is none.
  fileprivate var joinedDestination: IPAddress? {
    let groups = Set(multicastGroups.values.joined().map(\.address))
    guard !groups.isEmpty else { return nil }
    return steps.lazy.compactMap { step in
      switch step.action {
      case .receive(let frame): try? frame.packet.packet(after: TCPProgress()).destination
      case .local(_, let packet): try? packet.packet(after: TCPProgress()).destination
      default: nil
      }
    }.first { groups.contains($0) }
  }
}
