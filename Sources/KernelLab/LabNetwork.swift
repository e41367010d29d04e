internal import Evaluator
internal import Kernel
internal import Wire
internal import XTables

/// Executes commands of `ip` over rtnetlink, in the calling thread's network namespace.
///
/// The corresponding kernel functions are `rtnl_newlink`, `inet_rtm_newaddr`, `inet_rtm_newroute`, `fib_nl_newrule`, `neigh_add` and their
/// counterparts.
struct LabNetwork {
  private var socket: NetlinkSocket

  /// The `RTM_NEW*` message types; the next number is the corresponding `RTM_DEL*`.
  private enum Kind {
    static let link: UInt16 = 16, address: UInt16 = 20, route: UInt16 = 24, neighbour: UInt16 = 28, rule: UInt16 = 32
  }

  init() throws(KernelError) { socket = try NetlinkSocket(.route) }

  /// Executes a command.
  ///
  /// - Throws: `KernelError` with the line's place and text, and the kernel's error.
  mutating func apply(_ line: LabPlan.Line) throws(KernelError) {
    let message: NetlinkMessage
    switch line.command {
    case .link(let link): message = try LabNetwork.message(link, line)
    case .address(let address): message = try LabNetwork.message(address, line)
    case .route(let route): message = try LabNetwork.message(route, line)
    case .rule(let rule): message = LabNetwork.message(rule)
    case .neighbour(let neighbour): message = try LabNetwork.message(neighbour, line)
    }
    try socket.request([message], what: line.description)
    if case .address(let change) = line.command, change.verb != .delete, let peer = change.address.peer, peer.family == .ipv6 {
      LabNetwork.awaitRoute(to: peer)
    }
    if case .link(let link) = line.command, link.hasCarrier != nil { try noteCarrier(of: link, line) }
  }

  /// Has the kernel take the state of a link over into its routes; by itself it does so up to a second later. Kernel: `linkwatch_sync_dev`.
  private mutating func noteCarrier(of link: IPLink, _ line: LabPlan.Line) throws(KernelError) {
    var question = NetlinkMessage(type: Kind.link + 2)
    question.body = [0, 0, 0, 0]
    for word in [try LabNetwork.index(of: link.name, line), 0, 0] { question.body.appendHostWord(word) }
    _ = try socket.get(question, what: line.description)
  }

  /// Waits until the kernel has added the route to the peer of an IPv6 address. Kernel: the work item `addrconf_dad_work`.
  private static func awaitRoute(to peer: IPAddress) {
    let entry = Hex.string(bytes(peer)) + " 80 "
    for _ in 0..<500 {
      guard let routes = try? HostFile.read("/proc/thread-self/net/ipv6_route"), !routes.contains(entry) else { return }
      NetworkNamespace.sleepThread(seconds: 0.001)
    }
  }

  private static func index(of name: String, _ line: LabPlan.Line) throws(KernelError) -> UInt32 {
    guard let index = HostInterfaces.index(of: name) else {
      throw KernelError(.malformed("\(line.description): there is no interface \(name)"))
    }
    return index
  }

  private static func start(_ kind: UInt16, _ verb: IPCommand.Verb) -> NetlinkMessage {
    switch verb {
    case .add: NetlinkMessage(type: kind, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding)
    case .replace: NetlinkMessage(type: kind, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.replace)
    case .append: NetlinkMessage(type: kind, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.append)
    case .change: NetlinkMessage(type: kind, flags: NetlinkMessage.Flag.replace)
    case .delete: NetlinkMessage(type: kind + 1)
    }
  }

  private static func bytes(_ address: IPAddress) -> [UInt8] { bytes(address.family, address.bits) }

  private static func bytes(_ family: Family, _ bits: UInt128) -> [UInt8] {
    var bytes: [UInt8] = []
    if family == .ipv4 { bytes.appendUInt32(UInt32(truncatingIfNeeded: bits)) } else { bytes.appendUInt128(bits) }
    return bytes
  }

  // MARK: Links

  private enum LinkAttribute {
    static let address: UInt16 = 1, name: UInt16 = 3, mtu: UInt16 = 4, master: UInt16 = 10, info: UInt16 = 18, group: UInt16 = 27
    static let carrier: UInt16 = 33
    static let kind: UInt16 = 1, data: UInt16 = 2, multicastSnooping: UInt16 = 23, call: UInt16 = 36, call6: UInt16 = 37
    static let isUp: UInt32 = 1, hasNoARP: UInt32 = 0x80
  }

