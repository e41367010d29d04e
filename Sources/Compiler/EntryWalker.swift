import Wire
import XTables

/// One match or target of an entry, not decoded yet.
struct RawExtension {
  let name: String
  let revision: UInt8
  let data: [UInt8]
}

/// One entry, split into its parts, whose matches and target are not decoded yet.
struct RawEntry {
  enum Target {
    case standard(Int32)
    case error(String)
    case use(RawExtension)
  }

  let offset: Int
  let header: RuleHeader
  let isGoto: Bool
  let matches: [RawExtension]
  let target: Target
  let counters: Counters
}

/// Splits a blob into entries. Every offset and size is checked before it is used.
///
/// The corresponding kernel functions are `xt_check_entry_offsets` and `check_entry_size_and_hooks`.
struct EntryWalker {
  private let bytes: [UInt8]
  private let geometry: EntryGeometry

  init(_ blob: TableBlob) { self.init(blob.entries, blob.family) }

  init(_ entries: [UInt8], _ family: Family) {
    bytes = entries
    geometry = EntryGeometry(family)
  }

  func entries() throws(DecompileError) -> [RawEntry] {
    var result: [RawEntry] = []
    var at = 0
    while at < bytes.count {
      let (entry, size) = try entry(at: at)
      result.append(entry)
      at += size
    }
    guard !result.isEmpty else { throw DecompileError(offset: 0, "is missing: the table has no entries") }
    return result
  }

  private func entry(at start: Int) throws(DecompileError) -> (RawEntry, size: Int) {
    guard bytes.count - start >= geometry.size + EntryGeometry.extensionHeader,
      let target = bytes.word(UInt16.self, at: start + geometry.targetOffset),
      let next = bytes.word(UInt16.self, at: start + geometry.nextOffset)
    else { throw DecompileError(offset: start, "is truncated") }
    let targetStart = start + Int(target)
    let end = start + Int(next)
    guard end <= bytes.count, Int(target) >= geometry.size, targetStart + EntryGeometry.extensionHeader <= end,
      next % 8 == 0
    else { throw DecompileError(offset: start, "has invalid offsets") }
    var matches: [RawExtension] = []
    var at = start + geometry.size
    while at < targetStart {
      let (match, size) = try extensionData(at: at, end: targetStart, entry: start)
      matches.append(match)
      at += size
    }
    let (raw, size) = try extensionData(at: targetStart, end: end, entry: start)
    guard targetStart + size == end else { throw DecompileError(offset: start, "has a target of the wrong size") }
    let counters = Counters(
      packets: bytes.word(UInt64.self, at: start + geometry.counters) ?? 0,
      bytes: bytes.word(UInt64.self, at: start + geometry.counters + 8) ?? 0)
    let (header, isGoto) = header(at: start)
    return (
      RawEntry(
        offset: start, header: header, isGoto: isGoto, matches: matches, target: try interpret(raw, start), counters: counters),
      end - start
    )
  }

  private func extensionData(
    at start: Int, end: Int, entry: Int
  ) throws(DecompileError) -> (RawExtension, size: Int) {
    guard end - start >= EntryGeometry.extensionHeader, let size = bytes.word(UInt16.self, at: start),
      Int(size) >= EntryGeometry.extensionHeader, Int(size) <= end - start
    else { throw DecompileError(offset: entry, "contains a match or target of invalid size") }
    let nameStart = start + 2
    let name = bytes[nameStart..<nameStart + EntryGeometry.nameCapacity].prefix { $0 != 0 }
    return (
      RawExtension(
        name: String(decoding: name, as: UTF8.self), revision: bytes[nameStart + EntryGeometry.nameCapacity],
        data: Array(bytes[start + EntryGeometry.extensionHeader..<start + Int(size)])),
      Int(size)
    )
  }

  private func interpret(_ raw: RawExtension, _ entry: Int) throws(DecompileError) -> RawEntry.Target {
    if raw.name.isEmpty {
      guard raw.data.count == 8, let verdict = raw.data.word(Int32.self, at: 0) else {
        throw DecompileError(offset: entry, "has a standard target of the wrong size")
      }
      return .standard(verdict)
    }
    if raw.name == "ERROR" {
      return .error(String(decoding: raw.data.prefix { $0 != 0 }, as: UTF8.self))
    }
    return .use(raw)
  }

  private func header(at start: Int) -> (RuleHeader, isGoto: Bool) {
    let length = geometry.family == .ipv4 ? 4 : 16
    var header = RuleHeader()
    header.source = AddressMask(address: bytes.bits(length, at: start), mask: bytes.bits(length, at: start + 2 * length))
    header.destination = AddressMask(
      address: bytes.bits(length, at: start + length), mask: bytes.bits(length, at: start + 3 * length))
    var at = start + 4 * length
    header.input = InterfacePattern(name: bytes.bits(16, at: at), mask: bytes.bits(16, at: at + 32))
    header.output = InterfacePattern(name: bytes.bits(16, at: at + 16), mask: bytes.bits(16, at: at + 48))
    at += 64
    header.protocolNumber = bytes[at]
    switch geometry.family {
    case .ipv4:
      header.isFragment = bytes[at + 2] & 0x01 != 0
      header.inverted = RuleHeader.Inverted(rawValue: bytes[at + 3])
      return (header, bytes[at + 2] & 0x02 != 0)
    case .ipv6:
      header.isProtocolGiven = bytes[at + 3] & 0x01 != 0
      header.inverted = RuleHeader.Inverted(rawValue: bytes[at + 4])
      return (header, bytes[at + 3] & 0x04 != 0)
    }
  }
}
