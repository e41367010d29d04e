import Wire

/// Parses one line of a listing, as libnetfilter_conntrack's `snprintf_default.c` or the kernel's `ct_seq_show` writes it.
struct ConnectionLineReader {
  private static let directed: Set<String> = [
    "src", "dst", "sport", "dport", "type", "code", "id", "srckey", "dstkey", "zone-orig", "zone-reply", "packets", "bytes",
  ]
  private static let general: Set<String> = [
    "mark", "secmark", "secctx", "zone", "delta-time", "helper", "use", "id", "labels",
  ]
  private static let marks: Set<String> = ["[UNREPLIED]", "[ASSURED]", "[OFFLOAD]", "[HW_OFFLOAD]"]

  private let words: ArraySlice<ListingWord>
  private let end: Range<Int>
  private var proto = IPProtocol(rawValue: 0)
  /// The fields of the original direction, of the reply direction, and of the connection.
  private var fields: [[String: ListingWord]] = [[:], [:], [:]]
  private var flags: Set<String> = []
  private var directions = 0

  /// - Parameter words: the words of the line, at least one.
  init(_ words: [ListingWord]) {
    self.words = words[...]
    let last = words.last?.range.upperBound ?? 0
    end = last..<last
  }

  mutating func connection(label: (String) -> UInt16?) throws(ConnectionListingError) -> ConnectionSnapshot {
    var rest = words
    let family = try network(&rest)
    try transport(&rest)
    let timeout = try timeout(&rest)
    let state = try state(&rest)
    for word in rest { try take(word) }
    guard directions == 2 else { throw missing(directions == 0 ? "src=" : "the reply's src=") }
    let original = try tuple(0)
    let reply = try tuple(1)
    if let family, family.kind != original.family {
      throw ConnectionListingError("its addresses are of another family", at: family.word.range)
    }
    guard original.family == reply.family else {
      throw ConnectionListingError("the reply is of another family", at: fields[1]["src"]?.range ?? end)
    }
    let isOffloaded = flags.contains("[OFFLOAD]") || flags.contains("[HW_OFFLOAD]")
    guard timeout != nil || isOffloaded else { throw missing("the timeout") }
    var snapshot = ConnectionSnapshot(
      original: original, reply: reply, status: status(original, reply), state: state,
      timeout: timeout ?? ConnectionLineReader.offloadTimeout)
    if isOffloaded, state == nil, proto == .tcp { snapshot.state = TCPConntrackState.established.name }
    snapshot.mark = try number("mark", of: 2) ?? 0
    snapshot.helper = fields[2]["helper"]?.text
    snapshot.zone = try zone()
    snapshot.accounting = try accounting()
    snapshot.labels = try labels(label)
    return snapshot
  }

  /// The timeout of offloaded connections in seconds; listings do not show it. Kernel: `NF_CT_DAY`.
  private static let offloadTimeout: UInt32 = 86400

  // MARK: The beginning

  private func network(_ rest: inout ArraySlice<ListingWord>) throws(ConnectionListingError) -> (kind: Family, word: ListingWord)? {
    guard let first = rest.first, let kind: Family = ["ipv4": .ipv4, "ipv6": .ipv6][first.text] else { return nil }
    rest.removeFirst()
    let wanted = kind == .ipv4 ? "2" : "10"
    guard let second = rest.popFirst() else { throw missing(wanted) }
    guard second.text == wanted else { throw ConnectionListingError("\(first.text) has the number \(wanted)", at: second.range) }
    return (kind, first)
  }

  private mutating func transport(_ rest: inout ArraySlice<ListingWord>) throws(ConnectionListingError) {
    guard let name = rest.popFirst() else { throw missing("the protocol") }
    guard let number = rest.popFirst() else { throw missing("the protocol's number") }
    guard let value = UInt8(number.text) else {
      throw ConnectionListingError("`\(number.text)' is not a protocol number", at: number.range)
    }
    proto = IPProtocol(rawValue: value)
    guard name.text == "unknown" || name.text == proto.description else {
      throw ConnectionListingError("protocol \(value) is not \(name.text)", at: name.range)
    }
  }