  private static func message(_ link: IPLink, _ line: LabPlan.Line) throws(KernelError) -> NetlinkMessage {
    var message = start(Kind.link, .add)
    if link.made == nil { message.flags = 0 }
    var (flags, change): (UInt32, UInt32) = (0, 0)
    if let isUp = link.isUp { (flags, change) = (isUp ? LinkAttribute.isUp : 0, LinkAttribute.isUp) }
    if let hasNoARP = link.hasNoARP {
      flags |= hasNoARP ? LinkAttribute.hasNoARP : 0
      change |= LinkAttribute.hasNoARP
    }
    message.body = [0, 0, 0, 0]
    for word in [link.made == nil ? try index(of: link.name, line) : 0, flags, change] { message.body.appendHostWord(word) }
    if let address = link.hardwareAddress { message.add(LinkAttribute.address, address.octets) }
    if let mtu = link.mtu { message.add(LinkAttribute.mtu, host32: mtu) }
    if let group = link.group { message.add(LinkAttribute.group, host32: group) }
    if let hasCarrier = link.hasCarrier { message.add(LinkAttribute.carrier, [hasCarrier ? 1 : 0]) }
    switch link.master {
    case nil: break
    case .some(.none): message.add(LinkAttribute.master, host32: 0)
    case .bridge(let name): message.add(LinkAttribute.master, host32: try index(of: name, line))
    }
    guard let kind = link.made else { return message }
    message.add(LinkAttribute.name, text: link.name)
    message.add(LinkAttribute.info) { info in
      info.add(LinkAttribute.kind, text: kind.rawValue)
      // A bridge with multicast snooping joins groups, and sends reports at unpredictable times.
      guard kind == .bridge else { return }
      info.add(LinkAttribute.data) { data in
        data.add(LinkAttribute.multicastSnooping, [0])
        for family in link.calledFamilies { data.add(family == .ipv4 ? LinkAttribute.call : LinkAttribute.call6, [1]) }
      }
    }
    return message
  }

  // MARK: Addresses

  private static func message(_ change: IPInterfaceAddress, _ line: LabPlan.Line) throws(KernelError) -> NetlinkMessage {
    var message = start(Kind.address, change.verb)
    let address = change.address
    // IPv6 addresses are usable at once: duplicate address detection is off.
    let (noDuplicateDetection, noPrefixRoute): (UInt32, UInt32) = (0x02, 0x200)
    let flags = (address.address.family == .ipv6 ? noDuplicateDetection : 0) | (address.hasPrefixRoute ? 0 : noPrefixRoute)
    // The kernel determines the scope of IPv6 addresses itself.
    let scope = address.address.family == .ipv4 ? address.scope : .universe
    message.body = [address.address.family.rawValue, UInt8(address.prefixLength), UInt8(truncatingIfNeeded: flags), scope.rawValue]
    message.body.appendHostWord(try index(of: change.device, line))
    message.add(2, bytes(address.address))
    message.add(1, bytes(address.peer ?? address.address))
    if let broadcast = address.broadcast { message.add(4, bytes(broadcast)) }
    if change.verb != .delete { message.add(8, host32: flags) }
    return message
  }

  // MARK: Routes

  private enum RouteAttribute {
    static let destination: UInt16 = 1, output: UInt16 = 4, gateway: UInt16 = 5, priority: UInt16 = 6, source: UInt16 = 7
    static let metrics: UInt16 = 8, multipath: UInt16 = 9, flow: UInt16 = 11, table: UInt16 = 15, via: UInt16 = 18
    static let lock: UInt16 = 1, mtu: UInt16 = 2
    static let boot: UInt8 = 3, onLink: UInt8 = 4
  }

  private static func message(_ route: IPRoute, _ line: LabPlan.Line) throws(KernelError) -> NetlinkMessage {
    var message = start(Kind.route, route.verb)
    let isRemoved = route.verb == .delete
    let type = isRemoved && !route.namesType ? .unspecified : route.type
    let table = route.effectiveTable
    message.body = [
      route.family.rawValue, UInt8(route.prefixLength), 0, route.tos, table < 256 ? UInt8(table) : 0, isRemoved ? 0 : RouteAttribute.boot,
      route.effectiveScope.rawValue, UInt8(type.rawValue), route.way.isOnLink ? RouteAttribute.onLink : 0, 0, 0, 0,
    ]
    if route.prefixLength > 0 { message.add(RouteAttribute.destination, bytes(route.family, route.destination)) }
    if table >= 256 { message.add(RouteAttribute.table, host32: table) }
    if let metric = route.metric { message.add(RouteAttribute.priority, host32: metric) }
    if let source = route.preferredSource { message.add(RouteAttribute.source, bytes(source)) }
    if route.realms != 0 { message.add(RouteAttribute.flow, host32: route.realms) }
    if let mtu = route.mtu {
      message.add(RouteAttribute.metrics) { metrics in
        if route.locksMTU { metrics.add(RouteAttribute.lock, host32: 1 << UInt32(RouteAttribute.mtu)) }
        metrics.add(RouteAttribute.mtu, host32: mtu)
      }
    }
    if let name = route.way.device { message.add(RouteAttribute.output, host32: try index(of: name, line)) }
    if let gateway = route.way.gateway { add(gateway, of: route.family, to: &message) }
    guard !route.hops.isEmpty else { return message }
    var hops: [UInt8] = []
    for hop in route.hops { hops += try bytes(hop, route.family, line) }
    message.add(RouteAttribute.multipath, hops)
    return message
  }

