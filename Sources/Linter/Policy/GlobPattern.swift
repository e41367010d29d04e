/// A pattern of file names: `*` stands for any text without a slash, `**` for any text, `?` for one character, `[a-z]` for one of a set.
public struct GlobPattern: Sendable, Hashable {
  /// The pattern as written.
  public let text: String
  private let bytes: [UInt8]

  /// Creates a pattern.
  public init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
  }

  /// Whether the text has a character with a special meaning.
  public var isLiteral: Bool { !bytes.contains { Self.special.contains($0) } }

  private static let special: Set<UInt8> = Set("*?[".utf8)

  private static let anyFolders = Array("**/".utf8)

  /// Whether a path matches. A pattern without a slash is compared with the last part of the path, another one with the whole path or any
  /// part of it that begins behind a slash.
  public func matches(path: String) -> Bool {
    let path = Array(path.utf8)
    let slash = UInt8(ascii: "/")
    guard bytes.contains(slash) else {
      return matches(path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path[...])
    }
    if matches(path[...]) { return true }
    return path.indices.contains { path[$0] == slash && matches(path[($0 + 1)...]) }
  }

  /// Whether a text matches as a whole. The time is at most the product of both lengths.
  public func matches(_ name: ArraySlice<UInt8>) -> Bool {
    var reached: Set<Int> = []
    func add(_ place: Int) {
      var place = place
      // `**/` also stands for nothing, so that `**/x` matches `x`.
      if bytes[place...].starts(with: Self.anyFolders) { add(place + Self.anyFolders.count) }
      while reached.insert(place).inserted, place < bytes.count, bytes[place] == UInt8(ascii: "*") { place += 1 }
    }
    add(0)
    for byte in name {
      let before = reached
      reached = []
      for place in before where place < bytes.count {
        switch bytes[place] {
        case UInt8(ascii: "*"):
          let isDouble = place + 1 < bytes.count && bytes[place + 1] == bytes[place] || place > 0 && bytes[place - 1] == bytes[place]
          if isDouble || byte != UInt8(ascii: "/") { add(place) }
        case UInt8(ascii: "?"): if byte != UInt8(ascii: "/") { add(place + 1) }
        case UInt8(ascii: "["):
          guard let end = bytes[(place + 1)...].dropFirst().firstIndex(of: UInt8(ascii: "]")) else {
            if byte == bytes[place] { add(place + 1) }
            continue
          }
          if Self.set(bytes[(place + 1)..<end], has: byte) { add(end + 1) }
        default: if byte == bytes[place] { add(place + 1) }
        }
      }
      if reached.isEmpty { return false }
    }
    return reached.contains(bytes.count)
  }

  private static func set(_ set: ArraySlice<UInt8>, has byte: UInt8) -> Bool {
    let isInverted = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
    let set = isInverted ? set.dropFirst() : set
    var at = set.startIndex
    var isFound = false
    while at < set.endIndex {
      if at + 2 < set.endIndex, set[at + 1] == UInt8(ascii: "-") {
        isFound = isFound || set[at] <= byte && byte <= set[at + 2]
        at += 3
      } else {
        isFound = isFound || set[at] == byte
        at += 1
      }
    }
    return isFound != isInverted
  }
}
