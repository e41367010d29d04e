import Diagnostics
import Wire
import XTables

/// Finds the shape of a line, and the values in it, by its words.
///
/// Each edge of the tree is a word, or any word of the simple form that belongs to a place. A line whose words lead to the end of a shape
/// means what the first line of the shape means, with other values.
struct ShapeTree {
  private struct Node {
    /// The first edge with a word; -1 if there is none.
    var firstEdge: Int32 = -1
    /// The number of edges with words.
    var edgeCount: Int32 = 0
    /// The node behind a value, and the index of its place; -1 if no value may follow.
    var valueNode: Int32 = -1
    var place: Int32 = -1
    /// The shape of a line that ends here; -1 if there is none.
    var shape: Int32 = -1
  }

  private struct Edge {
    /// Up to eight first bytes of the word.
    let key: UInt64
    let length: Int32
    /// The place in ``words`` of the bytes after the eighth.
    let rest: Int32
    let node: Int32
    /// The next edge of the same node; -1 after the last one.
    let next: Int32
  }

  /// A line of a known shape.
  struct Match {
    let shape: Int
    /// The offset of the line after this one.
    let end: Int
  }

  /// The most nodes. Rulesets with more are so varied that shapes do not help: then all are forgotten, and learnt anew.
  private static let mostNodes = 8_192
  /// The most different words in the same place of a line.
  private static let mostEdges = 64
  /// The most values of a line.
  static let mostValues = 8

  private let family: Family
  private var nodes = [Node()]
  private var edges: [Edge] = []
  private var words: [UInt8] = []
  private var places: [ValuePlace] = []
  /// The number of shapes.
  private(set) var count = 0

  init(_ family: Family) { self.family = family }

  /// The number of shapes that are learnt before any line has had one of them.
  private static let unprovenShapes = 64

  /// Whether another shape is worth its learning: not where hardly a line has the shape of an earlier one.
  ///
  /// - Parameter used: the number of lines that had a known shape.
  func isWorthLearning(after used: Int) -> Bool { count <= Self.unprovenShapes + used }

  /// Whether there are too many shapes to learn another one.
  var isFull: Bool { nodes.count > Self.mostNodes }

  /// Forgets all shapes.
  mutating func forget() {
    if count == 0, nodes.count == 1 { return }
    self = ShapeTree(family)
  }

  // MARK: Reading

  /// Reads the words of a line.
  ///
  /// - Parameters:
  ///   - start: the offset of the first word.
  ///   - values: receives the values in order.
  /// - Returns: nil if the line has no known shape, or is not terminated.
  func match(_ text: [UInt8], from start: Int, into values: inout [PlainValue]) -> Match? {
    let bytes = text.span
    values.removeAll(keepingCapacity: true)
    var at = start
    var node = nodes[0]
    while true {
      while at < bytes.count, Lexer.isBlank(bytes[at]) { at += 1 }
      guard at < bytes.count else { return nil }
      if bytes[at] == UInt8(ascii: "\n") { return node.shape < 0 ? nil : Match(shape: Int(node.shape), end: at + 1) }
      if node.firstEdge >= 0, let edge = edge(of: node, bytes, at: &at) {
        node = nodes[Int(edges[edge].node)]
        continue
      }
      guard node.valueNode >= 0, let value = places[Int(node.place)].read(text, at: &at, family), at < bytes.count,
        bytes[at] == UInt8(ascii: "\n") || Lexer.isBlank(bytes[at])
      else { return nil }
      values.append(value)
      node = nodes[Int(node.valueNode)]
    }
  }

  /// The edge with the word at an offset, which is moved behind the word; nil if there is none.
  private func edge(of node: Node, _ text: Span<UInt8>, at: inout Int) -> Int? {
    var end = at
    var key: UInt64 = 0
    let short = min(at + 8, text.count)
    while end < short, !Self.endsWord(text[end]) {
      key = key << 8 | UInt64(text[end])
      end += 1
    }
    if end == short { while end < text.count, !Self.endsWord(text[end]) { end += 1 } }
    // Only values have quotes.
    if end < text.count, text[end] == UInt8(ascii: "\"") { return nil }
    let length = end - at
    var edge = Int(node.firstEdge)
    while edge >= 0 {
      let candidate = edges[edge]
      if candidate.key == key, candidate.length == length, length <= 8 || isRest(candidate, text, at + 8..<end) {
        at = end
        return edge
      }
      edge = Int(candidate.next)
    }
    return nil
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    byte <= UInt8(ascii: "\"") && (byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\"") || Lexer.isBlank(byte))
  }

  private func isRest(_ edge: Edge, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let words = words.span
    var place = Int(edge.rest)
    for index in range {
      if text[index] != words[place] { return false }
      place += 1
    }
    return true
  }

  // MARK: Learning

  /// Adds the shape of a line that the parser has read.
  ///
  /// - Parameters:
  ///   - line: the places of the words in `text`.
  ///   - valued: the words that are values, by their index in the line, in order.
  ///   - values: receives the values.
  /// - Returns: the index of the new shape; nil if the line has a word with quotes that is no value, a value of no simple form, too
  ///   many values, or a shape that is known.
  mutating func learn(
    _ text: [UInt8], _ line: LineWords, _ valued: [(word: Int, place: ValuePlace)], into values: inout [PlainValue]
  ) -> Int? {
    guard valued.count <= Self.mostValues, !isFull else { return nil }
    values.removeAll(keepingCapacity: true)
    for (word, place) in valued {
      let range = line.range(of: word).range
      var at = range.lowerBound
      guard let value = place.read(text, at: &at, family), at == range.upperBound else { return nil }
      values.append(value)
    }
    var node = 0
    var next = 0
    for word in 0..<line.count {
      if next < valued.count, valued[next].word == word {
        guard let following = step(from: node, valued[next].place) else { return nil }
        node = following
        next += 1
      } else {
        guard line.isUnchanged(word), let following = step(from: node, text.span, line.range(of: word).range) else { return nil }
        node = following
      }
    }
    guard next == valued.count, nodes[node].shape < 0 else { return nil }
    nodes[node].shape = Int32(count)
    count += 1
    return count - 1
  }

  /// Makes the lines of a shape unknown again.
  mutating func refuse(_ shape: Int) {
    for node in nodes.indices where nodes[node].shape == Int32(shape) { nodes[node].shape = -1 }
  }

  private mutating func step(from node: Int, _ place: ValuePlace) -> Int? {
    if nodes[node].valueNode >= 0 { return places[Int(nodes[node].place)] == place ? Int(nodes[node].valueNode) : nil }
    nodes[node].place = Int32(places.count)
    places.append(place)
    nodes[node].valueNode = Int32(nodes.count)
    nodes.append(Node())
    return nodes.count - 1
  }

  private mutating func step(from node: Int, _ text: Span<UInt8>, _ word: Range<Int>) -> Int? {
    var at = word.lowerBound
    if let known = edge(of: nodes[node], text, at: &at) { return Int(edges[known].node) }
    guard nodes[node].edgeCount < Self.mostEdges, !word.isEmpty else { return nil }
    var key: UInt64 = 0
    for index in word.prefix(8) { key = key << 8 | UInt64(text[index]) }
    let rest = Int32(words.count)
    for index in word.dropFirst(8) { words.append(text[index]) }
    edges.append(
      Edge(key: key, length: Int32(word.count), rest: rest, node: Int32(nodes.count), next: nodes[node].firstEdge))
    nodes[node].firstEdge = Int32(edges.count - 1)
    nodes[node].edgeCount += 1
    nodes.append(Node())
    return nodes.count - 1
  }
}
