/// Which options of one match or target a rule has given.
public struct SeenOptions: Sendable {
  private let names: [String]
  private(set) var bits: UInt64 = 0

  /// - Parameter names: the options of the extension in order; at most 64.
  init(of names: [String]) { self.names = names }

  public var isEmpty: Bool { bits == 0 }

  public func contains(_ name: String) -> Bool {
    var rest = bits
    while rest != 0 {
      if names[rest.trailingZeroBitCount] == name { return true }
      rest &= rest - 1
    }
    return false
  }

  public func isDisjoint(with others: some Sequence<String>) -> Bool { !others.contains(where: contains) }

  public func contains(index: Int) -> Bool { bits >> UInt64(index) & 1 != 0 }

  public mutating func insert(index: Int) { bits |= 1 << UInt64(index) }

  func with(bits: UInt64) -> SeenOptions {
    var copy = self
    copy.bits = bits
    return copy
  }

  /// The first option of a mask that was, or was not, given.
  func first(of mask: UInt64, given: Bool) -> String? {
    let hits = given ? bits & mask : ~bits & mask
    return hits == 0 ? nil : names[hits.trailingZeroBitCount]
  }
}
