import Documents
import Notation
import Scenarios
internal import Wire

/// Masks the differences that the protocol allows, in both answers at once:
///
/// - IP identifications and flow labels of packets made by the kernel, and the checksums that depend on them. Identifications of IPv6 fragments
///   are replaced by their order of occurrence. A valid transport checksum equals one left to the device (`CHECKSUM_PARTIAL`).
/// - The kernel's initial sequence numbers: sequence numbers become relative to them, and so do their adjustments.
/// - Ports and ICMP identifiers chosen by NAT or a socket: if they differ, the left answer gets those of the right one. An ICMP identifier
///   chosen by NAT is replaced only between the two hosts of the connection.
/// - The time of day in an ICMP timestamp reply.
/// - The queue chosen by a queue balance.
/// - The step in which the kernel removes an expired connection; see ``LabRemovals``.
/// - Whether a fragment was kept for reassembly, or dropped by a match before any rule hit: the kernel reports neither.
struct LabMask {
  private struct Endpoint: Hashable {
    var address: String
    var port: Int
  }

  /// An ICMP identifier between two hosts, in either direction.
  private struct Exchange: Hashable {
    var hosts: Set<String>
    var identifier: Int
  }

  private let fixedPorts: Set<Int>
  private let balances: [ClosedRange<Int>]
  private let ways: [Bool]
  private var ports: [Endpoint: Int] = [:]
  /// Identifiers chosen by NAT, and below those chosen by sockets.
  private var exchanges: [Exchange: Int] = [:]
  private var identifiers: [Int: Int] = [:]

  /// nf_tables tells which rule dropped a packet, but not all bytes of the packet.
  private let hidesDropped: Bool
  /// The steps in which time passes, if the connections are listed after each step.
  private let waits: [Bool]

  init(scenario: Scenario) {
    hidesDropped = scenario.usesNfTables
    waits = scenario.steps.map { scenario.listsConntrackEachStep && $0.sleep > 0 }
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
    var (left, right) = (settleSilence(left, beside: right), settleSilence(right, beside: left))
    if waits.contains(true) {
      (left, right) = (LabRemovals.settle(left, beside: right, in: waits), LabRemovals.settle(right, beside: left, in: waits))
    }
    learnPorts(left, right)
    var first = Side(mask: self, isLeft: true)
    var second = Side(mask: self, isLeft: false)
    return (first.masked(left), second.masked(right))
  }

  // MARK: Fragments without a reported outcome

  /// A fragment that no rule dropped, or that routing dropped, counts as kept for reassembly if the other answer says so: the kernel's traces do
  /// not tell these apart.
  private func settleSilence(_ answer: JSONValue, beside other: JSONValue) -> JSONValue {
    guard case .object(var result) = answer, let steps = answer["steps"]?.elements, let others = other["steps"]?.elements else {
      return answer
    }
    result["steps"] = .array(
      zip(steps, others).map { step, other in
        guard case .object(var settled) = step, let packets = step["packets"]?.elements, let theirs = other["packets"]?.elements else {
          return step
        }
        var last: JSONValue?
        let records = zip(packets, theirs).map { record, other -> JSONValue in
          guard case .object(var settled) = record, LabMask.isSilent(record), other["verdict"] == "absorbed",
            record["trace"]?.elements?.isEmpty ?? true, LabMask.packet(record).map(LabMask.isFragment) == true
          else { return record }
          settled["verdict"] = "absorbed"
          last = "absorbed"
          return .object(settled)
        }
        settled["packets"] = .array(records + packets.dropFirst(records.count))
        if let last, case .object(var verdict)? = step["verdict"], LabMask.isSilent(.object(verdict)) {
          verdict["verdict"] = last
          settled["verdict"] = .object(verdict)
        }
        return .object(settled)
      } + steps.dropFirst(others.count))
    return .object(result)
  }

  private static func isSilent(_ record: JSONValue) -> Bool {
    record["verdict"] == "drop" && record["by"] == nil || record["verdict"] == "lost"
  }

  private static func isFragment(_ packet: Packet) -> Bool {
    packet.ipv4?.isFragment ?? (Side.fragmentHeader(packet) != nil)
  }

  // MARK: Ports chosen freely

