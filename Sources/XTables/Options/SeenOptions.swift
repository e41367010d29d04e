/// The options that a rule has given to one match or target.
public struct SeenOptions: Sendable {
  private let names: [String]
  private(set) var bits: UInt64 = 0

  /// - Parameter names: the names of the extension's options in order; at most 64.
  init(of names: [String]) { self.names = names }

  /// Whether no option was given.
  public var isEmpty: Bool { bits == 0 }

  /// Whether the option with a name was given.
  public func contains(_ name: String) -> Bool {
    var rest = bits
    while rest != 0 {
      if names[rest.trailingZeroBitCount] == name { return true }
      rest &= rest - 1
    }
    return false
  }

  /// Whether none of the named options was given.
  public func isDisjoint(with others: some Sequence<String>) -> Bool { !others.contains(where: contains) }

  /// Whether the option at an index was given.
  public func contains(index: Int) -> Bool { bits >> UInt64(index) & 1 != 0 }

  /// Records that the option at an index was given.
  public mutating func insert(index: Int) { bits |= 1 << UInt64(index) }

  func with(bits: UInt64) -> SeenOptions {
    var copy = self
    copy.bits = bits
    return copy
  }

  /// The name of the first option in a mask that was given, or that was not given; nil if there is none.
  func first(of mask: UInt64, given: Bool) -> String? {
    let hits = given ? bits & mask : ~bits & mask
    return hits == 0 ? nil : names[hits.trailingZeroBitCount]
  }
}
