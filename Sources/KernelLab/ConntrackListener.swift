internal import Conntrack
internal import Kernel
internal import Lab
internal import Wire

/// Conntrack of a network namespace: what it tells its listeners, and what it holds.
struct ConntrackListener {
  private var events: NetlinkSocket
  private var requests: NetlinkSocket
  /// The connections of which a beginning was told and no end, in that order: the order of listings. Each with the question for it.
  private var known: [(key: String, question: NetlinkMessage)] = []
  private var hasSeenConnection = false
  private var hasSeenExpectation = false
  /// Some rules keep conntrack from telling of connections: then they are found by walking over all.
  var walks = false

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
      case .connection(.new, let connection):
        hasSeenConnection = true
        known.append((ConntrackListener.key(connection), ConntrackListener.question(message)))
      case .connection(.destroy, let connection):
        let key = ConntrackListener.key(connection)
        known.removeAll { $0.key == key }
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

  /// The question for the connection that an event is about: its family, original tuple and zone.
  private static func question(_ event: NetlinkMessage) -> NetlinkMessage {
    var question = NetlinkMessage(subsystem: Message.connections, Message.get, family: event.body.first ?? 0)
    let attributes = event.attributes(from: 4)
    for type in [ConntrackReading.originalTuple, ConntrackReading.zone] {
      if let payload = attributes[type] { question.add(type, payload) }
    }
    return question
  }

  /// All connections, those first that began first. Each is asked for by its tuple: a listing walks the hash table of the whole
  /// machine, which takes a thousand times as long.
  mutating func connections() throws(KernelError) -> [LabConnection] {
    if walks { return try walkedConnections() }
    var found: [LabConnection] = []
    for (key, question) in known {
      guard let answer = try requests.get(question, what: "asking for a connection").flatMap({ ConntrackReading.connection($0) }) else { continue }
      // Zones of one direction let two connections have a tuple in common, of which the newer one answers.
      if ConntrackListener.key(answer) != key { return try walkedConnections() }
      found.append(answer)
    }
    return found
  }

  /// The same by walking.
  mutating func walkedConnections() throws(KernelError) -> [LabConnection] {
    let found = try ConntrackListener.walk(&requests)
    var place: [String: Int] = [:]
    for (index, entry) in known.enumerated() { place[entry.key] = index }
    return found.map { ($0, place[ConntrackListener.key($0)] ?? .max) }.sorted { $0.1 < $1.1 }.map(\.0)
  }

  /// All connections of the socket's namespace, in the order of the hash table.
  static func walk(_ requests: inout NetlinkSocket) throws(KernelError) -> [LabConnection] {
    let request = NetlinkMessage(subsystem: Message.connections, Message.get)
    return try requests.dump(request, what: "listing connections").compactMap { ConntrackReading.connection($0) }
  }

  mutating func expectations() throws(KernelError) -> [LabExpectation] {
    guard hasSeenExpectation else { return [] }
    let request = NetlinkMessage(subsystem: Message.expectations, Message.get)
    return try requests.dump(request, what: "listing expectations").compactMap { ConntrackReading.expectation($0) }
  }

  /// Enters connections, the first first.
  mutating func enter(_ listing: ConnectionListing) throws(KernelError) {
    if let error = listing.errors.first { throw KernelError(.malformed("ct_from: \(error.message)")) }
    for entry in listing.entries {
      try requests.request([ConntrackWriting.message(entry.connection)], what: "entering the connection \(entry.connection.original)")
    }
  }

  /// Forgets all connections, and that there ever were any.
  mutating func forget() throws(KernelError) {
    if hasSeenConnection || walks { try flush() }
    _ = try newEvents()
    known = []
    (hasSeenConnection, hasSeenExpectation, walks) = (false, false, false)
  }

  /// Forgets all connections of the namespace, and with them what they expect.
  mutating func flush() throws(KernelError) {
    try requests.request([NetlinkMessage(subsystem: Message.connections, Message.delete)], what: "forgetting connections")
  }
}
