internal import Kernel
internal import Wire

/// An event that the kernel reported about a packet.
struct ObserverRecord: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// The packet is before the first operation of a hook.
    case entry
    /// The packet has passed the last operation of a hook.
    case exit
    /// The packet hit a rule: `filter:FORWARD:rule:3`.
    case trace(String)
    /// An NFLOG rule under test logged the packet.
    case log(group: UInt16, prefix: String)
    /// The packet that entered a hook last has this number in the traces of nf_tables.
    case identified(UInt32)
    /// A trace of nf_tables, which ``NftPlaces`` turns into one of the others.
    case native(NftTrace)
  }
  var kind: Kind
  /// The hook, `NF_INET_*`: 0 for PREROUTING to 4 for POSTROUTING.
  var hook: Int
  var payload: [UInt8]
  var mark: UInt32 = 0
  var input: UInt32?
  var output: UInt32?
  /// User and group of the packet's socket.
  var owner: [UInt32]?
  /// The number that a trace of nf_tables gives the packet.
  var packet: UInt32?
  /// The family of a rule, if the report has no payload.
  var family: Family?

  static let hookNames = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]
}

/// Observes every packet of a network namespace, without changing the rules under test.
///
/// nftables chains before the first and after the last operation of each hook log to nfnetlink and set the packet's trace bit, so that
/// ip_tables reports each rule that the packet hits; nf_tables sends its own traces. All reports arrive on one socket in order.
///
/// Must be created before conntrack is loaded, so that its last chains run after conntrack's confirmation.
struct Observer {
  private var socket: NetlinkSocket
  static let tableName = "ferrule-observer"
  /// The observer's log groups: an even number for the entry of a hook, an odd one for its exit.
  private static let firstGroup: UInt16 = 64_000

  /// - Parameters:
  ///   - swallows: drops packets for this host after INPUT.
  ///   - userGroups: the groups that the rules under test log to.
  ///   - tracesNfTables: true if the rules under test are in nf_tables.
  init(swallows: Bool, userGroups: Set<UInt16>, tracesNfTables: Bool) throws(KernelError) {
    socket = try NetlinkSocket(.netfilter, receiveBuffer: 32 << 20)
    for family in ["2", "10"] { try HostFile.write("nfnetlink_log", to: "/proc/sys/net/netfilter/nf_log/\(family)") }
    let own = (0..<10 as Range<UInt16>).map { Observer.firstGroup + $0 }
    for group in userGroups.union([0]).union(own) { try bind(group) }
    if tracesNfTables { try socket.join(group: NftTrace.group) }
    var installer = try NetlinkSocket(.netfilter)
    try installer.request(Observer.ruleset(swallows: swallows), what: "installing the observer")
  }

  // MARK: Logging

  private enum Log {
    static let subsystem: UInt8 = 4, packet: UInt8 = 0, configure: UInt8 = 1
    static let command: UInt16 = 1, mode: UInt16 = 2, threshold: UInt16 = 5
    static let bind: UInt8 = 1, copyPacket: UInt8 = 2
    static let header: UInt16 = 1, mark: UInt16 = 2, input: UInt16 = 4, output: UInt16 = 5, payload: UInt16 = 9
    static let prefix: UInt16 = 10, uid: UInt16 = 11, gid: UInt16 = 14
  }

  private mutating func bind(_ group: UInt16) throws(KernelError) {
    var bind = NetlinkMessage(subsystem: Log.subsystem, Log.configure, resource: group)
    bind.add(Log.command, [Log.bind])
    // Whole packets, each sent at once.
    var mode = NetlinkMessage(subsystem: Log.subsystem, Log.configure, resource: group)
    mode.add(Log.mode, [0, 0, 0xFF, 0xFF, Log.copyPacket, 0])
    mode.add(Log.threshold, network32: 1)
    try socket.request([bind], what: "listening to log group \(group)")
    try socket.request([mode], what: "listening to log group \(group)")
  }

  /// The reports since the last call.
  mutating func records() throws(KernelError) -> [ObserverRecord] {
    try socket.receiveAll().compactMap { Observer.record($0) }
  }

