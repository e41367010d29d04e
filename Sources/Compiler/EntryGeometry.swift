import Wire
import XTables

/// The offsets of the fields in `ipt_entry` and `ip6t_entry`, in bytes, on 64-bit machines with 8-byte alignment such as x86-64.
struct EntryGeometry {
  let family: Family
  /// The size of the entry's header, which is the offset of the first match.
  let size: Int
  let targetOffset: Int
  let nextOffset: Int
  let comeFrom: Int
  let counters: Int

  init(_ family: Family) {
    self.family = family
    switch family {
    case .ipv4: (size, targetOffset, nextOffset, comeFrom, counters) = (112, 88, 90, 92, 96)
    case .ipv6: (size, targetOffset, nextOffset, comeFrom, counters) = (168, 140, 142, 144, 152)
    }
  }

  /// An entry without matches or target, and a standard target of verdict 0, to copy from.
  var blankEntry: [UInt8] { family == .ipv4 ? Self.blankIPv4 : Self.blankIPv6 }
  static let blankStandardTarget = [UInt8(standardTarget)] + [UInt8](repeating: 0, count: standardTarget - 1)
  private static let blankIPv4 = [UInt8](repeating: 0, count: EntryGeometry(.ipv4).size)
  private static let blankIPv6 = [UInt8](repeating: 0, count: EntryGeometry(.ipv6).size)

  /// The size of the header of `xt_entry_match` and `xt_entry_target`, before their data.
  static let extensionHeader = ExtensionDescriptor.entryHeaderSize
  /// `XT_EXTENSION_MAXNAMELEN`.
  static let nameCapacity = 29
  /// `xt_standard_target`, aligned.
  static let standardTarget = 40
  /// `xt_error_target`, aligned.
  static let errorTarget = 64
}

extension [UInt8] {
  mutating func put(_ word: some FixedWidthInteger & BitwiseCopyable, at offset: Int) { Payload.store(word, in: &self, at: offset) }

  /// Stores an address in network byte order; `count` is 4 or 16 bytes.
  mutating func put(_ bits: UInt128, bytes count: Int, at offset: Int) {
    if count == 4 {
      put(UInt32(truncatingIfNeeded: bits).bigEndian, at: offset)
    } else {
      put(bits.bigEndian, at: offset)
    }
  }

  func bits(_ count: Int, at offset: Int) -> UInt128 {
    self[offset..<offset + count].reduce(0) { $0 << 8 | UInt128($1) }
  }

  func word<Word: FixedWidthInteger & BitwiseCopyable>(_: Word.Type, at offset: Int) -> Word? {
    Payload.load(Word.self, from: self, at: offset)
  }
}