  /// Adds a gateway of the route's family, or of the other one.
  private static func add(_ gateway: IPAddress, of family: Family, to message: inout NetlinkMessage) {
    if gateway.family == family {
      message.add(RouteAttribute.gateway, bytes(gateway))
    } else {
      message.add(RouteAttribute.via, [gateway.family.rawValue, 0] + bytes(gateway))
    }
  }

  /// A `struct rtnexthop` with its attributes.
  private static func bytes(_ hop: IPRoute.Hop, _ family: Family, _ line: LabPlan.Line) throws(KernelError) -> [UInt8] {
    var attributes = NetlinkMessage(type: 0)
    if let gateway = hop.gateway { add(gateway, of: family, to: &attributes) }
    if hop.realms != 0 { attributes.add(RouteAttribute.flow, host32: hop.realms) }
    var bytes: [UInt8] = []
    bytes.appendHostWord(UInt16(8 + attributes.body.count))
    bytes += [hop.isOnLink ? RouteAttribute.onLink : 0, hop.weight - 1]
    bytes.appendHostWord(try hop.device.map { name throws(KernelError) in try index(of: name, line) } ?? 0)
    return bytes + attributes.body
  }

  // MARK: Rules

  private enum RuleAttribute {
    static let destination: UInt16 = 1, source: UInt16 = 2, input: UInt16 = 3, goto: UInt16 = 4, priority: UInt16 = 6, mark: UInt16 = 10
    static let flow: UInt16 = 11, suppressedLength: UInt16 = 14, table: UInt16 = 15, markMask: UInt16 = 16, output: UInt16 = 17
    static let users: UInt16 = 20, proto: UInt16 = 22, sourcePorts: UInt16 = 23, destinationPorts: UInt16 = 24
    static let inverted: UInt32 = 2
  }

  /// The `FR_ACT_*` number of an action.
  private static func number(_ action: RouteRule.Action) -> UInt8 {
    switch action {
    case .table: 1
    case .goto: 2
    case .nop: 3
    case .blackhole: 6
    case .unreachable: 7
    case .prohibit: 8
    }
  }

  private static func message(_ command: IPRule) -> NetlinkMessage {
    var message = start(Kind.rule, command.verb)
    let rule = command.rule
    let isRemoved = command.verb == .delete
    let hasAction = !isRemoved || command.said.contains(.action)
    let table: UInt32 = if hasAction, case .table(let number) = rule.action { number } else { 0 }
    message.body = [
      command.family.rawValue, UInt8(command.destinationPrefix?.prefixLength ?? 0), UInt8(command.sourcePrefix?.prefixLength ?? 0),
      rule.tos, table < 256 ? UInt8(table) : 0, 0, 0, hasAction ? number(rule.action) : 0,
    ]
    message.body.appendHostWord(rule.isInverted ? RuleAttribute.inverted : 0)
    if let priority = command.priority { message.add(RuleAttribute.priority, host32: priority) }
    if let prefix = command.sourcePrefix { message.add(RuleAttribute.source, bytes(prefix.address)) }
    if let prefix = command.destinationPrefix { message.add(RuleAttribute.destination, bytes(prefix.address)) }
    if command.said.contains(.mark) {
      message.add(RuleAttribute.mark, host32: rule.mark)
      message.add(RuleAttribute.markMask, host32: rule.markMask)
    }
    if let input = rule.input { message.add(RuleAttribute.input, text: input) }
    if let output = rule.output { message.add(RuleAttribute.output, text: output) }
    if rule.realms != 0 { message.add(RuleAttribute.flow, host32: rule.realms) }
    if let proto = rule.proto { message.add(RuleAttribute.proto, [proto.rawValue]) }
    if let ports = rule.sourcePorts { message.add(RuleAttribute.sourcePorts, bytes(ports)) }
    if let ports = rule.destinationPorts { message.add(RuleAttribute.destinationPorts, bytes(ports)) }
    if let users = rule.users { message.add(RuleAttribute.users, bytes(users)) }
    if let length = rule.suppressedLength { message.add(RuleAttribute.suppressedLength, host32: UInt32(truncatingIfNeeded: length)) }
    if case .goto(let priority) = rule.action { message.add(RuleAttribute.goto, host32: priority) }
    if table >= 256 { message.add(RuleAttribute.table, host32: table) }
    return message
  }

  private static func bytes<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendHostWord(range.lowerBound)
    bytes.appendHostWord(range.upperBound)
    return bytes
  }

  // MARK: Neighbours

  private static func message(_ neighbour: IPNeighbour, _ line: LabPlan.Line) throws(KernelError) -> NetlinkMessage {
    var message = start(Kind.neighbour, neighbour.verb)
    message.body = [neighbour.address.family.rawValue, 0, 0, 0]
    message.body.appendHostWord(try index(of: neighbour.device, line))
    message.body.appendHostWord(neighbour.state.rawValue)
    message.body += [0, 0]
    message.add(1, bytes(neighbour.address))
    if let hardware = neighbour.hardwareAddress { message.add(2, hardware.octets) }
    return message
  }
}
