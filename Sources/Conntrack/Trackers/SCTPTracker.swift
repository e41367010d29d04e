import Netfilter
import Wire

/// The states of an SCTP association, numbered as the kernel's `sctp_conntrack`.
public enum SCTPConntrackState: UInt8, Sendable, Hashable, CaseIterable {
  case none = 0
  case closed
  case cookieWait
  case cookieEchoed
  case established
  case shutdownSent
  case shutdownReceived
  case shutdownAckSent
  case heartbeatSent

  /// The kernel's name: "COOKIE_WAIT".
  public var name: String {
    switch self {
    case .none: "NONE"
    case .closed: "CLOSED"
    case .cookieWait: "COOKIE_WAIT"
    case .cookieEchoed: "COOKIE_ECHOED"
    case .established: "ESTABLISHED"
    case .shutdownSent: "SHUTDOWN_SENT"
    case .shutdownReceived: "SHUTDOWN_RECD"
    case .shutdownAckSent: "SHUTDOWN_ACK_SENT"
    case .heartbeatSent: "HEARTBEAT_SENT"
    }
  }
}

/// The state of an SCTP association. Kernel: `ip_ct_sctp`.
public struct SCTPState: Sendable {
  /// The state of the association.
  public internal(set) var state = SCTPConntrackState.none
  /// The verification tag of each direction's packets.
  var tags: InlineArray<2, UInt32> = InlineArray(repeating: 0)
  var heartbeatTagFailed = false
  var lastDirection = Direction.original

  init() {}
}

/// The chunk types that matter to the tracker (RFC 9260 §3.2).
enum SCTPChunkType {
  static let data: UInt8 = 0, initiate: UInt8 = 1, initiateAck: UInt8 = 2, heartbeat: UInt8 = 4, heartbeatAck: UInt8 = 5
  static let abort: UInt8 = 6, shutdown: UInt8 = 7, shutdownAck: UInt8 = 8, error: UInt8 = 9, cookieEcho: UInt8 = 10
  static let cookieAck: UInt8 = 11, shutdownComplete: UInt8 = 14
}

/// The next state of an association, by direction, chunk type and state.
struct SCTPTransitions: Sendable {
  /// Twenty-two rows, direction major, of nine nibbles, lowest first: the state, or 0xF for invalid.
  private let rows: InlineArray<22, UInt64>

  /// The kernel's transitions.
  static let standard = SCTPTransitions()

  private static func row(_ text: StaticString) -> UInt64 {
    let names = ["NO", "CL", "CW", "CE", "ES", "SS", "SR", "SA", "HS"]
    var row: UInt64 = 0
    for (column, word) in text.description.split(separator: " ").enumerated() {
      row |= UInt64(names.firstIndex(of: String(word)) ?? 0xF) << UInt64(4 * column)
    }
    return row
  }

  private init() {
    rows = [
      // original:  NO CL CW CE ES SS SR SA HS
      Self.row("CL CL CW CE ES CL CL SA CW"),  // INIT
      Self.row("CL CL CW CE ES SS SR SA CL"),  // INIT ACK
      Self.row("CL CL CL CL CL CL CL CL CL"),  // ABORT
      Self.row("CL CL CW CE SS SS SR SA CL"),  // SHUTDOWN
      Self.row("SA CL CW CE ES SA SA SA SA"),  // SHUTDOWN ACK
      Self.row("CL CL CW CE ES SS SR SA CL"),  // ERROR
      Self.row("CL CL CE CE ES SS SR SA CL"),  // COOKIE ECHO
      Self.row("CL CL CW CE ES SS SR SA CL"),  // COOKIE ACK
      Self.row("CL CL CW CE ES SS SR CL CL"),  // SHUTDOWN COMPLETE
      Self.row("HS CL CW CE ES SS SR SA HS"),  // HEARTBEAT
      Self.row("CL CL CW CE ES SS SR SA HS"),  // HEARTBEAT ACK
      // reply:     NO CL CW CE ES SS SR SA HS
      Self.row(".. CL CW CE ES SS SR SA .."),  // INIT
      Self.row(".. CW CW CE ES SS SR SA .."),  // INIT ACK
      Self.row(".. CL CL CL CL CL CL CL .."),  // ABORT
      Self.row(".. CL CW CE SR SS SR SA .."),  // SHUTDOWN
      Self.row(".. CL CW CE ES SA SA SA .."),  // SHUTDOWN ACK
      Self.row(".. CL CW CL ES SS SR SA .."),  // ERROR
      Self.row(".. CL CW CE ES SS SR SA .."),  // COOKIE ECHO
      Self.row(".. CL CW ES ES SS SR SA .."),  // COOKIE ACK
      Self.row(".. CL CW CE ES SS SR CL .."),  // SHUTDOWN COMPLETE
      Self.row(".. CL CW CE ES SS SR SA HS"),  // HEARTBEAT
      Self.row(".. CL CW CE ES SS SR SA ES"),  // HEARTBEAT ACK
    ]
  }

