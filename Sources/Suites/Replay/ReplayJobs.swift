public import Conntrack
internal import Dispatch
import Evaluator
import Wire
public import XTables

/// Carries the frames of a run in several simulators at the same time, each those between some of the hosts. The result is that of one simulator.
///
/// It is for rules and hosts without ``Evaluator/Simulator/flowTies()``. What single packets may share all the same is noticed; nothing is then
/// reported of the window of frames in which it happened, and the run has to be made by one simulator.
public struct ReplayJobs {
  /// How far the run came.
  public enum End: Sendable, Hashable {
    case complete
    /// One simulator has to carry all frames. The lines of the first ones have been given to the caller.
    case tied(String, frames: Int)
  }

  /// Carried on by one thread at a time: the windows are separated by `concurrentPerform`, which returns after its last iteration.
  private final class Lane: @unchecked Sendable {
    let lane: ReplayLane
    init(_ lane: ReplayLane) { self.lane = lane }
  }

  private let lanes: [Lane]
  private let window: Int
  private let limit: Int?

  /// The lanes; at least two.
  ///
  /// - Parameters:
  ///   - lanes: one for each share, in their order, with simulators in the same state.
  ///   - window: the number of frames after which lines are merged.
  public init(_ lanes: [ReplayLane], window: Int = 1 << 15) {
    precondition(!lanes.isEmpty && window > 0, "there are no lanes")
    self.lanes = lanes.map { Lane($0) }
    self.window = window
    limit = lanes[0].simulator.connectionLimit
  }

  /// Carries all frames.
  ///
  /// - Parameter write: is called with lines, in the order of the frames, whenever there are some.
  /// - Throws: the error that ended reading, after the lines before it; and what `write` throws.
  public func run(_ write: (inout [UInt8]) throws -> Void) throws -> End {
    var merged: [UInt8] = []
    var done = 0
    while !lanes[0].lane.isOver {
      let end = done + window
      DispatchQueue.concurrentPerform(iterations: lanes.count) { [lanes] index in lanes[index].lane.carryWindow(upTo: end) }
      if let tie { return .tied(tie, frames: done) }
      merge(into: &merged)
      if !merged.isEmpty { try write(&merged) }
      if let failed = lanes.map(\.lane).filter({ $0.window.failure != nil }).min(by: { $0.position < $1.position }),
        let failure = failed.window.failure
      {
        throw failure
      }
      done = end
    }
    return .complete
  }

  /// Why the last window has to be carried by one simulator; nil if it need not.
  private var tie: String? {
    if let first = lanes.compactMap(\.lane.window.tie).min(by: { $0.position < $1.position }) {
      let what =
        switch first.reason {
        case .shareless: "is a fragment, an ICMPv6 redirect or malformed"
        case .shared: "used what packets of all hosts share, such as a limit of what the host sends"
        }
      return "packet \(first.position + 1) \(what)"
    }
    // In one table, connections may stay longer after they have expired.
    if let limit, lanes.reduce(0, { $0 + $1.lane.simulator.connectionsMade }) >= limit { return "the table of connections may become full" }
    return nil
  }

  /// Appends the lines of the last window in the order of its frames.
  private func merge(into merged: inout [UInt8]) {
    let windows = lanes.map { (lines: $0.lane.lines, ends: $0.lane.window.ends) }
    guard windows.contains(where: { !$0.lines.isEmpty }) else { return }
    var next = [(line: Int, start: Int)](repeating: (0, 0), count: windows.count)
    for owner in lanes[0].lane.window.owners where owner != LaneWindow.nobody {
      let (line, start) = next[Int(owner)]
      // Here an error has ended the lane.
      guard line < windows[Int(owner)].ends.count else { break }
      let end = windows[Int(owner)].ends[line]
      merged += windows[Int(owner)].lines[start..<end]
      next[Int(owner)] = (line + 1, end)
    }
  }

  /// What all lanes have kept. To be called once, after ``run(_:)`` was complete.
  public func finish() -> CarriageRecord {
    var record = lanes[0].lane.finish()
    for lane in lanes.dropFirst() { record.merge(lane.lane.finish()) }
    return record
  }

  /// The connections of all simulators, lane by lane: not in the order in which one table would list them.
  public var connections: [ConnectionSnapshot] { lanes.flatMap { $0.lane.simulator.connections() } }

  /// The loaded tables with the counters of all simulators together.
  public var rulesets: [Ruleset] {
    lanes[0].lane.simulator.rulesets(countedWith: lanes.dropFirst().map(\.lane.simulator))
  }

  /// The number of frames that the host of the captures sent itself and that were not carried.
  public var skipped: Int { lanes[0].lane.skipped }
}
