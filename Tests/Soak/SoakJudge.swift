import Conntrack
import Evaluator
import Wire
import XTables

/// Holds what a step did against what must always be.
struct SoakJudge {
  private var counters: [[Counters]] = []
  /// The connections that the stream of events says are there.
  private var told: Set<ConnectionHandle> = []

  /// New rules begin to count at zero.
  mutating func forgetCounters() { counters = [] }

  // MARK: Packets

  /// What left is well formed. Checksums are those of the packets that came, or right.
  func judge(_ report: PathReport, isSound: Bool) -> [String] {
    var findings: [String] = []
    for packet in report.packets where packet.verdict.isUndecided {
      findings.append("nothing is said of \(packet.packet.brief): \(packet.verdict)")
    }
    for departure in report.departures {
      let isOwn = report.packets[departure.report].origin == .own
      let mustHold = isSound || !isOwn && departure.packet.isMadeByHost
      guard let fault = departure.packet.fault(mustHold: mustHold) else { continue }
      findings.append("\(fault) in what left through \(departure.interface): \(Hex.string(departure.packet.bytes))")
    }
    return findings
  }

  // MARK: The host

  mutating func judge(_ simulator: Simulator, step: Int, _ digest: inout Digest) -> [String] {
    var findings = simulator.inconsistencies() + hear(simulator, &digest)
    if let table = simulator.world.conntrack, table.count > Int(simulator.conntrackSettings.max) {
      findings.append("\(table.count) connections are more than may be")
    }
    let now = simulator.counters
    if counters.count == now.count {
      for (old, new) in zip(counters, now) {
        for (old, new) in zip(old, new) where new.packets < old.packets || new.bytes < old.bytes {
          findings.append("a rule that had counted \(old) counts \(new)")
        }
      }
    }
    counters = now
    if step % 64 == 0 {
      // Listing removes what has expired, of which events tell too.
      let connections = simulator.connections()
      findings += hear(simulator, &digest)
      let listed = Set(connections.compactMap(\.handle))
      for connection in connections where connection.handle.map({ !told.contains($0) }) ?? true {
        findings.append("events have not told of \(connection.extendedLine)")
      }
      let gone = told.subtracting(listed).count
      if gone != 0 { findings.append("events have not told that \(gone) connections are gone") }
    }
    return findings
  }

  private mutating func hear(_ simulator: Simulator, _ digest: inout Digest) -> [String] {
    var findings: [String] = []
    for event in simulator.world.conntrack?.takeEvents() ?? [] {
      digest.add(event.line)
      findings += judge(event)
    }
    return findings
  }

  // MARK: Events

  private mutating func judge(_ event: ConntrackEvent) -> [String] {
    switch event {
    case .new(let snapshot):
      guard let handle = snapshot.handle, told.insert(handle).inserted else { return ["\(snapshot.original) is told to be new twice"] }
    // One that stands in the table for its answers alone is never told to be new.
    case .update(let snapshot) where !snapshot.status.contains(.natClash):
      guard let handle = snapshot.handle, told.contains(handle) else {
        return ["\(snapshot.original) is told to have changed, and is not there"]
      }
    case .destroy(let snapshot) where !snapshot.status.contains(.natClash):
      guard let handle = snapshot.handle, told.remove(handle) != nil else {
        return ["\(snapshot.original) is told to have gone, and was not there"]
      }
    case .update, .destroy, .expectationNew, .expectationDestroy: break
    }
    return []
  }
}

extension PacketVerdict {
  /// Nobody has said what became of the packet, or nobody could.
  fileprivate var isUndecided: Bool {
    switch self {
    case .unknown, .refused("the packet was not processed"): true
    default: false
    }
  }
}

extension Packet {
  /// An ICMP error or a reset: copies that TEE makes are neither, under the rules here.
  fileprivate var isMadeByHost: Bool {
    if let icmp { return ICMPHeader.isError(type: icmp.type) }
    if let icmpv6 { return ICMPHeader.isErrorV6(type: icmpv6.type) }
    return tcp?.flags.contains(.rst) == true
  }

  /// What is wrong with a packet on the wire.
  fileprivate func fault(mustHold: Bool) -> String? {
    guard let family, let at = transport else { return "no network header" }
    if family == .ipv4 {
      guard let header = ipv4, header.headerLength >= IPv4Header.minimumLength, header.headerLength <= count else {
        return "a bad header length"
      }
      if header.totalLength != count { return "a total length of \(header.totalLength) for \(count) bytes" }
      if isHeaderChecksumValid != true { return "a wrong header checksum" }
    } else {
      guard let header = ipv6 else { return "no IPv6 header" }
      // No length announces a jumbo payload, which the kernel takes at its word before it has seen the option.
      let isJumbo = header.payloadLength == 0 && header.nextHeader == .hopByHop
      if !isJumbo, header.payloadLength + IPv6Header.length != count { return "a wrong payload length" }
    }
    if ttl == 0 { return "a lifetime of 0" }
    guard mustHold, at.fragmentOffset == 0, !at.moreFragments else { return nil }
    if isTransportChecksumValid == false { return "a wrong transport checksum" }
    if let udp, udp.length != count - at.offset { return "a UDP length of \(udp.length) for \(count - at.offset) bytes" }
    return nil
  }
}

/// FNV-1a over 64 bits.
struct Digest: CustomStringConvertible {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    state = (state ^ 0xFF) &* 0x100_0000_01B3
  }

  mutating func add(_ text: String) { add(text.utf8) }

  mutating func add(_ report: PathReport) {
    for packet in report.packets { add(packet.verdict.name) }
    for departure in report.departures {
      add(departure.interface)
      add(departure.packet.bytes)
    }
    add("\(report.sockets.count)")
  }

  var description: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension ConntrackEvent {
  /// A line that tells events apart.
  var line: String {
    switch self {
    case .new(let snapshot): "new " + snapshot.extendedLine
    case .update(let snapshot): "update " + snapshot.extendedLine
    case .destroy(let snapshot): "destroy " + snapshot.extendedLine
    case .expectationNew(let snapshot): "expect " + snapshot.line
    case .expectationDestroy(let snapshot): "unexpect " + snapshot.line
    }
  }
}
