import Diagnostics

/// A request of HTTP/1.1, of which `ferrule serve` understands as much as a browser on the same machine needs.
public struct HTTPRequest: Sendable, Equatable {
  /// The longest head in bytes.
  public static let longestHead = 8192
  /// The longest body in bytes: packets in notation.
  public static let longestBody = Limits.packetLineBytes

  /// `GET`, `POST`, …
  public let method: String
  /// The path with the query.
  public let target: String
  /// The fields by their names in lower case. A field that is given twice is refused.
  public let fields: [String: String]
  /// The body.
  public let body: [UInt8]

  /// What the bytes are that have arrived.
  public enum Arrival: Sendable, Equatable {
    /// A part of a request.
    case partial
    case whole(HTTPRequest)
    /// No request, with the status of the answer.
    case refused(Int)
  }

  /// Reads the bytes that have arrived on a connection.
  public static func read(_ bytes: [UInt8]) -> Arrival {
    let end = Array("\r\n\r\n".utf8)
    let window = bytes.prefix(longestHead)
    guard let close = window.indices.first(where: { window[$0] == 13 && window[$0...].starts(with: end) }) else {
      return window.count < longestHead ? .partial : .refused(431)
    }
    guard let head = String(validating: bytes[..<close], as: UTF8.self),
      head.unicodeScalars.allSatisfy({ (0x20..<0x7f).contains($0.value) || $0 == "\r" || $0 == "\n" || $0 == "\t" })
    else { return .refused(400) }
    let lines = head.components(separatedBy: "\r\n")
    let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2] == "HTTP/1.1", parts[1].hasPrefix("/"),
      !lines.contains(where: { $0.contains("\n") || $0.contains("\r") })
    else {
      return .refused(400)
    }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex, !line[..<colon].contains(" ") else { return .refused(400) }
      let name = line[..<colon].lowercased()
      guard fields[name] == nil else { return .refused(400) }
      fields[name] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    // A length is the only way in which browsers send a body of known size; everything else could be read in two ways.
    guard fields["transfer-encoding"] == nil else { return .refused(501) }
    var length = 0
    if let text = fields["content-length"] {
      guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text) else {
        return .refused(400)
      }
      length = value
    }
    guard length <= longestBody else { return .refused(413) }
    let start = close + end.count
    guard bytes.count >= start + length else { return .partial }
    return .whole(
      HTTPRequest(method: String(parts[0]), target: String(parts[1]), fields: fields, body: Array(bytes[start..<start + length])))
  }
}

/// The answer to a request. Each ends its connection.
public struct HTTPAnswer: Sendable {
  let status: Int
  let type: String
  let body: [UInt8]
  /// The Content-Security-Policy of a page.
  let policy: String

  /// Creates an answer.
  public init(status: Int, type: String = "text/plain; charset=utf-8", body: [UInt8] = [], policy: String = "default-src 'none'") {
    self.status = status
    self.type = type
    self.body = body
    self.policy = policy
  }

  private static let reasons = [
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
    421: "Misdirected Request", 431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
  ]

  /// The answer as it is sent.
  public var bytes: [UInt8] {
    let reason = Self.reasons[status] ?? "Error"
    let content = body.isEmpty && status != 200 ? Array("\(status) \(reason)\n".utf8) : body
    let head = [
      "HTTP/1.1 \(status) \(reason)", "Content-Type: \(type)", "Content-Length: \(content.count)", "Connection: close",
      "Content-Security-Policy: \(policy); frame-ancestors 'none'", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
      "Cross-Origin-Resource-Policy: same-origin", "Cross-Origin-Opener-Policy: same-origin", "Cache-Control: no-store",
    ]
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + content
  }
}

extension String {
  /// The parts between occurrences of a separator.
  fileprivate func components(separatedBy separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}
