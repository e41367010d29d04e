import Diagnostics
import XTables

/// The chain and the destination of the lines of one shape.
struct ShapeRoute {
  /// The chain, if all lines name the same one.
  let chain: Int
  /// The index of the value that names the chain; nil if all lines name the same one.
  let chainValue: Int?
  /// The index of the value that names the destination; nil if the rules do not jump.
  let jumpValue: Int?
}

/// A user chain of the current table that a line has named, kept because the next line often names it again.
struct NamedChain {
  private var name: [UInt8] = []
  private(set) var index = -1

  /// What the name was for.
  enum Role: Int, CaseIterable {
    case chain, destination
  }

  init() {}

  init(_ name: ArraySlice<UInt8>, index: Int) {
    self.name = Array(name)
    self.index = index
  }

  /// Whether the chain has the name between the two offsets in `text`.
  func isNamed(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard range.count == name.count else { return false }
    let name = name.span
    for index in name.indices where name[index] != text[range.lowerBound + index] { return false }
    return true
  }
}

/// Reads lines for a sink: by their shape if it is known, otherwise by the parser, from which shapes are learnt.
extension RulesetReader {
  /// Reads complete lines.
  mutating func stream(_ text: [UInt8], into sink: any RuleSink) {
    guard !beginsWithOtherText(text) else { return }
    let bytes = text.span
    var at = 0
    while at < text.count, diagnostics.isEmpty, !needsRules {
      if let next = append(shaped: text, from: at, to: sink) {
        at = next
        continue
      }
      var end = at
      while end < text.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      end = min(end + 1, text.count)
      read(RulesetSyntax(SourceFile(name: "", bytes: Array(text[at..<end]))))
      at = end
    }
  }

  /// Appends the rule of a line whose shape is known.
  ///
  /// - Returns: the offset of the next line; nil if the parser must read the line.
  private mutating func append(shaped text: [UInt8], from start: Int, to sink: any RuleSink) -> Int? {
    guard shapes.count > 0, table != nil else { return nil }
    var at = start
    let counters = PlainNumber.counters(text.span, at: &at)
    guard text[at] == UInt8(ascii: "-"), let match = shapes.match(text, from: at, into: &values),
      match.end - start <= RulesetParser.longestLine
    else { return nil }
    let route = routes[match.shape]
    var chain = route.chain
    if let value = route.chainValue {
      guard let index = index(ofUserChain: values[value], in: text, as: .chain) else { return nil }
      chain = index
    }
    var destination: Int?
    if let value = route.jumpValue {
      guard let index = index(ofUserChain: values[value], in: text, as: .destination) else { return nil }
      destination = index
    }
    shapedRules += 1
    sink.append(ShapedRule(shape: match.shape, destination: destination, counters: counters), values, of: text, to: chain)
    return match.end
  }

  private mutating func index(ofUserChain value: PlainValue, in text: [UInt8], as role: NamedChain.Role) -> Int? {
    let range = Int(value.first)..<Int(value.second)
    let last = lastChains[role.rawValue]
    if last.isNamed(text.span, range) { return last.index }
    let name = text[range]
    guard let table, let index = table.index(of: String(decoding: name, as: UTF8.self)), !table.chains[index].isBuiltin else { return nil }
    lastChains[role.rawValue] = NamedChain(name, index: index)
    return index
  }

  /// Learns the shape of a line that the parser has read without a remark.
  mutating func learn(_ command: Command, _ words: LineWords, to chain: Int, of table: Table, _ sink: any RuleSink) {
    guard command.rules.count == 1, let rule = command.rules.first, notices.isEmpty, diagnostics.isEmpty,
      shapes.isWorthLearning(after: shapedRules)
    else { return }
    if shapes.isFull { forgetShapes() }
    let valued = command.places.filter { place in
      switch place.place {
      case .chain: !table.chains[chain].isBuiltin
      case .jump: rule.target.chain != nil
      default: true
      }
    }
    guard valued.allSatisfy({ $0.word < words.count }),
      let index = shapes.learn(file.bytes, words, valued, into: &values)
    else { return }
    let places = valued.map(\.place)
    routes.append(
      ShapeRoute(chain: chain, chainValue: places.firstIndex(of: .chain), jumpValue: places.firstIndex(of: .jump)))
    if !sink.learn(RuleShape(rule: rule, places: places, values: values), as: index, from: file.bytes, to: chain, of: table) {
      shapes.refuse(index)
    }
  }

  /// Forgets all shapes: after a new chain or table the same words can mean another rule.
  mutating func forgetShapes() {
    shapes.forget()
    routes.removeAll(keepingCapacity: true)
    lastChains = NamedChain.Role.allCases.map { _ in NamedChain() }
    sink?.forgetShapes()
  }
}

extension PlainNumber {
  /// `[packets:bytes]` and the blanks after it; nil, without a change of `at`, if there is nothing of that form.
  fileprivate static func counters(_ text: Span<UInt8>, at: inout Int) -> Counters? {
    guard text[at] == UInt8(ascii: "[") else { return nil }
    var place = at + 1
    guard let packets = digits(text, at: &place), place < text.count, text[place] == UInt8(ascii: ":") else { return nil }
    place += 1
    guard let bytes = digits(text, at: &place), place < text.count, text[place] == UInt8(ascii: "]") else { return nil }
    place += 1
    while place < text.count, Lexer.isBlank(text[place]) { place += 1 }
    guard place < text.count else { return nil }
    at = place
    return Counters(packets: packets, bytes: bytes)
  }
}