  /// The next state; nil for an invalid chunk. Chunks such as DATA do not change the state.
  func next(_ state: SCTPConntrackState, _ chunk: UInt8, _ direction: Direction) -> SCTPConntrackState? {
    let kinds: [UInt8] = [
      SCTPChunkType.initiate, SCTPChunkType.initiateAck, SCTPChunkType.abort, SCTPChunkType.shutdown,
      SCTPChunkType.shutdownAck, SCTPChunkType.error, SCTPChunkType.cookieEcho, SCTPChunkType.cookieAck,
      SCTPChunkType.shutdownComplete, SCTPChunkType.heartbeat, SCTPChunkType.heartbeatAck,
    ]
    guard let kind = kinds.firstIndex(of: chunk) else { return state }
    let row = rows[Int(direction.rawValue) * 11 + kind]
    return SCTPConntrackState(rawValue: UInt8(truncatingIfNeeded: row >> (UInt64(state.rawValue) * 4)) & 0xF)
  }
}

extension ConntrackCore {
  /// Tracks an SCTP packet. The corresponding kernel function is `nf_conntrack_sctp_packet`.
  mutating func trackSCTP(_ slot: Int, _ packet: Packet, at offset: Int, _ info: ConnectionInfo, _ hook: Hook, now: Instant)
    -> TrackerResult
  {
    guard let header = SCTPHeader(packet.bytes, at: offset) else { return .invalid(.truncated) }
    if settings.checksum, hook == .prerouting, packet.isTransportChecksumValid == false { return .invalid(.badChecksum) }
    guard let seen = chunkTypes(packet, at: offset) else { return .invalid(.fact("the SCTP chunks are malformed, or may not be bundled")) }
    let isConfirmed = entries[slot].status.contains(.confirmed)
    if !isConfirmed {
      guard !seen.contains(SCTPChunkType.abort), !seen.contains(SCTPChunkType.shutdownComplete),
        !seen.contains(SCTPChunkType.cookieAck), let fresh = startSCTP(packet, header, at: offset)
      else { return .invalid(.fact("the SCTP packet belongs to no association and cannot start one")) }
      entries[slot].tracker = .sctp(fresh)
    }
    guard case .sctp(var sctp) = entries[slot].tracker else { return .invalid(.otherTracker) }
    defer { entries[slot].tracker = .sctp(sctp) }
    let exempt: [UInt8] = [
      SCTPChunkType.initiate, SCTPChunkType.shutdownComplete, SCTPChunkType.cookieEcho, SCTPChunkType.abort,
      SCTPChunkType.shutdownAck, SCTPChunkType.heartbeat, SCTPChunkType.heartbeatAck,
    ]
    let direction = info.direction
    let tag = sctp.tags[Int(direction.rawValue)]
    if !exempt.contains(where: seen.contains), header.verificationTag != tag {
      return .invalid(.verificationTag(header.verificationTag, expected: tag))
    }

    var mayRefresh = true
    for chunk in SCTPHeader.chunks(packet.bytes, at: offset) {
      switch checkTag(&sctp, chunk, header, direction, hasData: seen.contains(SCTPChunkType.data), mayRefresh: mayRefresh) {
      case .fits: break
      case .doubtful:
        mayRefresh = false
        continue
      case .wrong: return .invalid(.verificationTag(header.verificationTag, expected: sctp.tags[Int(direction.rawValue)]))
      }
      let old = sctp.state
      guard let next = transitions(old, chunk, direction) else { return .invalid(.chunk(chunk.type, in: old, direction)) }
      if chunk.type == SCTPChunkType.initiate || chunk.type == SCTPChunkType.initiateAck {
        guard let tag = initiateTag(packet.bytes, chunk) else { return .invalid(.truncated) }
        sctp.tags[Int(direction.opposite.rawValue)] = tag
        // A repeated INIT does not renew the timeout.
        if next == .closed, old == .closed, isConfirmed { mayRefresh = false }
      }
      sctp.state = next
      guard old != next else { continue }
      entries[slot].pendingEvents.insert(.protocolInfo)
      if next == .established, !entries[slot].status.contains(.assured) {
        entries[slot].status.insert(.assured)
        entries[slot].pendingEvents.insert(.assured)
      }
    }
    if mayRefresh {
      refresh(slot, direction, timeout: timeouts(of: slot).sctp.timeout(of: sctp.state), bytes: packet.count, now: now)
    }
    return .accept
  }

  private func transitions(_ state: SCTPConntrackState, _ chunk: SCTPChunk, _ direction: Direction) -> SCTPConntrackState? {
    SCTPTransitions.standard.next(state, chunk.type, direction)
  }

