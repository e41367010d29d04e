public import Documents
public import Scenarios
internal import Wire

/// The initial sequence numbers of a kernel. It chooses them at random, and what becomes of a segment with an absolute sequence or acknowledgment
/// number depends on them: whether it is old, in the window, or invalid.
extension LabEngine {
  /// The answer to a scenario, with the initial sequence numbers of a kernel's answer if the answers differ otherwise.
  public func play(_ scenario: Scenario, beside kernel: JSONValue) -> LabResult {
    let comparison = LabComparison(scenario)
    var scenario = scenario
    var ours = play(scenario)
    // Each time, the answers are alike for at least one more connection.
    for _ in 0..<8 where comparison.firstDifference(ours.json, kernel) != nil {
      let followed = LabEngine.sequences(ours.json, kernel, scenario.followedSequences)
      guard followed != scenario.followedSequences else { break }
      scenario.followedSequences = followed
      ours = play(scenario)
    }
    return ours
  }

  /// The numbers of the kernel's SYNs by those that the engine draws.
  ///
  /// - Parameter known: those that the engine followed already.
  private static func sequences(_ ours: JSONValue, _ theirs: JSONValue, _ known: [UInt32: UInt32]) -> [UInt32: UInt32] {
    var known = known
    for (mine, other) in zip(ours["steps"]?.elements ?? [], theirs["steps"]?.elements ?? []) {
      for (mine, other) in zip(mine["packets"]?.elements ?? [], other["packets"]?.elements ?? []) {
        guard let shown = opening(mine), let wanted = opening(other), shown != wanted else { continue }
        known[known.first { $0.value == shown }?.key ?? shown] = wanted
      }
    }
    return known
  }

  /// The sequence number of a SYN.
  private static func opening(_ record: JSONValue) -> UInt32? {
    guard let bytes = record["final"]?.text.flatMap({ Hex.bytes($0) }), let tcp = Packet(bytes: bytes).tcp else { return nil }
    return tcp.flags.contains(.syn) ? tcp.sequence : nil
  }
}