  private static func connections(_ result: JSONValue) -> [(key: String, entry: JSONValue)] {
    var lists = (result["steps"]?.elements ?? []).flatMap { ($0["ct"]?.elements ?? []) + ($0["conntrack"]?.elements ?? []) }
    lists += result["conntrack"]?.elements ?? []
    return lists.compactMap { entry in
      guard let original = entry["orig"] else { return nil }
      return ("\(entry["proto"]?.description ?? "")\(original)\(entry["zone"]?.description ?? "")", entry)
    }
  }

  private mutating func learnPorts(_ left: JSONValue, _ right: JSONValue) {
    // A connection may be created again after its end, with another translation.
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
      // NAT chooses an ICMP identifier like a port: at random, if the requested one is in use.
      if let a = mine["id"]?.integer, let b = theirs["id"]?.integer, let asked = original["id"]?.integer, a != b, a != asked, b != asked,
        let hosts = LabMask.hosts(mine), hosts == LabMask.hosts(theirs)
      {
        exchanges[Exchange(hosts: hosts, identifier: a)] = b
      }
    }
    for (a, b) in zip(left["steps"]?.elements ?? [], right["steps"]?.elements ?? []) {
      guard let index = a["i"]?.integer, ways.indices.contains(index), ways[index] else { continue }
      for (mine, theirs) in zip(a["packets"]?.elements ?? [], b["packets"]?.elements ?? []) { learnSender(mine, theirs) }
      // If its source is translated, the packet no longer has the port that the socket was given.
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

  /// The identifier used in the right answer.
  private func renamed(_ identifier: Int, _ hosts: Set<String>?) -> Int? {
    hosts.flatMap { exchanges[Exchange(hosts: $0, identifier: identifier)] } ?? identifiers[identifier]
  }

  /// The ports and identifiers of unbound sockets.
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

  /// One of the two answers, with the initial sequence numbers seen so far.
  private struct Side {
    let mask: LabMask
    let isLeft: Bool
    var initialSequences: [UInt32] = []
    /// Identifications chosen for fragments, with their order of occurrence.
    var cuts: [UInt32: UInt32] = [:]
    /// How many initial sequence numbers were seen before the step; a packet injected by the step cannot contain later ones.
    var earlierSequences = 0
    /// The segments of the step that the kernel has made, without their ports and checksums.
    var madeSegments: Set<[UInt8]> = []

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
      madeSegments = Set(zip(records, made).compactMap { $0.1 ? LabMask.packet($0.0)?.segmentBehindPorts : nil })
      earlierSequences = initialSequences.count
      // The injected packet precedes all answers to it.
      if let injected = step["injected"] { step["injected"] = packet(injected, isMade: false, field: "hex") }
      for (record, made) in zip(records, made) where made { learnSequence(record) }
      let briefs = { (wanted: Bool) in
        Set(zip(records, made).filter { $0.1 == wanted && $0.0["verdict"] == "sent" }.compactMap { $0.0["brief"]?.text })
      }
      let (own, kernels) = (briefs(false), briefs(true))
      step["packets"] = .array(zip(records, made).map { packet($0.0, isMade: $0.1, quotesMade: isWay, field: "final") })
      // A packet that passed the hooks without a Fragment header was fragmented here.
      let areCut = records.allSatisfy { LabMask.packet($0).map { Side.fragmentHeader($0) == nil } ?? true }
      if let egress = step["egress"]?.elements {
        // The order of frames on different interfaces is not observable.
        let grouped = Dictionary(grouping: egress) { $0["if"]?.text ?? "" }.sorted { $0.key < $1.key }.flatMap(\.value)
        step["egress"] = .array(
          grouped.map { record in
            let brief = record["brief"]?.text ?? ""
            return packet(
              record, isMade: !own.contains(brief) && (kernels.contains(brief) || own.isEmpty), quotesMade: isWay, field: "hex",
              isCut: areCut)
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

    /// The offset of an IPv6 packet's Fragment header.
    static func fragmentHeader(_ packet: Packet) -> Int? {
      guard packet.family == .ipv6, var headers = IPv6ExtensionHeaders(packet.bytes) else { return nil }
      while let header = headers.next() { if header.proto == .fragment { return header.offset } }
      return nil
    }

    private mutating func packet(_ value: JSONValue, isMade: Bool, quotesMade: Bool = false, field: String, isCut: Bool = false)
      -> JSONValue
    {
      guard case .object(var record) = queue(value) else { return value }
      if let stays = record["queued"]?.elements {
        record["queued"] = .array(
          stays.map { stay in
            guard case .object(var stay) = queue(stay) else { return stay }
            stay["brief"] = nil
            return .object(stay)
          })
      }
      record["brief"] = nil
      record["pkt"] = nil
      if mask.hidesDropped, record["verdict"] == "drop" { record[field] = nil }
      if let bytes = record[field]?.text.flatMap({ Hex.bytes($0) }) {
        record[field] = .string(Hex.string(masked(bytes, isMade: isMade, quotesMade: quotesMade, isCut: isCut)))
      }
      return .object(record)
    }

    /// Replaces a queue of a balance by its first queue.
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
      if isMade { maskQuote(&packet, isMade: quotesMade) }
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
      if at.proto == .tcp {
        packet.countSequences(at: at.offset, from: isMade ? initialSequences[...] : initialSequences.prefix(earlierSequences))
      }
      if isLeft { rename(&packet, at) }
      return packet.bytes
    }

    /// An ICMP error may quote a packet made by the kernel. One that begins a connection shows by its number.
    private mutating func maskQuote(_ packet: inout Packet, isMade: Bool) {
      guard let at = packet.transport, at.proto == .icmp || at.proto == .icmpv6, let type = packet.bytes.uint8(at: at.offset),
        at.proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
      else { return }
      let start = min(at.offset + ICMPHeader.length, packet.bytes.count)
      let quoted = Array(packet.bytes[start...])
      let whole = Packet(bytes: quoted)
      let opens = whole.tcp.map { initialSequences.contains($0.sequence) } ?? false
      guard isMade || opens || whole.segmentBehindPorts.map(madeSegments.contains) == true else { return }
      var quote = Packet(bytes: masked(quoted, isMade: true))
      if let inner = quote.transport, let field = Packet.checksumOffset(of: inner.proto) {
        quote.bytes.setUInt16(0, at: inner.offset + field)
      }
      packet.bytes.replaceSubrange(start..., with: quote.bytes)
    }

    private func rename(_ packet: inout Packet, _ at: TransportLocator) {
      if at.proto.hasPorts {
        for (end, field) in [(packet.source, 0), (packet.destination, 2)] {
          guard let end, let port = packet.bytes.uint16(at: at.offset &+ field),
            let other = mask.ports[Endpoint(address: "\(end)", port: Int(port))]
          else { continue }
          packet.bytes.setUInt16(UInt16(truncatingIfNeeded: other), at: at.offset &+ field)
        }
      } else if let icmp = packet.icmp ?? packet.icmpv6,
        !(packet.family == .ipv4 ? ICMPHeader.isError(type: icmp.type) : ICMPHeader.isErrorV6(type: icmp.type)),
        let source = packet.source,
        let destination = packet.destination, let other = mask.renamed(Int(icmp.identifier), ["\(source)", "\(destination)"])
      {
        packet.bytes.setUInt16(UInt16(truncatingIfNeeded: other), at: at.offset &+ ICMPHeader.Offset.identifier)
      }
    }

    /// The sequence offset between a SYN proxy's client and server, relative to the proxy's own: `[position, before, after]`.
    private func adjustments(_ value: JSONValue) -> JSONValue {
      guard let list = value.elements else { return value }
      return .array(
        list.map { entry in
          guard case .object(var object) = entry else { return entry }
          for name in ["seqadj_orig", "seqadj_reply"] {
            guard let numbers = object[name]?.elements else { continue }
            object[name] = .array(
              numbers.map { number in
                guard let offset = number.integer.map({ UInt32(truncatingIfNeeded: $0) }),
                  let start = initialSequences.last(where: { $0 &- offset < 0x1_0000 })
                else { return number }
                return .integer(-Int(start &- offset))
              })
          }
          return .object(object)
        })
    }

    /// Applies the same renaming to conntrack's tuples and to the ends of sockets.
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
