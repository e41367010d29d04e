package import Wire
package import XTables

/// The offsets of the fields in `ipt_entry` and `ip6t_entry`, in bytes, on 64-bit machines with 8-byte alignment such as x86-64. A test
/// compares them with the kernel's headers.
package struct EntryLayout: Sendable {
  /// The family, which decides the layout.
  package let family: Family
  /// The size of the entry's header, which is the offset of the first match.
  package let size: Int
  package let targetOffset: Int
  package let nextOffset: Int
  /// `comefrom`: the kernel's scratch field for its check of the table.
  package let comeFrom: Range<Int>
  /// The two words of `xt_counters`.
  package let counters: Range<Int>

  package init(_ family: Family) {
    self.family = family
    switch family {
    case .ipv4: (size, targetOffset, nextOffset, comeFrom, counters) = (112, 88, 90, 92..<96, 96..<112)
    case .ipv6: (size, targetOffset, nextOffset, comeFrom, counters) = (168, 140, 142, 144..<148, 152..<168)
    }
  }

  /// An entry without matches or target, and a standard target of verdict 0, to copy from.
  var blankEntry: [UInt8] { family == .ipv4 ? Self.blankIPv4 : Self.blankIPv6 }
  static let blankStandardTarget = [UInt8(standardTarget)] + [UInt8](repeating: 0, count: standardTarget - 1)
  private static let blankIPv4 = [UInt8](repeating: 0, count: EntryLayout(.ipv4).size)
  private static let blankIPv6 = [UInt8](repeating: 0, count: EntryLayout(.ipv6).size)

  /// The size of the header of `xt_entry_match` and `xt_entry_target`, before their data.
  package static let extensionHeader = ExtensionDescriptor.entryHeaderSize
  /// The offset of the name in that header.
  package static let name = 2
  /// `XT_EXTENSION_MAXNAMELEN`, the final zero included.
  package static let nameCapacity = 29
  /// `xt_standard_target`, aligned.
  package static let standardTarget = 40
  /// `xt_error_target`, aligned.
  package static let errorTarget = 64
  /// The name of an error target, with its final zero.
  static let errorName = Array("ERROR\0".utf8)
}

/// The offsets of the parts of one entry in a buffer of entries.
package struct EntryExtent: Sendable {
  /// The offset of the entry.
  package let start: Int
  /// The offset of its target, which is the end of its matches.
  package let target: Int
  /// The offset of the next entry.
  package let end: Int
}

extension EntryLayout {
  /// Finds the parts of the entry at an offset. All offsets and the size of the target are checked, the matches are not.
  ///
  /// The corresponding kernel functions are `check_entry_size_and_hooks` and `xt_check_entry_offsets`.
  /// - Throws: a ``DecompileError`` if no whole entry begins there.
  package func entry(at start: Int, in bytes: [UInt8]) throws(DecompileError) -> EntryExtent {
    guard bytes.count - start >= size + Self.extensionHeader,
      let target = bytes.word(UInt16.self, at: start + targetOffset), let next = bytes.word(UInt16.self, at: start + nextOffset)
    else { throw DecompileError(offset: start, "is cut short") }
    let place = EntryExtent(start: start, target: start + Int(target), end: start + Int(next))
    guard place.end <= bytes.count, Int(target) >= size, place.target + Self.extensionHeader <= place.end, next % 8 == 0 else {
      throw DecompileError(offset: start, "has impossible offsets")
    }
    guard let length = bytes.word(UInt16.self, at: place.target), Int(length) >= Self.extensionHeader else {
      throw DecompileError(offset: start, "holds a match or target of impossible size")
    }
    guard place.target + Int(length) == place.end else { throw DecompileError(offset: start, "has a target of the wrong size") }
    return place
  }

  /// The counters of an entry.
  package func counters(of place: EntryExtent, in bytes: [UInt8]) -> Counters {
    let at = place.start + counters.lowerBound
    return Counters(packets: bytes.word(UInt64.self, at: at) ?? 0, bytes: bytes.word(UInt64.self, at: at + 8) ?? 0)
  }

  /// Whether the entry's target is the kernel's standard target, a verdict or a jump, which has no name.
  package func isStandard(_ place: EntryExtent, in bytes: [UInt8]) -> Bool { bytes[place.target + Self.name] == 0 }

  /// The verdict or destination of a standard target; nil if the target has another size.
  package func verdict(of place: EntryExtent, in bytes: [UInt8]) -> Int32? {
    guard place.end - place.target == Self.standardTarget else { return nil }
    return bytes.word(Int32.self, at: place.target + Self.extensionHeader)
  }

  /// The name in an error target, which stands before a user chain and at the end of the table; nil for other targets.
  func errorName(of place: EntryExtent, in bytes: [UInt8]) -> String? {
    let name = place.target + Self.name
    guard bytes[name] == Self.errorName[0], bytes[name..<name + Self.errorName.count].elementsEqual(Self.errorName) else { return nil }
    return String(decoding: bytes[(place.target + Self.extensionHeader)..<place.end].prefix { $0 != 0 }, as: UTF8.self)
  }
}

extension [UInt8] {
  package mutating func put(_ word: some FixedWidthInteger & BitwiseCopyable, at offset: Int) { Payload.store(word, in: &self, at: offset) }

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

  package func word<Word: FixedWidthInteger & BitwiseCopyable>(_: Word.Type, at offset: Int) -> Word? {
    Payload.load(Word.self, from: self, at: offset)
  }
}
