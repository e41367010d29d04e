internal import Conntrack
internal import Kernel
internal import Lab
internal import Wire

/// Conntrack of a network namespace: its events and its entries.
struct ConntrackListener {
  private var events: NetlinkSocket
  private var requests: NetlinkSocket
  /// The connections with a NEW event and no DESTROY event, in the order of creation; listings use this order. Each has the request to query it.
  private var known: [(key: String, question: NetlinkMessage)] = []
  private var hasSeenConnection = false
  private var hasSeenExpectation = false
  /// True if connections may exist without an event; they are then found by a dump of the whole table.
  var walks = false

  private enum Message {
    static let connections: UInt8 = 1, expectations: UInt8 = 2
    static let new: UInt8 = 0, get: UInt8 = 1, delete: UInt8 = 2
  }

  init() throws(KernelError) {
    events = try NetlinkSocket(.netfilter, receiveBuffer: 8 << 20)
    requests = try NetlinkSocket(.netfilter)
    // NEW, UPDATE and DESTROY of connections, and of expectations.
    for group in 1...6 as ClosedRange<Int32> { try events.join(group: group) }
    try HostFile.write("1", to: "/proc/sys/net/netfilter/nf_conntrack_events")
    try HostFile.write("1", to: "/proc/sys/net/netfilter/nf_conntrack_acct")
  }

  /// The events since the last call.
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

  /// The request for the connection of an event: its family, original tuple and zone.
  private static func question(_ event: NetlinkMessage) -> NetlinkMessage {
    var question = NetlinkMessage(subsystem: Message.connections, Message.get, family: event.body.first ?? 0)
    let attributes = event.attributes(from: 4)
    for type in [ConntrackReading.originalTuple, ConntrackReading.zone] {
      if let payload = attributes[type] { question.add(type, payload) }
    }
    return question
  }

  /// All connections in the order of creation. Each is queried by its tuple: a dump walks the hash table of the whole machine, which takes a
  /// thousand times as long.
  mutating func connections() throws(KernelError) -> [LabConnection] {
    if walks { return try walkedConnections() }
    var found: [LabConnection] = []
    for (key, question) in known {
      guard let answer = try requests.get(question, what: "querying a connection").flatMap({ ConntrackReading.connection($0) }) else {
        continue
      }
      // With zones for one direction, two connections may share a tuple; the query returns the newer one.
      if ConntrackListener.key(answer) != key { return try walkedConnections() }
      found.append(answer)
    }
    return found
  }

  /// All connections, found by a dump.
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

  /// Creates connections, in order.
  mutating func enter(_ listing: ConnectionListing) throws(KernelError) {
    if let error = listing.errors.first { throw KernelError(.malformed("ct_from: \(error.message)")) }
    for entry in listing.entries {
      try requests.request([ConntrackWriting.message(entry.connection)], what: "adding the connection \(entry.connection.original)")
    }
  }

  /// Deletes all connections, and resets the listener's state.
  mutating func forget() throws(KernelError) {
    if hasSeenConnection || walks { try flush() }
    _ = try newEvents()
    known = []
    (hasSeenConnection, hasSeenExpectation, walks) = (false, false, false)
  }

  /// Deletes all connections of the namespace, with their expectations.
  mutating func flush() throws(KernelError) {
    try requests.request([NetlinkMessage(subsystem: Message.connections, Message.delete)], what: "deleting connections")
  }
}
