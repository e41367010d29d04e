/// One option of an IPv4 or TCP header.
public struct HeaderOption: Sendable, Equatable {
  /// The kind (TCP) or type (IPv4) octet.
  public var kind: UInt8
  /// The position of the kind octet in the packet.
  public var offset: Int
  /// Bytes of the whole option: 1 for end-of-list and no-operation, else at least 2.
  public var length: Int
}

/// The options of an IPv4 or TCP header in order, padding included. Iteration ends after an end-of-list option, and before an
/// option whose length is invalid or exceeds the header; `isMalformed` is then true.
public struct HeaderOptions: Sendable, Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  /// True once iteration has met an option that does not fit.
  public private(set) var isMalformed = false

  init(bytes: [UInt8], from start: Int, to end: Int) {
    self.bytes = bytes
    position = Swift.max(start, 0)
    self.end = Swift.min(end, bytes.count)
  }

  /// The next option; nil after the end-of-list option, at the end of the header, and at a malformed option.
  public mutating func next() -> HeaderOption? {
    guard position < end else { return nil }
    let kind = bytes[position]
    if kind <= 1 {
      let option = HeaderOption(kind: kind, offset: position, length: 1)
      position = kind == 0 ? end : position &+ 1
      return option
    }
    guard position &+ 1 < end, case let length = Int(bytes[position &+ 1]), length >= 2, position &+ length <= end else {
      isMalformed = true
      position = end
      return nil
    }
    defer { position &+= length }
    return HeaderOption(kind: kind, offset: position, length: length)
  }
}
