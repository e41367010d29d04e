internal import Kernel
internal import Lab
internal import Wire

/// Conntrack of a network namespace: what it tells its listeners, and what it holds.
struct ConntrackListener {
  private var events: NetlinkSocket
  private var requests: NetlinkSocket
  /// The connections of which a beginning was told, in that order: the order of listings.
  private var order: [String] = []
  private var hasSeenExpectation = false

  private enum Message {
    static let connections: UInt8 = 1, expectations: UInt8 = 2
    static let new: UInt8 = 0, get: UInt8 = 1, delete: UInt8 = 2
  }

  init() throws(KernelError) {
    events = try NetlinkSocket(.netfilter, receiveBuffer: 8 << 20)
    requests = try NetlinkSocket(.netfilter)
    // New, changed and gone connections; new, changed and gone expectations.
    for group in 1...6 as ClosedRange<Int32> { try events.join(group: group) }
    try HostFile.write("1", to: "/proc/sys/net/netfilter/nf_conntrack_events")
    try HostFile.write("1", to: "/proc/sys/net/netfilter/nf_conntrack_acct")
  }

  /// What was told since the last reading.
  mutating func newEvents() throws(KernelError) -> [LabConntrackEvent] {
    var found: [LabConntrackEvent] = []
    for message in try events.receiveAll() {
      guard let event = ConntrackListener.event(message) else { continue }
      switch event {
      case .connection(.new, let connection): order.append(ConntrackListener.key(connection))
      case .expectation: hasSeenExpectation = true
      default: break
      }
      found.append(event)
    }
    return found
  }

  static func event(_ message: NetlinkMessage) -> LabConntrackEvent? {
    let kind: LabConntrackEvent.Kind
    switch UInt8(message.type & 0xFF) {
    case Message.new:
      kind = message.flags & (NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding) != 0 ? .new : .update
    case Message.delete: kind = .destroy
    default: return nil
    }
    switch UInt8(message.type >> 8) {
    case Message.connections: return ConntrackReading.connection(message).map { .connection(kind, $0) }
    case Message.expectations: return ConntrackReading.expectation(message).map { .expectation(kind, $0) }
    default: return nil
    }
  }

  private static func key(_ connection: LabConnection) -> String {
    "\(connection.proto) \(connection.original.json) \(connection.zone)"
  }

  /// All connections, those first that began first. Nothing is asked where nothing ever began: a listing walks the hash table of
  /// the whole machine.
  mutating func connections() throws(KernelError) -> [LabConnection] {
    guard !order.isEmpty else { return [] }
    let request = NetlinkMessage(subsystem: Message.connections, Message.get)
    let found = try requests.dump(request, what: "listing connections").compactMap { ConntrackReading.connection($0) }
    var place: [String: Int] = [:]
    for (index, key) in order.enumerated() { place[key] = index }
    return found.map { ($0, place[ConntrackListener.key($0)] ?? .max) }.sorted { $0.1 < $1.1 }.map(\.0)
  }

  mutating func expectations() throws(KernelError) -> [LabExpectation] {
    guard hasSeenExpectation else { return [] }
    let request = NetlinkMessage(subsystem: Message.expectations, Message.get)
    return try requests.dump(request, what: "listing expectations").compactMap { ConntrackReading.expectation($0) }
  }

  /// Forgets all connections of the namespace, and with them what they expect.
  mutating func flush() throws(KernelError) {
    try requests.request([NetlinkMessage(subsystem: Message.connections, Message.delete)], what: "forgetting connections")
  }
}