  /// The types of the chunks. Nil if there are none, if one has length 0, or if a chunk that must be alone is bundled.
  /// The corresponding kernel function is `do_basic_checks`.
  private func chunkTypes(_ packet: Packet, at offset: Int) -> Set<UInt8>? {
    var seen: Set<UInt8> = []
    var mustBeAlone = false
    var count = 0
    for chunk in SCTPHeader.chunks(packet.bytes, at: offset) {
      switch chunk.type {
      case SCTPChunkType.initiate, SCTPChunkType.initiateAck, SCTPChunkType.shutdownComplete: mustBeAlone = true
      default: break
      }
      let mustBeFirst = mustBeAlone || chunk.type == SCTPChunkType.cookieAck || chunk.type == SCTPChunkType.cookieEcho
      if chunk.length == 0 || (mustBeFirst && count != 0) { return nil }
      seen.insert(chunk.type)
      count += 1
    }
    return count == 0 ? nil : seen
  }

  private func initiateTag(_ bytes: [UInt8], _ chunk: SCTPChunk) -> UInt32? {
    let start = chunk.offset &+ SCTPChunk.headerLength
    // The whole fixed part of an INIT must be there, not only the tag.
    return bytes.holds(16, at: start) ? bytes.uint32(at: start) : nil
  }

  /// The state of a new association; nil when the packet cannot start one. The corresponding kernel function is `sctp_new`.
  private func startSCTP(_ packet: Packet, _ header: SCTPHeader, at offset: Int) -> SCTPState? {
    var sctp = SCTPState()
    for chunk in SCTPHeader.chunks(packet.bytes, at: offset) {
      guard let next = SCTPTransitions.standard.next(.none, chunk.type, .original), next != .none else { return nil }
      switch chunk.type {
      case SCTPChunkType.initiate:
        guard header.verificationTag == 0, let tag = initiateTag(packet.bytes, chunk) else { return nil }
        sctp.tags[1] = tag
      case SCTPChunkType.heartbeat: sctp.tags[0] = header.verificationTag
      default: sctp.tags[1] = header.verificationTag
      }
    }
    return sctp
  }

  private enum TagCheck { case fits, doubtful, wrong }

  /// Checks the verification tag by the rules of RFC 9260 §8.5.1.
  private func checkTag(
    _ sctp: inout SCTPState, _ chunk: SCTPChunk, _ header: SCTPHeader, _ direction: Direction, hasData: Bool,
    mayRefresh: Bool
  ) -> TagCheck {
    let (own, other) = (Int(direction.rawValue), Int(direction.opposite.rawValue))
    let tag = header.verificationTag
    switch chunk.type {
    case SCTPChunkType.initiate:
      return tag == 0 ? .fits : .wrong
    case SCTPChunkType.abort, SCTPChunkType.shutdownComplete:
      // With the T flag the packet carries the tag of the other direction.
      return tag == sctp.tags[chunk.flags & 1 == 1 ? other : own] ? .fits : .wrong
    case SCTPChunkType.cookieEcho:
      return tag == sctp.tags[own] ? .fits : .wrong
    case SCTPChunkType.heartbeat, SCTPChunkType.heartbeatAck:
      if sctp.tags[own] == 0 {
        sctp.tags[own] = tag
        return .fits
      }
      if tag == sctp.tags[own] {
        sctp.heartbeatTagFailed = false
        return .fits
      }
      if hasData || !mayRefresh { return .wrong }
      if chunk.type == SCTPChunkType.heartbeat {
        sctp.heartbeatTagFailed = true
        sctp.lastDirection = direction
        return .doubtful
      }
      guard sctp.heartbeatTagFailed, sctp.lastDirection != direction else { return .wrong }
      sctp.heartbeatTagFailed = false
      sctp.tags[own] = tag
      sctp.tags[other] = 0
      return .fits
    default:
      return .fits
    }
  }
}

extension SCTPState {
  /// True for associations that shut down. The corresponding kernel function is `sctp_can_early_drop`.
  var canBeDroppedEarly: Bool {
    switch state {
    case .shutdownSent, .shutdownReceived, .shutdownAckSent: true
    default: false
    }
  }
}

extension SCTPSettings {
  /// The timeout of a state, in seconds.
  public func timeout(of state: SCTPConntrackState) -> UInt32 {
    switch state {
    case .none, .closed: closed
    case .cookieWait: cookieWait
    case .cookieEchoed: cookieEchoed
    case .established: established
    case .shutdownSent: shutdownSent
    case .shutdownReceived: shutdownReceived
    case .shutdownAckSent: shutdownAckSent
    case .heartbeatSent: heartbeatSent
    }
  }
}
