import Wire
import XTables

/// The chunks that an SCTP packet must have: the middle part of `xt_sctp_info`.
struct SCTPChunkTest: BitwiseCopyable, Sendable {
  /// One bit per chunk type in the first eight words. The kernel's structure is eight times larger than needed.
  var map = InlineArray<64, UInt32>(repeating: 0)
  var quantity: UInt32 = 0
  var flags = InlineArray<4, ChunkFlags>(repeating: ChunkFlags())
  var flagCount: Int32 = 0

  /// The corresponding kernel structure is `xt_sctp_flag_info`.
  struct ChunkFlags: BitwiseCopyable, Sendable {
    var type: UInt8 = 0xff
    var set: UInt8 = 0
    var mask: UInt8 = 0
  }

  private static let quantities: [(name: String, value: UInt32)] = [("any", 0x01), ("all", 0x02), ("only", 0x04)]

  /// The names of the chunks, with the letters of their flags from the highest bit down.
  private static let names: [(name: String, type: UInt8, letters: String)] = [
    ("DATA", 0, "----IUBE"), ("INIT", 1, ""), ("INIT_ACK", 2, ""), ("SACK", 3, ""), ("HEARTBEAT", 4, ""), ("HEARTBEAT_ACK", 5, ""),
    ("ABORT", 6, "-------T"), ("SHUTDOWN", 7, ""), ("SHUTDOWN_ACK", 8, ""), ("ERROR", 9, ""), ("COOKIE_ECHO", 10, ""),
    ("COOKIE_ACK", 11, ""), ("ECN_ECNE", 12, ""), ("ECN_CWR", 13, ""), ("SHUTDOWN_COMPLETE", 14, "-------T"),
    ("I_DATA", 64, "----IUBE"), ("RE_CONFIG", 130, ""), ("PAD", 132, ""), ("ASCONF", 193, ""), ("ASCONF_ACK", 128, ""),
    ("FORWARD_TSN", 192, ""), ("I_FORWARD_TSN", 194, ""),
  ]

  private func isSet(_ type: UInt8) -> Bool { map[Int(type) / 32] >> UInt32(type % 32) & 1 == 1 }
  private var isClear: Bool { map.indices.allSatisfy { map[$0] == 0 } }
  private var isFull: Bool { map.indices.allSatisfy { map[$0] == .max } }

  /// The corresponding C function is `parse_sctp_chunks`.
  mutating func parse(quantity word: Token, list: Token) throws(OptionError) {
    guard let found = Self.quantities.first(where: { $0.name.equalsIgnoringCase(word) }) else {
      throw OptionError("bad-value", "Match type has to be one of \"ALL\", \"ANY\" or \"ONLY\"", at: word.range)
    }
    quantity = found.value
    map = InlineArray(repeating: "ALL".equalsIgnoringCase(list) ? .max : 0)
    if "ALL".equalsIgnoringCase(list) || "NONE".equalsIgnoringCase(list) { return }
    for part in list.split(on: ",") where !part.bytes.isEmpty {
      let (name, letters): (Token, Token?) = part.cut(at: ":").map { ($0.before, $0.after) } ?? (part, nil)
      guard let index = Self.names.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else {
        throw OptionError(
          "bad-value", "Unknown sctp chunk `\(name.string)'", at: part.range,
          hint: "the chunks are ALL, NONE, " + Self.names.map(\.name).joined(separator: ", "))
      }
      let type = Self.names[index].type
      map[Int(type) / 32] |= 1 << UInt32(type % 32)
      for letter in letters?.bytes ?? [] { try add(letter, of: index, at: part) }
    }
  }

