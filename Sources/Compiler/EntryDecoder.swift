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
    case error
    case use(RawExtension)
  }

  let header: RuleHeader
  let isGoto: Bool
  let matches: [RawExtension]
  let target: Target
  let counters: Counters
}

/// Splits an entry that ``EntryLayout`` found in a buffer into its parts.
struct EntryDecoder {
  private let bytes: [UInt8]
  private let layout: EntryLayout

  init(_ entries: [UInt8], _ layout: EntryLayout) {
    bytes = entries
    self.layout = layout
  }

  func entry(_ place: EntryExtent) throws(DecompileError) -> RawEntry {
    var matches: [RawExtension] = []
    var at = place.start + layout.size
    while at < place.target {
      let match = try extensionData(at: at, end: place.target, entry: place.start)
      matches.append(match)
      at += EntryLayout.extensionHeader + match.data.count
    }
    let (header, isGoto) = header(at: place.start)
    return RawEntry(
      header: header, isGoto: isGoto, matches: matches, target: try target(place), counters: layout.counters(of: place, in: bytes))
  }

  private func target(_ place: EntryExtent) throws(DecompileError) -> RawEntry.Target {
    if layout.isStandard(place, in: bytes) {
      guard let verdict = layout.verdict(of: place, in: bytes) else {
        throw DecompileError(offset: place.start, "has a standard target of the wrong size")
      }
      return .standard(verdict)
    }
    if layout.errorName(of: place, in: bytes) != nil { return .error }
    return .use(try extensionData(at: place.target, end: place.end, entry: place.start))
  }

  private func extensionData(at start: Int, end: Int, entry: Int) throws(DecompileError) -> RawExtension {
    guard end - start >= EntryLayout.extensionHeader, let size = bytes.word(UInt16.self, at: start),
      Int(size) >= EntryLayout.extensionHeader, Int(size) <= end - start
    else { throw DecompileError(offset: entry, "holds a match or target of impossible size") }
    let nameStart = start + EntryLayout.name
    let name = bytes[nameStart..<nameStart + EntryLayout.nameCapacity].prefix { $0 != 0 }
    return RawExtension(
      name: String(decoding: name, as: UTF8.self), revision: bytes[nameStart + EntryLayout.nameCapacity],
      data: Array(bytes[start + EntryLayout.extensionHeader..<start + Int(size)]))
  }

  private func header(at start: Int) -> (RuleHeader, isGoto: Bool) {
    let length = layout.family == .ipv4 ? 4 : 16
    var header = RuleHeader()
    header.source = AddressMask(address: bytes.bits(length, at: start), mask: bytes.bits(length, at: start + 2 * length))
    header.destination = AddressMask(
      address: bytes.bits(length, at: start + length), mask: bytes.bits(length, at: start + 3 * length))
    var at = start + 4 * length
    header.input = InterfacePattern(name: bytes.bits(16, at: at), mask: bytes.bits(16, at: at + 32))
    header.output = InterfacePattern(name: bytes.bits(16, at: at + 16), mask: bytes.bits(16, at: at + 48))
    at += 64
    header.protocolNumber = bytes[at]
    switch layout.family {
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
