public import Evaluator
public import Notation
import Scenarios
import Wire

/// Carries one share of the frames through a simulator.
///
/// It reads all frames, so that the clock is that of a run which carries all of them.
public final class ReplayLane {
  private var state: LaneState

  /// Creates a lane for a share.
  ///
  /// - Parameters:
  ///   - runner: one whose simulator nobody else uses.
  ///   - frames: all frames of the run.
  public init(_ runner: PacketRunner, _ frames: any ReplayFrames, _ record: CarriageRecord, share: FlowShare = .all) {
    state = LaneState(runner, frames, record, share)
  }

  /// The host through which the packets are carried.
  public var simulator: Simulator { state.runner.simulator }
  /// The number of frames that the host of the captures sent itself and that were not carried.
  public var skipped: Int { state.skipped }
  /// The number of frames that were read.
  public var position: Int { state.position }
  /// True after the last frame.
  public var isOver: Bool { state.isOver }
  /// What was carried since the last window began.
  var window: LaneWindow { state.window }
  /// The lines of that window.
  var lines: [UInt8] { state.record.lines }

  /// Reads frames and carries those of the share.
  ///
  /// - Parameter end: the number of frames after which it stops.
  /// - Throws: what the frames throw, and ``ReplayError``.
  public func carry(upTo end: Int) throws { try state.carry(upTo: end) }

  /// As ``carry(upTo:)`` for a window whose lines are to be merged with those of other shares. An error is kept with the window.
  func carryWindow(upTo end: Int) { state.carryWindow(upTo: end) }

  /// Appends the lines that were made since the last call.
  public func takeLines(into lines: inout [UInt8]) { state.record.takeLines(into: &lines) }

  /// What is kept of all packets, without lines. To be called once, after the last one.
  public func finish() -> CarriageRecord {
    state.record.forgetLines()
    state.record.finish(in: simulator)
    return state.record
  }

  /// Carries frames as ``carry(upTo:)`` does and forgets their lines: another run has printed them.
  public func repeatSilently(upTo end: Int) throws {
    try state.carry(upTo: end)
    state.record.forgetLines()
  }
}

/// What a lane has carried between two barriers.
struct LaneWindow {
  /// Why a share cannot be carried apart from the others.
  enum Tie: Sendable {
    /// The frame is a fragment or malformed, so that it belongs to no pair of hosts.
    case shareless
    /// The packet has used what packets of other hosts use too.
    case shared
  }

  /// In place of the number of a share.
  static let nobody = UInt16.max

  /// For each frame, the share that its packet belongs to; ``nobody`` if it was not carried.
  var owners: [UInt16] = []
  /// The ends of the lines of this share.
  var ends: [Int] = []
  /// The first packet that cannot be carried apart from others, by the number of its frame from 0, and why; nil if there was none.
  var tie: (position: Int, reason: Tie)?
  /// The error that ended reading.
  var failure: (any Error)?
}

/// The state of a lane. A value: the properties of a class would cost checks of exclusive access for each packet.
private struct LaneState {
  let runner: PacketRunner
  var record: CarriageRecord
  private(set) var skipped = 0
  private(set) var position = 0
  private(set) var isOver = false
  private(set) var window = LaneWindow()

  private let share: FlowShare
  private let start: Simulator.SharedState
  private var frames: any ReplayFrames
  private var frame = ReplayFrame()
  private var hits = HitLog()
  private var ports: [(name: String, port: PacketRunner.Port)] = []

  init(_ runner: PacketRunner, _ frames: any ReplayFrames, _ record: CarriageRecord, _ share: FlowShare) {
    var runner = runner
    runner.followsFlows = false
    runner.simulator.recordsTrace = false
    (self.runner, self.frames, self.record, self.share) = (runner, frames, record, share)
    start = runner.simulator.sharedState
  }

  mutating func carry(upTo end: Int) throws {
    let simulator = runner.simulator
    while position < end {
      guard try frames.next(&frame) else {
        isOver = true
        return
      }
      simulator.advance(nanoseconds: frame.passed)
      if isOwn() { carryFrame(through: simulator, try portOfFrame()) }
      position += 1
    }
  }

  /// The place of the frame's interface in ``ports``.
  @inline(__always)
  private mutating func portOfFrame() throws -> Int {
    for place in ports.indices where ports[place].name == frame.interface { return place }
    let port = runner.port(named: frame.interface)
    guard port.interface != nil else { throw ReplayError.noInterface(frame.interface) }
    ports.append((frame.interface, port))
    return ports.count - 1
  }

  mutating func carryWindow(upTo end: Int) {
    window.owners.removeAll(keepingCapacity: true)
    window.ends.removeAll(keepingCapacity: true)
    record.forgetLines()
    do { try carry(upTo: end) } catch { window.failure = error }
  }

  /// True if the frame is to be carried by this lane.
  @inline(__always)
  private mutating func isOwn() -> Bool {
    if frame.isOutgoing {
      skipped += 1
      if share.count > 1 { window.owners.append(LaneWindow.nobody) }
      return false
    }
    guard share.count > 1 else { return true }
    let owner = FlowShare.number(of: frame.packet, among: share.count)
    if owner == nil, window.tie == nil { window.tie = (position, .shareless) }
    window.owners.append(owner.map { UInt16(truncatingIfNeeded: $0) } ?? LaneWindow.nobody)
    return owner == share.number
  }

  @inline(__always)
  private mutating func carryFrame(through simulator: Simulator, _ place: Int) {
    frame.packet.completeChecksum()
    let tuple = frame.packet.portTuple
    record.begin(frame.packet, on: frame.interface, position: position)
    switch runner.passCaptured(&frame.packet, at: ports[place].port, noting: &hits) {
    case .repeated(let repetition): record.end(frame.packet, repetition, simulator)
    case .carried(let carriage):
      record.end(CarriedPacket(tuple, frame.packet, carriage, hits), hits, simulator)
      if share.count > 1, window.tie == nil, simulator.breaksIndependence(since: start) { window.tie = (position, .shared) }
    case nil: break
    }
    if share.count > 1 { window.ends.append(record.lines.count) }
  }
}

/// Why frames cannot be replayed.
public enum ReplayError: Error, Sendable, Hashable {
  /// The host has no interface of this name, at which a frame arrived.
  case noInterface(String)
}