  /// An upper-case letter requires a flag to be set, a lower-case letter requires it to be clear.
  ///
  /// As iptables: stores the index in its table of names, which equals the chunk's number up to 14 only. Therefore the flags of chunks
  /// with a higher number are never tested.
  private mutating func add(_ letter: UInt8, of index: Int, at part: Token) throws(OptionError) {
    let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter)
    let letters = Array(Self.names[index].letters.utf8)
    let allowed = letters.isEmpty ? Array("--------".utf8) : letters
    let isLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
    guard let place = allowed.firstIndex(of: isLower ? letter & 0xdf : letter) else {
      throw OptionError(
        "bad-value", "Invalid flags for chunk type \(index)", at: part.range,
        hint: letters.isEmpty
          ? "this chunk has no flags" : "its flags are " + String(decoding: letters, as: UTF8.self).replacing("-", with: ""))
    }
    let bit = UInt8(1) << UInt8(7 - place)
    let slot = (0..<Int(flagCount)).first { flags[$0].type == UInt8(index) } ?? Int(flagCount)
    guard slot < 4 else {
      throw OptionError(
        "too-many-values", "Number of chunk types with flags exceeds currently allowed limit.", at: part.range,
        hint: "at most four chunks can have flags in one rule")
    }
    if slot == Int(flagCount) {
      flags[slot].type = UInt8(index)
      flagCount += 1
    }
    flags[slot].mask |= bit
    if isUpper { flags[slot].set |= bit }
  }

  /// The test as iptables-save prints it.
  var text: String { text(numeric: false) }

  /// The test as iptables-save prints it, or with chunk numbers.
  func text(numeric: Bool) -> String {
    let word = Self.quantities.first { $0.value == quantity }?.name ?? "any"
    if isClear { return word + " NONE" }
    if isFull { return word + " ALL" }
    let chunks = (0..<256).map(UInt8.init).filter(isSet).map { type in
      (numeric ? RuleText.hex(type, digits: 4, uppercase: true) : Self.names.first { $0.type == type }?.name ?? "") + flagText(type)
    }
    return word + " " + chunks.joined(separator: ",")
  }

  private func flagText(_ type: UInt8) -> String {
    var result = ""
    for slot in 0..<min(max(Int(flagCount), 0), 4) where flags[slot].type == type && Int(type) < Self.names.count {
      let letters = Array(Self.names[Int(type)].letters.utf8)
      if flags[slot].mask != 0 { result += ":" }
      for (place, letter) in (letters.isEmpty ? Array("--------".utf8) : letters).enumerated() {
        let bit = UInt8(1) << UInt8(7 - place)
        guard flags[slot].mask & bit != 0 else { continue }
        result.unicodeScalars.append(Unicode.Scalar(flags[slot].set & bit != 0 ? letter : letter | 0x20))
      }
    }
    return result
  }

  /// True if the chunks from `start` on satisfy the test; nil if they exceed the packet.
  ///
  /// The corresponding kernel function is `match_packet` in `xt_sctp.c`.
  func holds(_ bytes: [UInt8], from start: Int) -> Bool? {
    var missing = self
    var at = start
    repeat {
      guard let head = bytes.uint32(at: at), head & 0xffff != 0 else { return nil }
      let type = UInt8(head >> 24)
      at += (Int(head & 0xffff) + 3) & ~3
      let isWanted = isSet(type)
      let hasFlags = isWanted && flagsHold(type, UInt8(truncatingIfNeeded: head >> 16))
      switch quantity {
      case 0x01: if hasFlags { return true }
      case 0x02: if hasFlags { missing.map[Int(type) / 32] &= ~(1 << UInt32(type % 32)) }
      default: if !hasFlags { return false }
      }
    } while at < bytes.count
    switch quantity {
    case 0x01: return false
    case 0x02: return missing.isClear
    default: return true
    }
  }

  private func flagsHold(_ type: UInt8, _ given: UInt8) -> Bool {
    guard let slot = (0..<min(max(Int(flagCount), 0), 4)).first(where: { flags[$0].type == type }) else { return true }
    return given & flags[slot].mask == flags[slot].set
  }
}
