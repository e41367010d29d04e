/// What `ip -j route` prints between `encap` and the gateway or interface of a route.
package enum ListedEncapsulation {
  private static let name = Array("\"encap\"".utf8)
  private static let ends = ["\"gateway\"", "\"via\"", "\"dev\"", "}"].map { Array($0.utf8) }

  /// The text with blanks for the description of each encapsulation, whose kind stays. It has members with the names of the route's, such as a
  /// second `dst`. No place moves.
  package static func removed(from text: [UInt8]) -> [UInt8] {
    guard text.firstRange(of: name) != nil else { return text }
    var text = text
    var rest = text.indices
    while let found = text[rest].firstRange(of: name) {
      // The kind is a word: it ends at the comma.
      let kindEnd = text[found.upperBound...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? text.endIndex
      let end = ends.compactMap { text[kindEnd...].firstRange(of: $0)?.lowerBound }.min() ?? text.endIndex
      for place in kindEnd..<end where place > kindEnd { text[place] = UInt8(ascii: " ") }
      rest = end..<text.endIndex
    }
    return text
  }
}
