package import Diagnostics

/// Reads YAML and JSON files: scenario files, snapshots, host descriptions, and the output of `ip -j`.
///
/// The cost of untrusted text is limited by its size, the number of its values, its nesting depth, and the number of values visited, because
/// aliases let a short text denote a value of any size.
package final class FileDocument {
  package let file: SourceFile
  /// How many more values may be visited; a value behind several aliases counts each time.
  private var budget = 2 * Limits.documentValues
  /// By the numbers of long lines.
  private var marksOfLines: [Int: [Int]] = [:]

  package init(_ file: SourceFile) { self.file = file }

  package func root() throws(ScenarioFileError) -> FileNode {
    guard file.bytes.count <= Limits.documentBytes, mayHaveFewValues else {
      throw ScenarioFileError(
        "the file is too large: at most \(Limits.documentBytes >> 20) MiB and \(Limits.documentValues) values are read",
        at: SourceRange(0..<0),
        hidesText: true)
    }
    var composer = try DocumentComposer(self)
    guard let value = try composer.compose() else { throw ScenarioFileError("the file is empty", at: SourceRange(0..<0), hidesText: true) }
    return FileNode(value: value, document: self)
  }

  /// The root mapping of a file of this kind. For a file that is clearly of another kind, the error does not quote its text.
  package func root(of shape: FileShape) throws(ScenarioFileError) -> FileNode {
    let isMeant = namesMember(of: shape)
    func other(_ range: SourceRange) -> ScenarioFileError {
      ScenarioFileError(
        "this is not \(shape.title): expected a mapping with the members " + shape.members.map(\.name).joined(separator: ", "), at: range,
        hidesText: true)
    }
    let root: FileNode
    do throws(ScenarioFileError) {
      root = try self.root()
    } catch {
      throw isMeant || error.hidesText ? error : other(error.range)
    }
    if isMeant { return root }
    guard root.isMapping else { throw other(root.range) }
    let names: [String]
    do throws(ScenarioFileError) {
      names = try root.members().map(\.name)
    } catch {
      throw ScenarioFileError(error.message, at: error.range, hidesText: true)
    }
    guard shape.members.contains(where: { names.contains($0.name) }) else { throw other(root.range) }
    return root
  }

  /// True if any line starts with the name of a member, which holds for every file of this kind.
  private func namesMember(of shape: FileShape) -> Bool {
    let lead = Set(" \t{\"'-?,".utf8)
    return file.bytes.split(separator: UInt8(ascii: "\n")).contains { line in
      let text = line.drop { lead.contains($0) }
      return shape.members.contains { member in
        guard text.starts(with: member.name.utf8) else { return false }
        let rest = text.dropFirst(member.name.utf8.count).drop {
          $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: " ")
        }
        return rest.first == UInt8(ascii: ":")
      }
    }
  }

  /// In YAML, each value but the first follows a comma, a bracket, or one of `:`, `-` and `?` with a blank.
  private var mayHaveFewValues: Bool {
    let text = file.bytes
    guard text.count > Limits.documentValues else { return true }
    let bytes = text.span
    var count = 0
    for index in bytes.indices {
      switch bytes[index] {
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
      case UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "?"):
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0x20
        if next <= 0x20 { count += 1 }
      default: break
      }
    }
    return count < Limits.documentValues
  }

  func spend(_ count: Int, _ place: @autoclosure () -> SourceRange) throws(ScenarioFileError) {
    budget -= min(count, budget)
    if budget == 0 { throw ScenarioFileError("the file has too many values", at: place()) }
  }

  /// YAML counts columns in Unicode scalars; the range is in bytes.
  func range(line number: Int, column: Int, length: Int) -> SourceRange {
    let line = file.line(number)
    let marks = marks(of: line, number)
    let known = min((column - 1) / Self.columnsPerMark, marks.count - 1)
    var offset = marks[known]
    var left = column - 1 - known * Self.columnsPerMark
    while left > 0, offset < line.endIndex {
      offset = Self.scalarEnd(line, offset)
      left -= 1
    }
    return SourceRange(offset..<min(max(offset, line.endIndex), offset + length))
  }

  private static let columnsPerMark = 256

  private static func scalarEnd(_ line: ArraySlice<UInt8>, _ start: Int) -> Int {
    var offset = start + 1
    while offset < line.endIndex, line[offset] & 0xC0 == 0x80 { offset += 1 }
    return offset
  }

  /// Where every 256th column of a line is: a listing is one line, and each of its thousands of values has a place.
  private func marks(of line: ArraySlice<UInt8>, _ number: Int) -> [Int] {
    guard line.count > Self.columnsPerMark else { return [line.startIndex] }
    if let marks = marksOfLines[number] { return marks }
    var marks: [Int] = []
    var offset = line.startIndex
    var column = 0
    while offset < line.endIndex {
      if column % Self.columnsPerMark == 0 { marks.append(offset) }
      offset = Self.scalarEnd(line, offset)
      column += 1
    }
    marksOfLines[number] = marks
    return marks
  }
}
