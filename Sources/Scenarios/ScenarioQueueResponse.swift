package import Documents
public import Notation
public import Wire

/// What a queue's listener does with a packet.
public struct QueueResponse: Sendable, Equatable {
  /// The verdict of a listener.
  public enum Verdict: Sendable, Equatable {
    case accept, drop, `repeat`
    /// No verdict: the packet stays in the queue.
    case hold
    case queue(UInt16)
  }
  /// The verdict.
  public var verdict: Verdict = .accept
  /// The mark set with the verdict; nil leaves the mark.
  public var mark: UInt32?
  /// Bytes of the payload to replace; lengths and checksums are updated.
  public var replacement: (old: [UInt8], new: [UInt8])?
  /// A packet to return instead.
  public var packet: PacketSpec?

  /// Creates a response that leaves the packet's bytes unchanged.
  public init(verdict: Verdict = .accept, mark: UInt32? = nil) {
    self.verdict = verdict
    self.mark = mark
  }

  /// Compares all fields; the tuple prevents synthesis.
  public static func == (a: QueueResponse, b: QueueResponse) -> Bool {
    a.verdict == b.verdict && a.mark == b.mark && a.packet == b.packet && a.replacement?.old == b.replacement?.old
      && a.replacement?.new == b.replacement?.new
  }
}

extension QueueResponse {
  package init(_ value: JSONValue, at path: String) throws(ScenarioError) {
    // A plain string is a verdict without further members.
    let reader = try ScenarioReader(value.text.map { .object(["verdict": .string($0)]) } ?? value, at: path)
    try reader.allow(only: ["verdict", "mark", "replace", "packet"])
    if let text = try reader.text("verdict") {
      switch text {
      case "accept": verdict = .accept
      case "drop": verdict = .drop
      case "repeat": verdict = .repeat
      case "hold": verdict = .hold
      default:
        guard text.hasPrefix("queue:"), let number = UInt16(text.dropFirst(6)) else {
          throw reader.error("verdict", "expected accept, drop, repeat, hold or queue:N, found \(text)")
        }
        verdict = .queue(number)
      }
    }
    mark = try reader.integer("mark")
    if let texts = try reader.texts("replace") {
      guard texts.count == 2, !texts[0].isEmpty else {
        throw reader.error("replace", "expected two texts: the one to replace, and its replacement")
      }
      replacement = (Array(texts[0].utf8), Array(texts[1].utf8))
    }
    if let fields = try reader.reader("packet") {
      try fields.allow(only: PacketSpec.memberNames)
      packet = try PacketSpec(fields)
    }
  }

  /// The verdict as in the protocol: `accept`, `queue:1`; nil for a held packet.
  public var name: String? {
    switch verdict {
    case .accept: "accept"
    case .drop: "drop"
    case .repeat: "repeat"
    case .hold: nil
    case .queue(let number): "queue:\(number)"
    }
  }
}

extension QueueResponse {
  /// The packet that replaces the queued one; nil if it continues unchanged.
  ///
  /// - Throws: `PacketFields.BuildError` if the fields do not form a packet.
  public func rewritten(_ packet: Packet) throws(PacketFields.BuildError) -> Packet? {
    if let spec = self.packet { return try spec.packet(after: TCPProgress()) }
    guard let replacement, let at = packet.transport else { return nil }
    let header: Int
    switch at.proto {
    case .tcp: header = packet.tcp?.dataOffset ?? TCPHeader.minimumLength
    case .udp, .udplite: header = UDPHeader.length
    case .icmp, .icmpv6: header = ICMPHeader.length
    default: header = 0
    }
    let start = min(at.offset &+ (at.fragmentOffset == 0 ? header : 0), packet.bytes.count)
    var changed = packet
    changed.bytes = Array(packet.bytes[..<start]) + Array(packet.bytes[start...]).replacing(replacement.old, with: replacement.new)
    guard changed.bytes != packet.bytes else { return nil }
    changed.updateLengthField()
    if at.proto == .udp {
      changed.bytes.setUInt16(
        UInt16(clamping: changed.bytes.count - at.offset), at: at.offset &+ UDPHeader.Offset.length)
    }
    changed.updateTransportChecksum()
    return changed
  }
}
