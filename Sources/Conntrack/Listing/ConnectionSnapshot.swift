import Wire

/// All data of a connection at one instant, for listings and events.
public struct ConnectionSnapshot: Sendable {
  /// The handle; nil for a connection parsed from a listing.
  public var handle: ConnectionHandle?
  /// The tuple of the original direction.
  public var original: Tuple
  /// The tuple of the reply direction.
  public var reply: Tuple
  /// The status bits.
  public var status: ConnectionStatus
  /// The name of the TCP or SCTP state; nil for other protocols.
  public var state: String?
  /// Whole seconds until it expires.
  public var timeout: UInt32
  /// The connection mark.
  public var mark: UInt32 = 0
  /// The zone.
  public var zone = Zone.default
  /// The connection labels, bit by bit.
  public var labels: UInt128 = 0
  /// The name of the helper; nil for none.
  public var helper: String?
  /// Packets and bytes of both directions; nil if the listing has none.
  public var accounting: ConnectionAccounting?
  /// The original tuple of the connection that expected this one.
  public var master: Tuple?
  /// The sequence adjustments of the original and the reply direction; nil if there are none.
  public var sequenceAdjustments: (SequenceAdjustment, SequenceAdjustment)?
  /// When the connection was confirmed; nil if unknown.
  public var start: Instant?
  /// The changes that an event reports; empty in a listing.
  public var changes: ConnectionEvents = []

  /// Creates a snapshot without the rarely used fields.
  public init(original: Tuple, reply: Tuple, status: ConnectionStatus, state: String?, timeout: UInt32) {
    self.original = original
    self.reply = reply
    self.status = status
    self.state = state
    self.timeout = timeout
  }
}

extension ConnectionSnapshot {
  /// One line as `conntrack -L -o extended` prints it; `ConnectionListing` parses it. Labels are shown by number.
  public var extendedLine: String {
    let family = original.family == .ipv4 ? "ipv4     2 " : "ipv6     10 "
    var parts = ["\(family)\(padded(protocolName, 8)) \(original.proto.rawValue) \(timeout)"]
    if let state { parts.append(state) }
    parts += direction(
      original, zone: zone.directions == .original ? zone.id : 0, accounting.map { ($0.originalPackets, $0.originalBytes) })
    if !status.contains(.seenReply) { parts.append("[UNREPLIED]") }
    parts += direction(reply, zone: zone.directions == .reply ? zone.id : 0, accounting.map { ($0.replyPackets, $0.replyBytes) })
    if let progress { parts.append(progress) }
    parts.append("mark=\(mark)")
    if zone.directions == .both, zone.id != 0 { parts.append("zone=\(zone.id)") }
    if let helper { parts.append("helper=\(helper)") }
    parts.append("use=1")
    if labels != 0 {
      parts.append("labels=" + (0..<128).filter { labels >> UInt128($0) & 1 == 1 }.map { "\($0)" }.joined(separator: ","))
    }
    return parts.joined(separator: " ")
  }

  private var progress: String? {
    if status.contains(.hardwareOffload) { return "[HW_OFFLOAD]" }
    if status.contains(.offload) { return "[OFFLOAD]" }
    return status.contains(.assured) ? "[ASSURED]" : nil
  }

  /// The tool has names for these protocols only.
  private var protocolName: String {
    switch original.proto {
    case .tcp, .udp, .udplite, .icmp, .icmpv6, .sctp, .dccp, .gre: original.proto.description
    default: "unknown"
    }
  }

  private func direction(_ tuple: Tuple, zone: UInt16, _ counters: (UInt64, UInt64)?) -> [String] {
    var parts = ["src=\(tuple.source)", "dst=\(tuple.destination)"]
    if tuple.isICMP {
      parts += ["type=\(tuple.icmpType)", "code=\(tuple.icmpCode)", "id=\(tuple.icmpIdentifier)"]
    } else if tuple.proto == .gre {
      parts += ["srckey=0x\(String(tuple.sourceID, radix: 16))", "dstkey=0x\(String(tuple.destinationID, radix: 16))"]
    } else if tuple.proto.hasPorts {
      parts += ["sport=\(tuple.sourceID)", "dport=\(tuple.destinationID)"]
    }
    if zone != 0 { parts.append(self.zone.directions == .original ? "zone-orig=\(zone)" : "zone-reply=\(zone)") }
    if let counters { parts += ["packets=\(counters.0)", "bytes=\(counters.1)"] }
    return parts
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.utf8.count, 0))
  }
}

extension ExpectationSnapshot {
  /// One line as `conntrack -L expect` prints it.
  public var line: String {
    let tuple = expectation.tuple
    let mask = expectation.mask
    var parts = ["\(timeout)", "proto=\(tuple.proto.rawValue)"]
    parts += ["src=\(tuple.source)", "dst=\(tuple.destination)"] + ids(tuple)
    parts += ["mask-src=\(mask.source)", "mask-dst=\(mask.destination)"] + ids(mask)
    if let master { parts += ["master-src=\(master.source)", "master-dst=\(master.destination)"] + ids(master) }
    let names = expectation.flags.names
    if !names.isEmpty { parts.append(names.joined(separator: ",")) }
    parts.append("class=\(expectation.policyClass)")
    if let helper { parts.append("helper=\(helper)") }
    return parts.joined(separator: " ")
  }

  private func ids(_ tuple: Tuple) -> [String] {
    if tuple.proto == .gre {
      return ["srckey=0x\(String(tuple.sourceID, radix: 16))", "dstkey=0x\(String(tuple.destinationID, radix: 16))"]
    }
    return ["sport=\(tuple.sourceID)", "dport=\(tuple.destinationID)"]
  }
}
