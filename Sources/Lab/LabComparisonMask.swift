internal import Wire

/// Sets aside what the protocol's mask names, in both answers at once:
///
/// - IP identifications and flow labels of packets that the kernel made, and the checksums that follow from them; the identifications of IPv6
///   fragments that it cut a packet into are counted in the order they come; a transport checksum that is right and one left to the device (`CHECKSUM_PARTIAL`) count as the same;
/// - the kernel's initial sequence numbers: numbers counted from one are written as counted from 0, and what they are adjusted by likewise;
/// - a port or an identifier that NAT or a socket chose for itself, where the two differ: the left answer is
///   rewritten to the right one's, one of ICMP that NAT chose between the two hosts of the connection alone;
/// - the host's time of day in an ICMP timestamp reply;
/// - which queue of a balance was picked;
/// - whether a fragment was kept for reassembly, or dropped by a match before any rule saw it: of neither does the kernel say a word.
struct LabMask {
  private struct Endpoint: Hashable {
    var address: String
    var port: Int
  }

  /// An identifier of ICMP between two hosts, either of which may have sent the packet.
  private struct Exchange: Hashable {
    var hosts: Set<String>
    var identifier: Int
  }

  private let fixedPorts: Set<Int>
  private let balances: [ClosedRange<Int>]
  private let ways: [Bool]
  private var ports: [Endpoint: Int] = [:]
  /// Those that NAT chose, and those of sockets.
  private var exchanges: [Exchange: Int] = [:]
  private var identifiers: [Int: Int] = [:]

  init(scenario: Scenario) {
    let words = scenario.ruleTexts.joined(separator: "\n")
      .split { $0 == " " || $0 == "\n" || $0 == "\t" }
    var fixed: Set<Int> = []
    for (option, value) in zip(words, words.dropFirst()) {
      switch option {
      case "--to-ports", "--to-port", "--to-source", "--to-destination", "--on-port":
        let port = value.split(separator: ":").last ?? value
        if let number = Int(port) { fixed.insert(number) }
      default: break
      }
    }
    fixedPorts = fixed
    balances = scenario.queueBalances
    ways = scenario.steps.map { step in
      switch step.action {
      case .local(let sender, let spec): sender.way != .raw || spec.leavesIdentification
      case .send, .close: true
      default: false
      }
    }
  }

  mutating func apply(to left: JSONValue, and right: JSONValue) -> (JSONValue, JSONValue) {
    let (left, right) = (settleSilence(left, beside: right), settleSilence(right, beside: left))
    learnPorts(left, right)
    var first = Side(mask: self, isLeft: true)
    var second = Side(mask: self, isLeft: false)
    return (first.masked(left), second.masked(right))
  }

  // MARK: Fragments of which nothing is told

  /// A fragment that was dropped by no rule counts as kept where the other answer says that it was kept.
  private func settleSilence(_ answer: JSONValue, beside other: JSONValue) -> JSONValue {
    guard case .object(var result) = answer, let steps = answer["steps"]?.elements, let others = other["steps"]?.elements else { return answer }
    result["steps"] = .array(zip(steps, others).map { step, other in
      guard case .object(var settled) = step, let packets = step["packets"]?.elements, let theirs = other["packets"]?.elements else { return step }
      var last: JSONValue?
      let records = zip(packets, theirs).map { record, other -> JSONValue in
        guard case .object(var settled) = record, record["verdict"] == "drop", other["verdict"] == "absorbed", record["by"] == nil,
          record["trace"]?.elements?.isEmpty ?? true, LabMask.packet(record).map(LabMask.isFragment) == true
        else { return record }
        settled["verdict"] = "absorbed"
        last = "absorbed"
        return .object(settled)
      }
      settled["packets"] = .array(records + packets.dropFirst(records.count))
      if let last, case .object(var verdict)? = step["verdict"], verdict["verdict"] == "drop", verdict["by"] == nil {
        verdict["verdict"] = last
        settled["verdict"] = .object(verdict)
      }
      return .object(settled)
    } + steps.dropFirst(others.count))
    return .object(result)
  }

  private static func isFragment(_ packet: Packet) -> Bool {
    packet.ipv4?.isFragment ?? (Side.fragmentHeader(packet) != nil)
  }

  // MARK: Ports that were free to choose

  private static func connections(_ result: JSONValue) -> [(key: String, entry: JSONValue)] {
    var lists = (result["steps"]?.elements ?? []).flatMap { ($0["ct"]?.elements ?? []) + ($0["conntrack"]?.elements ?? []) }
    lists += result["conntrack"]?.elements ?? []
    return lists.compactMap { entry in
      guard let original = entry["orig"] else { return nil }
      return ("\(entry["proto"]?.description ?? "")\(original)\(entry["zone"]?.description ?? "")", entry)
    }
  }

