internal import Compiler
internal import Evaluator
internal import Kernel
internal import Lab
internal import Notation
internal import Scenarios
internal import Wire
internal import XTables

/// The properties of a namespace. Scenarios with equal environments can be played in one namespace in sequence.
struct LabEnvironment: Hashable {
  private let interfaces: [[String]]
  private let setup: [String]
  private let sysctls: [[String]]
  private let mode: Scenario.Mode
  let usesIPv6: Bool
  let logGroups: Set<UInt16>
  /// The tables. A table that was used once stays in the kernel, and packets pass it even if it is empty.
  let tables: [TableName]
  /// Whether the tables are in nf_tables.
  let usesNfTables: Bool

  struct TableName: Hashable {
    var family: Family
    var name: XTables.TableName
  }

  init(_ plan: LabPlan) {
    let scenario = plan.scenario
    interfaces = scenario.interfaces.map { [$0.name] + $0.addresses }
    setup = scenario.setup
    sysctls = scenario.sysctls.map { [$0.name, $0.value] }
    mode = scenario.mode
    usesIPv6 = scenario.usesIPv6
    logGroups = LabRules.logGroups(plan)
    tables = plan.tables
    usesNfTables = scenario.usesNfTables
  }
}

/// A network namespace of the lab with the host in it, without rules.
final class LabNamespace {
  let environment: LabEnvironment
  let host: LabHost
  var observer: Observer
  var conntrack: ConntrackListener
  private let reference: NetworkNamespace.Reference
  /// The tables without rules.
  private let pristine: [TableBlob]
  private let registry: Registry

  /// Creates a namespace and moves the calling thread into it.
  init(_ plan: LabPlan) throws(KernelError) {
    let environment = LabEnvironment(plan)
    try NetworkNamespace.enterNew()
    reference = try NetworkNamespace.Reference.current()
    try LabHost.prepare(usesIPv6: environment.usesIPv6)
    observer = try Observer(
      swallows: plan.scenario.mode == .sink, userGroups: environment.logGroups, tracesNfTables: environment.usesNfTables)
    conntrack = try ConntrackListener()
    host = try LabHost(plan)
    var pristine: [TableBlob] = []
    for table in environment.tables {
      pristine.append(
        environment.usesNfTables
          ? TableCompiler().compile(Table(table.name, table.family)) : try LegacyTables().table(table.family, table.name))
    }
    self.pristine = pristine
    registry = plan.registry
    self.environment = environment
  }

  /// Moves the calling thread into the namespace.
  func enter() throws(KernelError) { try reference.enter() }

  /// Resets the namespace. Rules are removed first, with the state that `recent` or `hashlimit` keeps under their names.
  func reset() throws(KernelError) {
    if environment.usesNfTables {
      var options = ReplaceOptions()
      options.deleted = Set(pristine.indices)
      try NftTables(registry: registry).replace(pristine, options)
    } else {
      try LegacyTables().replace(pristine, ReplaceOptions())
    }
    try conntrack.forget()
    try drain()
  }

  /// Discards events that belong to no step.
  func drain() throws(KernelError) {
    _ = try observer.records()
    _ = try conntrack.newEvents()
    for tap in host.taps { _ = try tap.readAll() }
  }
}

/// Idle namespaces for later scenarios of their kind, on the thread that created them.
struct LabPool {
  private var idle: [LabNamespace] = []
  private static let capacity = 6

  init() { NetworkNamespace.pinThread() }

  /// Returns a new or reset namespace for a scenario, and moves the calling thread into it.
  mutating func take(for plan: LabPlan) throws(KernelError) -> LabNamespace {
    let environment = LabEnvironment(plan)
    guard let index = idle.firstIndex(where: { $0.environment == environment }) else { return try LabNamespace(plan) }
    let namespace = idle.remove(at: index)
    try namespace.enter()
    return namespace
  }

  /// Keeps a namespace for reuse, unless the scenario leaves state in it.
  mutating func put(_ namespace: LabNamespace, after plan: LabPlan, _ result: LabResult) {
    guard !LabPool.leavesTraces(plan, result), (try? namespace.reset()) != nil else { return }
    idle.append(namespace)
    if idle.count > LabPool.capacity { idle.removeFirst() }
  }

  /// True if the scenario leaves state that a reset does not remove: sets, incomplete datagrams, TCP connections, a bridge's forwarding table,
  /// neighbour entries, changed interfaces, routes changed by ICMP errors, and the number of errors that a host has got.
  private static func leavesTraces(_ plan: LabPlan, _ result: LabResult) -> Bool {
    let scenario = plan.scenario
    if plan.gainsTables || scenario.ipsets != nil || scenario.sockets.contains(where: { $0.transport == .tcp }) { return true }
    if plan.setup.contains(where: { LabPool.leavesTraces($0.command) }) { return true }
    for step in scenario.steps {
      if case .local(let sender, _) = step.action, sender.way == .tcp { return true }
      if case .configure = step.action { return true }
    }
    return result.steps.contains { step in
      step.packets.contains { leavesTraces(Packet(bytes: $0.final)) } || step.egress.contains { leavesTraces(Packet(bytes: $0.packet)) }
    }
  }

  private static func leavesTraces(_ command: IPCommand) -> Bool {
    switch command {
    case .link(let link): link.made == .bridge || link.hasNoARP == false || link.hasCarrier != nil
    case .neighbour: true
    case .address, .route, .rule: false
    }
  }

  private static func leavesTraces(_ packet: Packet) -> Bool {
    guard let at = packet.transport else { return true }
    if at.fragmentOffset != 0 || at.moreFragments { return true }
    if let icmp = packet.icmp { return icmp.type == 5 || icmp.type == 3 && [0, 1, 4, 13].contains(icmp.code) }
    if let icmp = packet.icmpv6 { return icmp.type == 2 || icmp.type == 137 }
    return false
  }
}
