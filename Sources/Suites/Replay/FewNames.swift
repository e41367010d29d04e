/// Values by name, for a few names that recur in every packet: found by comparison, which takes less time than a hash.
public struct FewNames<Value> {
  private var entries: [(name: String, value: Value)] = []

  /// Creates a list without names.
  public init() {}

  /// The value of a name.
  ///
  /// - Parameter make: makes the value when the name is asked for the first time.
  public mutating func value(of name: String, _ make: () -> Value) -> Value {
    for entry in entries where entry.name == name { return entry.value }
    let value = make()
    entries.append((name, value))
    return value
  }
}