  private mutating func learnPorts(_ left: JSONValue, _ right: JSONValue) {
    // A connection may come to be again after its end, and be translated otherwise then.
    let known = Dictionary(grouping: LabMask.connections(right), by: \.key)
    var seen: [String: Int] = [:]
    for (key, entry) in LabMask.connections(left) {
      let place = seen[key, default: 0]
      seen[key] = place + 1
      guard let others = known[key], others.indices.contains(place) else { continue }
      let other = others[place].entry
      guard let original = entry["orig"], let mine = entry["reply"], let theirs = other["reply"] else { continue }
      learn(mine, theirs, address: "dst", port: "dport", from: original["sport"]?.integer)
      learn(mine, theirs, address: "src", port: "sport", from: original["dport"]?.integer)
      // An identifier of ICMP is chosen as a port is: at random, where the one asked for is taken.
      if let a = mine["id"]?.integer, let b = theirs["id"]?.integer, let asked = original["id"]?.integer, a != b, a != asked, b != asked,
        let hosts = LabMask.hosts(mine), hosts == LabMask.hosts(theirs)
      {
        exchanges[Exchange(hosts: hosts, identifier: a)] = b
      }
    }
    for (a, b) in zip(left["steps"]?.elements ?? [], right["steps"]?.elements ?? []) {
      guard let index = a["i"]?.integer, ways.indices.contains(index), ways[index] else { continue }
      for (mine, theirs) in zip(a["packets"]?.elements ?? [], b["packets"]?.elements ?? []) { learnSender(mine, theirs) }
      // Where its source is translated, the packet no longer has the port that its socket was given.
      for (mine, theirs) in zip(a["ct"]?.elements ?? [], b["ct"]?.elements ?? []) where mine["event"] == "NEW" && theirs["event"] == "NEW" {
        guard let one = mine["orig"], let other = theirs["orig"] else { continue }
        learn(one, other, address: "src", port: "sport", from: nil)
      }
    }
  }

  private mutating func learn(_ mine: JSONValue, _ theirs: JSONValue, address: String, port: String, from asked: Int?) {
    guard let place = mine[address]?.text, place == theirs[address]?.text, let a = mine[port]?.integer, let b = theirs[port]?.integer,
      a != b, a != asked, b != asked, !fixedPorts.contains(a), !fixedPorts.contains(b)
    else { return }
    ports[Endpoint(address: place, port: a)] = b
  }

  private static func hosts(_ tuple: JSONValue) -> Set<String>? {
    guard let source = tuple["src"]?.text, let destination = tuple["dst"]?.text else { return nil }
    return [source, destination]
  }

  /// What an identifier between hosts is called in the right answer.
  private func renamed(_ identifier: Int, _ hosts: Set<String>?) -> Int? {
    hosts.flatMap { exchanges[Exchange(hosts: $0, identifier: identifier)] } ?? identifiers[identifier]
  }

  /// The ports and identifiers of sockets that were bound to none.
  private mutating func learnSender(_ mine: JSONValue, _ theirs: JSONValue) {
    guard let a = LabMask.packet(mine), let b = LabMask.packet(theirs), let source = a.source, source == b.source else { return }
    if let x = LabMask.sourcePort(a), let y = LabMask.sourcePort(b), x != y { ports[Endpoint(address: "\(source)", port: x)] = y }
    if let x = (a.icmp ?? a.icmpv6)?.identifier, let y = (b.icmp ?? b.icmpv6)?.identifier, x != y { identifiers[Int(x)] = Int(y) }
  }

  private static func packet(_ record: JSONValue) -> Packet? {
    (record["final"] ?? record["hex"])?.text.flatMap { Hex.bytes($0) }.map { Packet(bytes: $0) }
  }

  private static func sourcePort(_ packet: Packet) -> Int? {
    guard let at = packet.transport, at.proto.hasPorts, at.fragmentOffset == 0 else { return nil }
    return packet.bytes.uint16(at: at.offset).map { Int($0) }
  }

  // MARK: One answer

  /// One of the two answers, with the initial sequence numbers that its kernel has chosen so far.
  private struct Side {
    let mask: LabMask
    let isLeft: Bool
    var initialSequences: [UInt32] = []
    /// Identifications that the kernel chose for fragments, and which they are in the order they came.
    var cuts: [UInt32: UInt32] = [:]
    /// How many of them were chosen before the step: a packet put in by it can know no others.
    var earlierSequences = 0

    init(mask: LabMask, isLeft: Bool) {
      self.mask = mask
      self.isLeft = isLeft
    }

