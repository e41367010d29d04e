/// The reason why a text of fingerprints could not be read.
public struct OSFingerprintError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line number, from 1.
  public let line: Int
  /// What is wrong in the line.
  public let reason: String

  /// `line N: reason`.
  public var description: String { "line \(line): \(reason)" }
}

extension OSFingerprints {
  /// Reads a `pf.os` file as `nfnl_osf` does: lines of `window:ttl:df:size:options:genre:version:subtype:details`.
  ///
  /// - Throws: the first line that cannot be read.
  public init(text: String) throws(OSFingerprintError) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard let first = line.first, first != "#", line.contains(where: { !$0.isWhitespace }) else { continue }
      add(try OSFingerprint(line: line, number: index + 1))
    }
  }
}

extension OSFingerprint {
  /// Reads one line. The corresponding function of `nfnl_osf` is `osf_load_line`.
  fileprivate init(line: Substring, number: Int) throws(OSFingerprintError) {
    func error(_ reason: String) -> OSFingerprintError { OSFingerprintError(line: number, reason: reason) }
    let fields = line.split(separator: ":", omittingEmptySubsequences: false).map { $0.drop(while: \.isWhitespace) }
    guard fields.count == 9 else { throw error("a fingerprint has nine fields separated by colons; this line has \(fields.count)") }
    guard let window = Window(text: fields[0]) else { throw error("`\(fields[0])' is not a window") }
    guard let ttl = UInt8(fields[1]) else { throw error("`\(fields[1])' is not a TTL from 0 to 255") }
    guard let flag = UInt8(fields[2]), flag < 2 else { throw error("the don't-fragment field must be 0 or 1, not `\(fields[2])'") }
    guard let length = UInt16(fields[3]) else { throw error("`\(fields[3])' is not a packet size from 0 to 65535") }
    let items = fields[4].split(separator: ",").compactMap { Item(text: $0.drop(while: \.isWhitespace)) }
    guard items.reduce(0, { $0 + $1.length }) <= 40 else { throw error("the options `\(fields[4])' are longer than 40 bytes") }
    self.init(
      window: window, ttl: ttl, dontFragment: flag == 1, length: Int(length), options: items,
      genre: Self.name(fields[5].first.map { "@*".contains($0) } == true ? fields[5].dropFirst() : fields[5]),
      version: Self.name(fields[6]), subtype: Self.name(fields[7]))
  }

  /// The name, shortened to the kernel's `MAXGENRELEN` less the NUL.
  private static func name(_ text: Substring) -> String { String(decoding: text.utf8.prefix(31), as: UTF8.self) }
}

extension OSFingerprint.Window {
  /// Reads `S4`, `T22`, `%8192`, `65535` or `*`.
  fileprivate init?(text: Substring) {
    if text == "*" {
      self = .exactly(0)
      return
    }
    let rest = text.first?.isNumber == true ? text : text.dropFirst()
    let digits = text.first != "%" && (rest.first == "%" || rest.first == "*") ? rest.dropFirst() : rest
    // `S*' is 0 times the segment's size.
    guard let number = digits.isEmpty && rest == "*" ? 0 : UInt32(digits) else { return nil }
    switch text.first {
    case "S": self = .segments(number)
    case "T": self = .packets(number)
    case "%":
      guard number > 0 else { return nil }
      self = .multiple(of: number)
    default:
      guard rest == text else { return nil }
      self = .exactly(number)
    }
  }
}

extension OSFingerprint.Item {
  /// Reads an option by its first letter. The kernel ignores other letters and the text after the first letter.
  fileprivate init?(text: Substring) {
    switch text.first {
    case "E": self.init(kind: 0, length: 1)
    case "N": self.init(kind: 1, length: 1)
    case "M": self.init(kind: 2, length: 4)
    case "W": self.init(kind: 3, length: 3)
    case "S": self.init(kind: 4, length: 2)
    case "T": self.init(kind: 8, length: 10)
    default: return nil
    }
  }
}