  /// Parses a log message or a trace; nil for other or invalid messages.
  static func record(_ message: NetlinkMessage) -> ObserverRecord? {
    if let trace = NftTrace(message) { return ObserverRecord(kind: .native(trace), hook: 0, payload: []) }
    guard message.type == UInt16(Log.subsystem) << 8 | UInt16(Log.packet), let group = message.body.uint16(at: 2) else { return nil }
    let attributes = message.attributes(from: 4)
    guard let header = attributes[Log.header], let hook = header.uint8(at: 2), hook < 5 else { return nil }
    let kind: ObserverRecord.Kind
    if group >= firstGroup, group < firstGroup + 10 {
      kind = group % 2 == 0 ? .entry : .exit
    } else {
      let prefix = attributes.text(Log.prefix) ?? ""
      kind = group == 0 && prefix.hasPrefix("TRACE: ") ? .trace(trimmed(prefix)) : .log(group: group, prefix: prefix)
    }
    var record = ObserverRecord(kind: kind, hook: Int(hook), payload: attributes[Log.payload] ?? [])
    record.mark = attributes.network32(Log.mark) ?? 0
    record.input = attributes.network32(Log.input)
    record.output = attributes.network32(Log.output)
    if let uid = attributes.network32(Log.uid), let gid = attributes.network32(Log.gid) { record.owner = [uid, gid] }
    return record
  }

  /// The place in `TRACE: filter:FORWARD:rule:3 `, without prefix and blank.
  private static func trimmed(_ prefix: String) -> String {
    var place = prefix.dropFirst("TRACE: ".count)
    if place.hasSuffix(" ") { place.removeLast() }
    return String(place)
  }

  // MARK: Chains

  private enum Tables {
    static let subsystem: UInt8 = 10, newTable: UInt8 = 0, newChain: UInt8 = 3, newRule: UInt8 = 6
    static let internet: UInt8 = 1
    static let metaTrace: UInt32 = 12, firstRegister: UInt32 = 1, verdictRegister: UInt32 = 0, drop: UInt32 = 0
  }

  private static func ruleset(swallows: Bool) -> [NetlinkMessage] {
    var table = message(Tables.newTable)
    table.add(1, text: tableName)
    var messages = [table]
    for hook in 0..<5 {
      for isExit in [false, true] {
        let name = "\(ObserverRecord.hookNames[hook])-\(isExit ? "exit" : "entry")"
        messages.append(chain(name, hook: UInt32(hook), priority: isExit ? .max : .min))
        let isSource = !isExit && (hook == 0 || hook == 3)
        let isSink = isExit && hook == 1 && swallows
        messages.append(
          rule(
            in: name, group: firstGroup + UInt16(2 * hook) + (isExit ? 1 : 0), traces: isSource, drops: isSink))
      }
    }
    return [batch(NetlinkMessage.Control.batchBegin)] + messages + [batch(NetlinkMessage.Control.batchEnd)]
  }

  private static func batch(_ type: UInt16) -> NetlinkMessage {
    NetlinkMessage(type: type, body: [0, 0, 0, Tables.subsystem])
  }

  private static func message(_ type: UInt8) -> NetlinkMessage {
    NetlinkMessage(
      subsystem: Tables.subsystem, type, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.append, family: Tables.internet)
  }

  private static func chain(_ name: String, hook: UInt32, priority: Int32) -> NetlinkMessage {
    var chain = message(Tables.newChain)
    chain.add(1, text: tableName)
    chain.add(3, text: name)
    chain.add(4) { place in
      place.add(1, network32: hook)
      place.add(2, network32: UInt32(bitPattern: priority))
    }
    chain.add(7, text: "filter")
    return chain
  }

  private static func rule(in chain: String, group: UInt16, traces: Bool, drops: Bool) -> NetlinkMessage {
    var rule = message(Tables.newRule)
    rule.add(1, text: tableName)
    rule.add(2, text: chain)
    rule.add(4) { expressions in
      if traces {
        expression("immediate", in: &expressions) { data in
          data.add(1, network32: Tables.firstRegister)
          data.add(2) { $0.add(1, [1]) }
        }
        expression("meta", in: &expressions) { data in
          data.add(2, network32: Tables.metaTrace)
          data.add(3, network32: Tables.firstRegister)
        }
      }
      expression("log", in: &expressions) { $0.add(1, network16: group) }
      if drops {
        expression("immediate", in: &expressions) { data in
          data.add(1, network32: Tables.verdictRegister)
          data.add(2) { value in value.add(2) { $0.add(1, network32: Tables.drop) } }
        }
      }
    }
    return rule
  }

  private static func expression(_ name: String, in list: inout NetlinkMessage, _ build: @escaping (inout NetlinkMessage) -> Void) {
    list.add(1) { element in
      element.add(1, text: name)
      element.add(2, nested: build)
    }
  }
}
