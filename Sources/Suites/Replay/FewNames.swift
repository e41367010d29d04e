/// Values by name, for a few names that recur in every packet: found by comparison, which takes less time than a hash.
public struct FewNames<Value> {
  @usableFromInline var entries: [(name: String, value: Value)] = []

  /// Creates a list without names.
  @inlinable public init() {}

  /// The value of a name. Inlinable: without specialization each look-up would ask the runtime for types.
  ///
  /// - Parameter make: makes the value when the name is asked for the first time.
  @inlinable
  public mutating func value(of name: String, _ make: () -> Value) -> Value {
    for index in entries.indices where entries[index].name == name { return entries[index].value }
    let value = make()
    entries.append((name, value))
    return value
  }
}
