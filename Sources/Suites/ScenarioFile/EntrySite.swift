import Diagnostics
import Documents

/// The byte range of a value and its siblings in a scenario file, used to replace or remove the value.
struct EntrySite: Sendable, Hashable {
  /// The bytes of the value.
  let value: Range<Int>
  /// The entries of the surrounding mapping or list, in order. Each extends from its key or dash to the end of its value.
  let entries: [Range<Int>]
  /// The value's index among the entries.
  let index: Int
  let isList: Bool
  /// True for flow style, with brackets.
  let isFlow: Bool

  /// Creates the site of a value without siblings.
  init(alone value: Range<Int>) {
    self.value = value
    (entries, index, isList, isFlow) = ([], 0, false, false)
  }

  /// Creates the site of a list element.
  init?(element index: Int, of list: [FileNode], isFlow: Bool) {
    let bytes = list.first?.document.file.bytes ?? []
    let extents = list.compactMap(\.extent)
    guard extents.count == list.count, list.indices.contains(index) else { return nil }
    value = extents[index]
    entries =
      isFlow
      ? extents
      : extents.map { extent in
        // The dash is the last byte before the element that is not a space.
        let dash = bytes[..<extent.lowerBound].lastIndex { $0 != UInt8(ascii: " ") } ?? extent.lowerBound
        return dash..<extent.upperBound
      }
    self.index = index
    self.isFlow = isFlow
    isList = true
  }

  /// Creates the site of a mapping's member.
  init?(member index: Int, of members: [(name: String, key: FileNode, value: FileNode)], isFlow: Bool) {
    var entries: [Range<Int>] = []
    for member in members {
      guard let value = member.value.extent, let key = member.key.extent, key.lowerBound <= value.upperBound else { return nil }
      entries.append(key.lowerBound..<value.upperBound)
    }
    guard members.indices.contains(index), let value = members[index].value.extent else { return nil }
    self.value = value
    self.entries = entries
    self.index = index
    self.isFlow = isFlow
    isList = false
  }
}

extension FileNode {
  /// True if the value is written in flow style, with brackets.
  var isFlow: Bool {
    let start = Int(range.lowerBound)
    guard isList || isMapping, start < document.file.bytes.count else { return false }
    return [UInt8(ascii: "["), UInt8(ascii: "{")].contains(document.file.bytes[start])
  }

  /// All bytes of the value; nil if its end cannot be determined.
  var extent: Range<Int>? {
    let start = Int(range.lowerBound)
    let bytes = document.file.bytes
    guard start < bytes.count else { return nil }
    if isFlow { return YAMLExtent.bracketed(bytes, from: start) }
    if let last = children.last { return last.extent.map { start..<$0.upperBound } }
    switch bytes[start] {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return YAMLExtent.quoted(bytes, from: start)
    case UInt8(ascii: "|"), UInt8(ascii: ">"): return YAMLExtent.block(bytes, from: start)
    default:
      let end = Int(range.upperBound)
      return end <= bytes.count ? start..<end : nil
    }
  }

  private var children: [FileNode] {
    let values: [DocumentValue] =
      switch value.content {
      case .scalar: []
      case .sequence(let elements): elements
      case .mapping(let members): members.map(\.value)
      }
    return values.map { FileNode(value: $0, document: document) }
  }
}

/// Finds the ends of YAML values.
enum YAMLExtent {
  /// From a quotation mark to the closing one.
  static func quoted(_ bytes: [UInt8], from start: Int) -> Range<Int>? {
    let mark = bytes[start]
    var place = start + 1
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "\\"), mark == UInt8(ascii: "\"") {
        place += 2
      } else if bytes[place] != mark {
        place += 1
      } else if mark == UInt8(ascii: "'"), place + 1 < bytes.count, bytes[place + 1] == mark {
        place += 2
      } else {
        return start..<place + 1
      }
    }
    return nil
  }

  /// From a bracket to the closing one.
  static func bracketed(_ bytes: [UInt8], from start: Int) -> Range<Int>? {
    var depth = 0
    var place = start
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth -= 1
        if depth == 0 { return start..<place + 1 }
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        // Within a plain word, a quotation mark is an ordinary character.
        if " ,[{:\n".utf8.contains(bytes[place - 1]) {
          guard let text = quoted(bytes, from: place) else { return nil }
          place = text.upperBound - 1
        }
      case UInt8(ascii: "#") where bytes[place - 1] == UInt8(ascii: " "):
        place = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      default: break
      }
      place += 1
    }
    return nil
  }

  /// From a `|` to the end of the last line with deeper indentation.
  static func block(_ bytes: [UInt8], from start: Int) -> Range<Int>? {
    func indentation(_ line: Int) -> Int { bytes[line...].prefix { $0 == UInt8(ascii: " ") }.count }
    let newline = UInt8(ascii: "\n")
    let first = bytes[..<start].lastIndex(of: newline).map { $0 + 1 } ?? 0
    let outer = indentation(first)
    guard var end = bytes[start...].firstIndex(of: newline) else { return start..<bytes.count }
    var line = end + 1
    while line < bytes.count {
      let next = bytes[line...].firstIndex(of: newline) ?? bytes.count
      let isBlank = bytes[line..<next].allSatisfy { $0 == UInt8(ascii: " ") }
      guard isBlank || indentation(line) > outer else { break }
      if !isBlank { end = next }
      line = next + 1
    }
    return start..<end
  }
}
