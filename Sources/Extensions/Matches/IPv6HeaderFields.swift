import Wire
import XTables

extension Field {
  /// A value read from the first extension header of a type. Absent if the packet has none. Malformed, so the match drops the
  /// packet, if the header chain or the header's first `length` bytes are truncated.
  ///
  /// The corresponding kernel functions are `ipv6_find_hdr` and `skb_header_pointer`.
  static func inExtension(
    _ name: String, bits: Int, of number: IPProtocol, length: Int, write: (@Sendable (UInt128, inout PacketDraft) -> Bool)? = nil,
    read: @escaping @Sendable (_ bytes: [UInt8], _ offset: Int) -> FieldValue
  ) -> Field {
    Field(name, bits: bits, FieldTraits(.packet, [.value, .absent, .malformed], write: write)) { context in
      let bytes = context.packet.bytes
      switch ExtensionHeaderSearch(bytes, number) {
      case .absent: return .absent
      case .malformed: return .malformed
      case .found(let offset): return bytes.holds(length, at: offset) ? read(bytes, offset) : .malformed
      }
    }
  }

  /// A byte at an offset of an extension header.
  static func byteOfExtension(_ name: String, of number: IPProtocol, at place: Int, length: Int) -> Field {
    inExtension(name, bits: 8, of: number, length: length) { bytes, offset in
      bytes.uint8(at: offset + place).map { .of($0) } ?? .malformed
    }
  }

  /// - Parameter isLast: true if a packet draft has this header as its protocol, after all others.
  static func wordOfExtension(_ name: String, of number: IPProtocol, at place: Int, length: Int, isLast: Bool = false) -> Field {
    let write: @Sendable (UInt128, inout PacketDraft) -> Bool = { value, draft in
      guard draft.fields.proto == number else { return false }
      draft.setLastHeader((0..<4).map { UInt8(truncatingIfNeeded: value >> UInt128(24 - 8 * $0)) }, at: place)
      draft.setLastHeader([], at: max(length, draft.fields.transportBytes?.count ?? 0))
      return true
    }
    return inExtension(name, bits: 32, of: number, length: length, write: isLast ? write : nil) { bytes, offset in
      bytes.uint32(at: offset + place).map { .of($0) } ?? .malformed
    }
  }
}

/// The position of the first extension header of a type.
enum ExtensionHeaderSearch {
  case absent
  case malformed
  case found(Int)

  init(_ bytes: [UInt8], _ number: IPProtocol) {
    guard var walk = IPv6ExtensionHeaders(bytes) else {
      self = .absent
      return
    }
    while let header = walk.next() {
      if header.proto == number {
        self = .found(header.offset)
        return
      }
    }
    self = walk.isTruncated ? .malformed : .absent
  }
}

/// The length of an extension header in bytes; its length octet counts 8 bytes minus one. The corresponding kernel macro is
/// `ipv6_optlen`.
func extensionLength(_ bytes: [UInt8], at offset: Int) -> Int? {
  bytes.uint8(at: offset + 1).map { (Int($0) + 1) * 8 }
}