  private func timeout(_ rest: inout ArraySlice<ListingWord>) throws(ConnectionListingError) -> UInt32? {
    guard let word = rest.first, word.text.utf8.first.map({ (0x30...0x39).contains($0) }) == true else { return nil }
    rest.removeFirst()
    guard let value = UInt32(word.text) else { throw ConnectionListingError("`\(word.text)' is not a number of seconds", at: word.range) }
    return value
  }

  private func state(_ rest: inout ArraySlice<ListingWord>) throws(ConnectionListingError) -> String? {
    // The kernel's file shows a GRE connection's initial timeouts before its addresses: `timeout=30, stream_timeout=180`.
    while let key = rest.first?.field?.key, key == "timeout" || key == "stream_timeout" { rest.removeFirst() }
    guard let word = rest.first, word.field == nil, !word.text.hasPrefix("[") else { return nil }
    rest.removeFirst()
    let isKnown: Bool
    switch proto {
    case .tcp: isKnown = TCPConntrackState(name: word.text) != nil
    case .sctp: isKnown = SCTPConntrackState.allCases.contains { $0.name == word.text }
    case .dccp: isKnown = true
    default: throw ConnectionListingError("a connection of \(proto) has no state", at: word.range)
    }
    guard isKnown else { throw ConnectionListingError("\(proto) has no state \(word.text)", at: word.range) }
    return word.text
  }

  // MARK: Fields

  private mutating func take(_ word: ListingWord) throws(ConnectionListingError) {
    if word.text.hasPrefix("[start=") || word.text.hasPrefix("[stop=") { return }
    if ConnectionLineReader.marks.contains(word.text) {
      guard flags.insert(word.text).inserted else { throw ConnectionListingError("\(word.text) appears twice", at: word.range) }
      return
    }
    guard let (key, value) = word.field else {
      throw ConnectionListingError("`\(word.text)' is not a field of a connection", at: word.range)
    }
    if key == "src" {
      guard directions < 2 else { throw ConnectionListingError("there are two directions, no more", at: word.range) }
      directions += 1
    }
    var place = 2
    if ConnectionLineReader.directed.contains(key) {
      // The first `id' of an ICMP line is the identifier of the echo request; a later one is the connection's id.
      let isOfConnection = key == "id" && (!proto.isICMP || directions == 2 && fields[1]["id"] != nil)
      guard directions > 0 else { throw ConnectionListingError("\(key)= must follow src=", at: word.range) }
      place = isOfConnection ? 2 : directions - 1
    } else if !ConnectionLineReader.general.contains(key) {
      throw ConnectionListingError("`\(key)' is not a field of a connection", at: word.range)
    }
    guard fields[place].updateValue(value, forKey: key) == nil else {
      throw ConnectionListingError("\(key)= appears twice", at: word.range)
    }
  }

  private func missing(_ what: String) -> ConnectionListingError { ConnectionListingError("\(what) is missing", at: end) }

  private func number<Value: FixedWidthInteger & UnsignedInteger>(_ key: String, of place: Int) throws(ConnectionListingError) -> Value? {
    guard let word = fields[place][key] else { return nil }
    let value = word.text.hasPrefix("0x") ? Value(word.text.dropFirst(2), radix: 16) : Value(word.text)
    guard let value, !word.text.hasPrefix("+") else { throw ConnectionListingError("`\(word.text)' is not a valid \(key)", at: word.range) }
    return value
  }

  private func needed<Value: FixedWidthInteger & UnsignedInteger>(_ key: String, of place: Int) throws(ConnectionListingError) -> Value {
    guard let value: Value = try number(key, of: place) else { throw missing(place == 0 ? "\(key)=" : "the reply's \(key)=") }
    return value
  }

  private func address(_ key: String, of place: Int) throws(ConnectionListingError) -> IPAddress {
    guard let word = fields[place][key] else { throw missing(place == 0 ? "\(key)=" : "the reply's \(key)=") }
    guard let address = IPAddress(word.text) else { throw ConnectionListingError("`\(word.text)' is not an address", at: word.range) }
    return address
  }

