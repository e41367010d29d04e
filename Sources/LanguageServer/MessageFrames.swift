import Diagnostics
public import Documents

/// Splits the input of a language server into messages, and frames its answers: `Content-Length: N`, an empty line, N bytes (the base
/// protocol of the Language Server Protocol 3.17).
public struct MessageFrames: Sendable {
  /// The longest header in bytes, its empty line included.
  public static let longestHeader = 4096
  /// The longest message in bytes.
  public static let longestMessage = Limits.documentBytes

  /// Why no further message can be read: where the next one begins is not known.
  public struct Malformed: Error, Sendable, Equatable {
    /// What is wrong with the header.
    public let reason: String
  }

  private var buffer: [UInt8] = []
  /// The offset of the first byte that is not read yet.
  private var start = 0
  /// The length of the message whose header has been read.
  private var length: Int?

  /// Creates an empty input.
  public init() {}

  /// Adds bytes that have arrived.
  public mutating func append(_ bytes: [UInt8]) {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// The next message; nil until all its bytes have arrived.
  ///
  /// - Throws: `Malformed` for a header that is too long or gives no length, or a message that is too long.
  public mutating func next() throws(Malformed) -> [UInt8]? {
    if length == nil { length = try readHeader() }
    guard let length, buffer.count - start >= length else { return nil }
    defer {
      start += length
      self.length = nil
    }
    return Array(buffer[start..<start + length])
  }

  private mutating func readHeader() throws(Malformed) -> Int? {
    let end = Array("\r\n\r\n".utf8)
    let window = buffer[start...].prefix(Self.longestHeader)
    guard let close = window.indices.first(where: { window[$0...].starts(with: end) }) else {
      guard window.count < Self.longestHeader else { throw Malformed(reason: "the header is longer than \(Self.longestHeader) bytes") }
      return nil
    }
    var found: Int?
    for line in window[..<close].split(whereSeparator: { $0 == 13 || $0 == 10 }) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw Malformed(reason: "a line of the header has no colon") }
      guard String(decoding: line[..<colon], as: UTF8.self).lowercased() == "content-length" else { continue }
      let digits = line[(colon + 1)...].drop { $0 == 32 }.reversed().drop { $0 == 32 }.reversed()
      guard found == nil, (1...10).contains(digits.count), let value = Int(String(decoding: digits, as: UTF8.self)), value >= 0 else {
        throw Malformed(reason: "Content-Length is no number, or is given twice")
      }
      found = value
    }
    guard let found else { throw Malformed(reason: "the header has no Content-Length") }
    guard found <= Self.longestMessage else { throw Malformed(reason: "a message is longer than \(Self.longestMessage) bytes") }
    start = close + end.count
    return found
  }

  /// A message with its header.
  public static func frame(_ message: JSONValue) -> [UInt8] {
    let body = Array(message.description.utf8)
    return Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
  }
}