    mutating func masked(_ result: JSONValue) -> JSONValue {
      guard case .object(var line) = result else { return result }
      if let steps = line["steps"]?.elements { line["steps"] = .array(steps.map { step($0) }) }
      for name in ["conntrack", "expect"] {
        if let list = line[name] { line[name] = tuples(adjustments(list)) }
      }
      return .object(line)
    }

    private mutating func step(_ value: JSONValue) -> JSONValue {
      guard case .object(var step) = value else { return value }
      let isWay = step["i"]?.integer.map { mask.ways.indices.contains($0) && mask.ways[$0] } ?? false
      let records = step["packets"]?.elements ?? []
      let made = records.map { isWay || $0["origin"] == "kernel" }
      earlierSequences = initialSequences.count
      // The step's own packet came before whatever was said to it.
      if let injected = step["injected"] { step["injected"] = packet(injected, isMade: false, field: "hex") }
      for (record, made) in zip(records, made) where made { learnSequence(record) }
      let briefs = { (wanted: Bool) in
        Set(zip(records, made).filter { $0.1 == wanted && $0.0["verdict"] == "sent" }.compactMap { $0.0["brief"]?.text })
      }
      let (own, kernels) = (briefs(false), briefs(true))
      step["packets"] = .array(zip(records, made).map { packet($0.0, isMade: $0.1, quotesMade: isWay, field: "final") })
      // What passed the hooks without a Fragment header and leaves with one got it here.
      let areCut = records.allSatisfy { LabMask.packet($0).map { Side.fragmentHeader($0) == nil } ?? true }
      if let egress = step["egress"]?.elements {
        // Which of two interfaces sent first nobody outside can tell.
        let grouped = Dictionary(grouping: egress) { $0["if"]?.text ?? "" }.sorted { $0.key < $1.key }.flatMap(\.value)
        step["egress"] = .array(grouped.map { record in
          let brief = record["brief"]?.text ?? ""
          return packet(record, isMade: !own.contains(brief) && (kernels.contains(brief) || own.isEmpty), quotesMade: isWay, field: "hex", isCut: areCut)
        })
      }
      if let verdict = step["verdict"] { step["verdict"] = queue(verdict) }
      for name in ["ct", "conntrack", "expect", "sockets"] {
        if let list = step[name] { step[name] = tuples(adjustments(list)) }
      }
      return .object(step)
    }

    private mutating func learnSequence(_ record: JSONValue) {
      guard let packet = LabMask.packet(record), let tcp = packet.tcp, tcp.flags.contains(.syn) else { return }
      initialSequences.append(tcp.sequence)
    }

    /// Where the Fragment header of an IPv6 packet stands.
    static func fragmentHeader(_ packet: Packet) -> Int? {
      guard packet.family == .ipv6, var headers = IPv6ExtensionHeaders(packet.bytes) else { return nil }
      while let header = headers.next() { if header.proto == .fragment { return header.offset } }
      return nil
    }

    private mutating func packet(_ value: JSONValue, isMade: Bool, quotesMade: Bool = false, field: String, isCut: Bool = false) -> JSONValue {
      guard case .object(var record) = queue(value) else { return value }
      if let stays = record["queued"]?.elements {
        record["queued"] = .array(stays.map { stay in
          guard case .object(var stay) = queue(stay) else { return stay }
          stay["brief"] = nil
          return .object(stay)
        })
      }
      record["brief"] = nil
      record["pkt"] = nil
      if let bytes = record[field]?.text.flatMap({ Hex.bytes($0) }) {
        record[field] = .string(Hex.string(masked(bytes, isMade: isMade, quotesMade: quotesMade, isCut: isCut)))
      }
      return .object(record)
    }

    /// A queue of a balance stands for the first of them.
    private func queue(_ value: JSONValue) -> JSONValue {
      guard case .object(var record) = value, let number = record["queue"]?.integer,
        let balance = mask.balances.first(where: { $0.contains(number) })
      else { return value }
      record["queue"] = .integer(balance.lowerBound)
      return .object(record)
    }

