/// What extensions remember between packets: by rule (`limit`, `quota`, `statistic`), or by a name shared between rules
/// (`recent`, `hashlimit`, `RATEEST`).
public final class ExtensionMemory {
  private var byRule: [Int: Any] = [:]
  private var byName: [String: Any] = [:]

  public init() {}

  /// Gives `body` the state of the rule part numbered `slot`, made by `initial` when it is first asked for.
  public func withState<State, Result>(
    of slot: Int, initial: @autoclosure () -> State, _ body: (inout State) -> Result
  ) -> Result {
    var state = byRule.removeValue(forKey: slot) as? State ?? initial()
    defer { byRule[slot] = state }
    return body(&state)
  }

  /// The same for state shared under a name such as `recent/DEFAULT`.
  public func withState<State, Result>(
    named name: String, initial: @autoclosure () -> State, _ body: (inout State) -> Result
  ) -> Result {
    var state = byName.removeValue(forKey: name) as? State ?? initial()
    defer { byName[name] = state }
    return body(&state)
  }

  /// Forgets what rules remembered, as replacing a table does; named state survives while a rule still uses it.
  public func forgetRules() { byRule.removeAll() }

  /// The same for the rule parts of one table, which are numbered in a row.
  public func forgetRules(from first: Int, count: Int) {
    byRule = byRule.filter { !(first..<(first + count)).contains($0.key) }
  }
}
