/// The state that extensions keep between packets: for one rule (`limit`, `quota`, `statistic`), or under a name shared by rules
/// (`recent`, `hashlimit`, `RATEEST`).
public final class ExtensionMemory {
  private var byRule: [Int: Any] = [:]
  private var byName: [String: Any] = [:]

  /// How often an extension has used its state. A state that no packet of the run has made is empty.
  public private(set) var uses = 0

  /// Creates an empty memory.
  public init() {}

  /// Calls `body` with the state of the match or target numbered `slot`, which `initial` makes at the first call.
  public func withState<State, Result>(
    of slot: Int, initial: @autoclosure () -> State, _ body: (inout State) -> Result
  ) -> Result {
    uses &+= 1
    var state = byRule.removeValue(forKey: slot) as? State ?? initial()
    defer { byRule[slot] = state }
    return body(&state)
  }

  /// The state of the match or target numbered `slot`; nil if none was made.
  public func state<State>(of slot: Int) -> State? { byRule.isEmpty ? nil : byRule[slot] as? State }

  /// Calls `body` with the state of a shared name such as `recent/DEFAULT`, which `initial` makes at the first call.
  public func withState<State, Result>(
    named name: String, initial: @autoclosure () -> State, _ body: (inout State) -> Result
  ) -> Result {
    uses &+= 1
    var state = byName.removeValue(forKey: name) as? State ?? initial()
    defer { byName[name] = state }
    return body(&state)
  }

  /// Discards the state of all rules, as the replacement of a table does. Named state is kept.
  public func forgetRules() { byRule.removeAll() }

  /// Discards the state of the rules of one table, whose slots are numbered consecutively.
  public func forgetRules(from first: Int, count: Int) {
    byRule = byRule.filter { !(first..<(first + count)).contains($0.key) }
  }
}