  private func tuple(_ place: Int) throws(ConnectionListingError) -> Tuple {
    let source = try address("src", of: place)
    let destination = try address("dst", of: place)
    var ids: (UInt16, UInt16) = (0, 0)
    if proto.isICMP {
      let type: UInt8 = try needed("type", of: place)
      let code: UInt8 = try needed("code", of: place)
      ids = (try needed("id", of: place), UInt16(type) << 8 | UInt16(code))
    } else if proto == .gre {
      ids = (try number("srckey", of: place) ?? 0, try number("dstkey", of: place) ?? 0)
    } else if proto.isTrackedByPort {
      ids = (try needed("sport", of: place), try needed("dport", of: place))
    } else {
      // The tool writes ports even for protocols without ports; both are 0.
      let ports: (UInt16, UInt16) = (try number("sport", of: place) ?? 0, try number("dport", of: place) ?? 0)
      guard ports == (0, 0) else {
        throw ConnectionListingError(
          "\(proto) is tracked without ports", at: (fields[place]["sport"] ?? fields[place]["dport"])?.range ?? end)
      }
    }
    guard let tuple = Tuple(proto: proto, source: source, sourceID: ids.0, destination: destination, destinationID: ids.1) else {
      throw ConnectionListingError("source and destination must be of the same address family", at: fields[place]["dst"]?.range ?? end)
    }
    return tuple
  }

  // MARK: Derived values

  private func status(_ original: Tuple, _ reply: Tuple) -> ConnectionStatus {
    var status: ConnectionStatus = [.confirmed]
    if !flags.contains("[UNREPLIED]") { status.insert(.seenReply) }
    if flags.contains("[ASSURED]") { status.insert(.assured) }
    // A listing shows no other status of an offloaded connection. Only assured connections are offloaded.
    if flags.contains("[OFFLOAD]") { status.formUnion([.assured, .offload]) }
    if flags.contains("[HW_OFFLOAD]") { status.formUnion([.assured, .offload, .hardwareOffload]) }
    return status.union(ConnectionStatus(original: original, reply: reply))
  }

  private func zone() throws(ConnectionListingError) -> Zone {
    let kinds: [(Zone.Directions, UInt16?, Range<Int>?)] = [
      (.both, try number("zone", of: 2), fields[2]["zone"]?.range),
      (.original, try number("zone-orig", of: 0), fields[0]["zone-orig"]?.range),
      (.reply, try number("zone-reply", of: 1), fields[1]["zone-reply"]?.range),
    ]
    var zone = Zone.default
    for case (let directions, let id?, let range?) in kinds where id != 0 {
      guard zone.id == 0 else { throw ConnectionListingError("a connection has one zone", at: range) }
      zone = Zone(id, directions)
    }
    return zone
  }

  private func accounting() throws(ConnectionListingError) -> ConnectionAccounting? {
    guard fields[0]["packets"] != nil || fields[1]["packets"] != nil else { return nil }
    var accounting = ConnectionAccounting()
    accounting.originalPackets = try number("packets", of: 0) ?? 0
    accounting.originalBytes = try number("bytes", of: 0) ?? 0
    accounting.replyPackets = try number("packets", of: 1) ?? 0
    accounting.replyBytes = try number("bytes", of: 1) ?? 0
    return accounting
  }

  private func labels(_ label: (String) -> UInt16?) throws(ConnectionListingError) -> UInt128 {
    guard let word = fields[2]["labels"] else { return 0 }
    var labels: UInt128 = 0
    for name in word.text.split(separator: ",") {
      guard let bit = UInt16(name) ?? label(String(name)), bit < 128 else {
        throw ConnectionListingError("there is no label `\(name)'", at: word.range)
      }
      labels |= 1 << UInt128(bit)
    }
    return labels
  }
}

extension IPProtocol {
  var isICMP: Bool { self == .icmp || self == .icmpv6 }
  /// True if the kernel has a tracker for the protocol whose tuples have ports.
  var isTrackedByPort: Bool {
    switch self {
    case .tcp, .udp, .udplite, .sctp: true
    default: false
    }
  }
}

extension ConnectionStatus {
  /// The NAT status bits that follow from two tuples.
  init(original: Tuple, reply: Tuple) {
    self = []
    guard let plain = original.inverted() else { return }
    // An ICMP identifier counts as part of the source.
    let isSourceID = original.isICMP ? plain.sourceID == reply.sourceID : plain.destinationID == reply.destinationID
    if plain.destinationBits != reply.destinationBits || !isSourceID { insert(.sourceNAT) }
    let isDestinationID = original.isICMP || plain.sourceID == reply.sourceID
    if plain.sourceBits != reply.sourceBits || !isDestinationID { insert(.destinationNAT) }
  }
}
