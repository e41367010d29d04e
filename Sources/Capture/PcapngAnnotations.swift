import Glibc
import Wire

/// Reads from the blocks of a pcapng file what libpcap does not report: the interface and the direction of each packet
/// (`draft-ietf-opsawg-pcapng`). Holds one block at a time.
@safe final class PcapngAnnotations {
  /// The interface and the direction of a packet.
  struct Note {
    let number: UInt32
    let name: String?
    let direction: CaptureDirection?
  }

  private enum Block {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1, obsoletePacket: UInt32 = 2, simplePacket: UInt32 = 3, packet: UInt32 = 6
  }

  /// The option code of an interface's name, and of a packet's flags.
  private static let nameOrFlags: UInt16 = 2
  /// Blocks that are longer are none that libpcap reads.
  private static let longest: UInt32 = 1 << 24
  private static let mostInterfaces = 1 << 16

  private let file: UnsafeMutablePointer<FILE>
  private var isLittle = true
  private var names: [String?] = []

  /// Opens the file a second time. Nil if it is not a pcapng file, or can be read only once.
  init?(path: String) {
    guard path != "-", let opened = unsafe fopen(path, "re") else { return nil }
    var status = stat()
    guard unsafe fstat(fileno(opened), &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      unsafe fclose(opened)
      return nil
    }
    unsafe file = opened
    guard let head = read(4), head == [0x0A, 0x0D, 0x0D, 0x0A], unsafe fseek(file, 0, SEEK_SET) == 0 else { return nil }
  }

  deinit { unsafe fclose(file) }

  /// The note of the next packet; nil at the end, or after damage.
  func next() -> Note? {
    while let (type, body) = block() {
      switch type {
      case Block.section: names = []
      case Block.interface:
        guard names.count < Self.mostInterfaces else { return nil }
        names.append(option(Self.nameOrFlags, in: body, from: 8).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      case Block.packet:
        guard let number = word(body, 0), let captured = word(body, 12), Int(captured) <= body.count else { return nil }
        return note(number, flags: option(Self.nameOrFlags, in: body, from: 20 + (Int(captured) + 3) / 4 * 4))
      case Block.obsoletePacket: return half(body, 0).map { note(UInt32($0), flags: nil) }
      case Block.simplePacket: return note(0, flags: nil)
      default: continue
      }
    }
    return nil
  }

  /// The lowest two bits of the flags are the direction.
  private func note(_ number: UInt32, flags: [UInt8]?) -> Note {
    let bits = flags.flatMap { word($0, 0) }.map { $0 & 3 }
    return Note(
      number: number, name: names.indices.contains(Int(number)) ? names[Int(number)] : nil,
      direction: bits == 1 ? .incoming : bits == 2 ? .outgoing : nil)
  }

  /// The next block: its type and its body.
  private func block() -> (UInt32, [UInt8])? {
    guard let head = read(8) else { return nil }
    var type = word(head, 0) ?? 0
    var magic: [UInt8] = []
    if head.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]) {
      // The byte order of the section is that of its first word.
      guard let order = read(4) else { return nil }
      magic = order
      isLittle = order == [0x4D, 0x3C, 0x2B, 0x1A]
      type = Block.section
    }
    guard let length = word(head, 4), length >= 12, length % 4 == 0, length <= Self.longest,
      let body = read(Int(length) - 8 - magic.count)
    else { return nil }
    return (type, magic + body.dropLast(4))
  }

  private func read(_ count: Int) -> [UInt8]? {
    guard count >= 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, count, file) }
    return got == count ? bytes : nil
  }

  private func word(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
    bytes.uint32(at: offset).map { isLittle ? $0.byteSwapped : $0 }
  }

  private func half(_ bytes: [UInt8], _ offset: Int) -> UInt16? {
    bytes.uint16(at: offset).map { isLittle ? $0.byteSwapped : $0 }
  }

  /// The value of the first option with a code; nil if there is none.
  private func option(_ code: UInt16, in body: [UInt8], from start: Int) -> [UInt8]? {
    var at = start
    while let found = half(body, at), let length = half(body, at + 2), found != 0 {
      let end = at + 4 + Int(length)
      guard end <= body.count else { return nil }
      if found == code { return Array(body[(at + 4)..<end]) }
      at = (end + 3) / 4 * 4
    }
    return nil
  }
}