    private mutating func masked(_ bytes: [UInt8], isMade: Bool, quotesMade: Bool = false, isCut: Bool = false) -> [UInt8] {
      var packet = Packet(bytes: bytes)
      packet.settleChecksum()
      packet.settleTimestamps()
      if isMade, quotesMade { maskQuote(&packet) }
      packet.settleQuote()
      if isMade, packet.family == .ipv4 {
        packet.bytes.setUInt16(0, at: IPv4Header.Offset.identification)
        packet.updateHeaderChecksum()
      } else if isMade, let version = packet.bytes.uint32(at: 0) {
        packet.bytes.setUInt32(version & 0xFFF0_0000, at: 0)
      }
      if isMade || isCut, let header = Side.fragmentHeader(packet), let chosen = packet.bytes.uint32(at: header &+ 4) {
        let number = cuts[chosen] ?? UInt32(cuts.count + 1)
        cuts[chosen] = number
        packet.bytes.setUInt32(number, at: header &+ 4)
      }
      guard let at = packet.transport, at.fragmentOffset == 0 else { return packet.bytes }
      if at.proto == .tcp { countSequences(&packet.bytes, at: at.offset, isMade ? initialSequences[...] : initialSequences.prefix(earlierSequences)) }
      if isLeft { rename(&packet, at) }
      return packet.bytes
    }

    /// An error may quote a packet that the kernel made.
    private mutating func maskQuote(_ packet: inout Packet) {
      guard let at = packet.transport, at.proto == .icmp || at.proto == .icmpv6, let type = packet.bytes.uint8(at: at.offset),
        at.proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
      else { return }
      let start = min(at.offset + ICMPHeader.length, packet.bytes.count)
      var quote = Packet(bytes: masked(Array(packet.bytes[start...]), isMade: true))
      if let inner = quote.transport, let field = Packet.checksumOffset(of: inner.proto) {
        quote.bytes.setUInt16(0, at: inner.offset + field)
      }
      packet.bytes.replaceSubrange(start..., with: quote.bytes)
    }

    private func countSequences(_ bytes: inout [UInt8], at offset: Int, _ known: ArraySlice<UInt32>) {
      for field in [TCPHeader.Offset.sequence, TCPHeader.Offset.acknowledgment] {
        guard let number = bytes.uint32(at: offset &+ field) else { continue }
        guard let start = known.last(where: { number &- $0 < 0x1_0000 }) else { continue }
        bytes.setUInt32(number &- start, at: offset &+ field)
      }
    }

    private func rename(_ packet: inout Packet, _ at: TransportLocator) {
      if at.proto.hasPorts {
        for (end, field) in [(packet.source, 0), (packet.destination, 2)] {
          guard let end, let port = packet.bytes.uint16(at: at.offset &+ field),
            let other = mask.ports[Endpoint(address: "\(end)", port: Int(port))]
          else { continue }
          packet.bytes.setUInt16(UInt16(truncatingIfNeeded: other), at: at.offset &+ field)
        }
      } else if let icmp = packet.icmp ?? packet.icmpv6, !(packet.family == .ipv4 ? ICMPHeader.isError(type: icmp.type) : ICMPHeader.isErrorV6(type: icmp.type)),
        let source = packet.source,
        let destination = packet.destination, let other = mask.renamed(Int(icmp.identifier), ["\(source)", "\(destination)"])
      {
        packet.bytes.setUInt16(UInt16(truncatingIfNeeded: other), at: at.offset &+ ICMPHeader.Offset.identifier)
      }
    }

    /// How far a SYN proxy's numbers are from the server's, counted from its own: `[position, before, after]`.
    private func adjustments(_ value: JSONValue) -> JSONValue {
      guard let list = value.elements else { return value }
      return .array(list.map { entry in
        guard case .object(var object) = entry else { return entry }
        for name in ["seqadj_orig", "seqadj_reply"] {
          guard let numbers = object[name]?.elements else { continue }
          object[name] = .array(numbers.map { number in
            guard let offset = number.integer.map({ UInt32(truncatingIfNeeded: $0) }),
              let start = initialSequences.last(where: { $0 &- offset < 0x1_0000 })
            else { return number }
            return .integer(-Int(start &- offset))
          })
        }
        return .object(object)
      })
    }

    /// The same renaming in conntrack's tuples and in the ends of sockets.
    private func tuples(_ value: JSONValue) -> JSONValue {
      guard isLeft else { return value }
      switch value {
      case .array(let elements):
        if elements.count == 2, let address = elements[0].text, let port = elements[1].integer,
          let other = mask.ports[Endpoint(address: address, port: port)]
        {
          return [elements[0], .integer(other)]
        }
        return .array(elements.map { tuples($0) })
      case .object(var object):
        for index in object.members.indices { object.members[index].value = tuples(object.members[index].value) }
        for (address, port) in [("src", "sport"), ("dst", "dport")] {
          guard let place = object[address]?.text, let number = object[port]?.integer,
            let other = mask.ports[Endpoint(address: place, port: number)]
          else { continue }
          object[port] = .integer(other)
        }
        if let number = object["id"]?.integer, let hosts = LabMask.hosts(value), let other = mask.renamed(number, hosts) {
          object["id"] = .integer(other)
        }
        return .object(object)
      default: return value
      }
    }
  }
}
