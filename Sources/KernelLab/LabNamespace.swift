internal import Evaluator
internal import Kernel
internal import Lab
internal import Wire

/// What a namespace is made for: two scenarios that agree in all of this can be played in the same one, one after the other.
struct LabEnvironment: Hashable {
  private let interfaces: [[String]]
  private let setup: [String]
  private let sysctls: [[String]]
  private let mode: Scenario.Mode
  let usesIPv6: Bool
  let logGroups: Set<UInt16>
  /// The tables, because one that was ever used stays, and is seen by packets even when it is empty.
  let tables: [TableName]

  struct TableName: Hashable {
    var family: AddressFamily
    var name: String
  }

  init(_ plan: LabPlan) {
    let scenario = plan.scenario
    interfaces = scenario.interfaces.map { [$0.name] + $0.addresses }
    setup = scenario.setup
    sysctls = scenario.sysctls.map { [$0.name, $0.value] }
    mode = scenario.mode
    usesIPv6 = scenario.usesIPv6
    logGroups = LabRules.logGroups(scenario)
    tables = plan.tables
  }
}

/// A network namespace of the lab with the host in it, before rules are loaded or when they are gone again.
final class LabNamespace {
  let environment: LabEnvironment
  let host: LabHost
  var observer: Observer
  var conntrack: ConntrackListener
  private let reference: NetworkNamespace.Reference
  private let pristine: [RawTable]

  /// Makes a new one; the calling thread is in it afterwards.
  init(_ plan: LabPlan) throws(KernelError) {
    let environment = LabEnvironment(plan)
    try NetworkNamespace.enterNew()
    reference = try NetworkNamespace.Reference.current()
    try LabHost.prepare(usesIPv6: environment.usesIPv6)
    observer = try Observer(swallows: plan.scenario.mode == .sink, userGroups: environment.logGroups)
    conntrack = try ConntrackListener()
    host = try LabHost(plan)
    var pristine: [RawTable] = []
    for table in environment.tables { pristine.append(try RawTable.read(table.family, table.name)) }
    self.pristine = pristine
    self.environment = environment
  }

  /// Moves the calling thread into it.
  func enter() throws(KernelError) { try reference.enter() }

  /// Makes it as new: the rules go first, and with them what `recent` or `hashlimit` remember under their names.
  func reset() throws(KernelError) {
    for table in pristine { try table.replace() }
    try conntrack.forget()
    try drain()
  }

  /// What happened without a step is nobody's.
  func drain() throws(KernelError) {
    _ = try observer.records()
    _ = try conntrack.newEvents()
    for tap in host.taps { _ = try tap.readAll() }
  }
}

/// Namespaces that wait for the next scenario of their kind, on the thread that made them.
struct LabPool {
  private var idle: [LabNamespace] = []
  private static let capacity = 6

  init() { NetworkNamespace.pinThread() }

  /// A namespace for the scenario, new or as new, with the calling thread in it.
  mutating func take(for plan: LabPlan) throws(KernelError) -> LabNamespace {
    let environment = LabEnvironment(plan)
    guard let index = idle.firstIndex(where: { $0.environment == environment }) else { return try LabNamespace(plan) }
    let namespace = idle.remove(at: index)
    try namespace.enter()
    return namespace
  }

  /// Keeps a namespace for others, unless something stays behind in it.
  mutating func put(_ namespace: LabNamespace, after plan: LabPlan, _ result: LabResult) {
    guard !LabPool.leavesTraces(plan, result), (try? namespace.reset()) != nil else { return }
    idle.append(namespace)
    if idle.count > LabPool.capacity { idle.removeFirst() }
  }

  /// Sets, fragments under reassembly, TCP connections, what a bridge learnt, neighbours that were asked for, changed interfaces, and routes
  /// that an ICMP error changed outlive their scenario.
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
    case .link(let link): link.made == .bridge || link.hasNoARP == false
    case .neighbour: true
    case .address, .route, .rule: false
    }
  }

  private static func leavesTraces(_ packet: Packet) -> Bool {
    guard let at = packet.transport else { return true }
    if at.fragmentOffset != 0 || at.moreFragments { return true }
    if let icmp = packet.icmp { return icmp.type == 5 || (icmp.type == 3 && icmp.code == 4) }
    if let icmp = packet.icmpv6 { return icmp.type == 2 || icmp.type == 137 }
    return false
  }
}
