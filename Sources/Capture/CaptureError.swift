/// Why a capture file could not be read or written.
public enum CaptureError: Error, Sendable, Hashable {
  /// The file cannot be opened, or is not a capture file.
  case cannotOpen(path: String, reason: String)
  /// The file is truncated or damaged after the packets read so far.
  case damaged(path: String, afterPackets: Int, reason: String)
  /// The link type is not supported.
  case unknownLinkType(path: String, linkType: Int32, name: String)
  /// The packets of the file exceed the limit in bytes.
  case tooLong(path: String, limit: Int)
  /// The file cannot be written.
  case cannotWrite(path: String, reason: String)
}

extension CaptureError: CustomStringConvertible {
  /// A sentence that names the file and what is wrong with it.
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path): \(reason)"
    case .damaged(let path, let count, let reason): "\(path): \(reason), after \(count) packets"
    case .unknownLinkType(let path, let type, let name): "\(path): packets of link type \(name) (\(type)) cannot be read"
    case .tooLong(let path, let limit): "\(path): it holds more than \(limit) bytes of packets"
    case .cannotWrite(let path, let reason): "\(path): \(reason)"
    }
  }
}
