import Glibc
import Wire

/// The records of a regular file in the classic pcap format, read in large pieces.
///
/// Reads only records that leave nothing to judge: in the byte order of this machine, complete, and not longer than the file says. The rest is
/// left to libpcap, whose messages about damaged files are wanted too.
@safe final class PcapFile {
  /// A record. Its bytes are those of ``bytes`` in the range, until the next call of ``next()``.
  struct Record {
    let timestamp: UInt64
    let originalLength: Int
    let range: Range<Int>
  }

  enum Step {
    case record(Record)
    case end
    /// libpcap is to read this record and all others.
    case unclear
  }

  private enum Magic {
    static let microseconds: UInt32 = 0xA1B2_C3D4, nanoseconds: UInt32 = 0xA1B2_3C4D
  }

  private static let headerLength = 24, recordHeaderLength = 16
  /// The longest packets that a file may announce; libpcap replaces other values.
  private static let longestPacket = 262_144

  private let descriptor: CInt
  /// The piece of the file that is being read.
  private(set) var bytes = [UInt8](repeating: 0, count: 2 * PcapFile.longestPacket)
  private var start = 0
  private var end = 0
  private var hasMicroseconds = true
  private var longest = 0

  /// Opens the file a second time. Nil if only libpcap can read it, or if it can be read only once.
  init?(path: String) {
    guard path != "-" else { return nil }
    // Does not wait for the writer of a pipe.
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, fill(Self.headerLength),
      let magic = word(0), magic == Magic.microseconds || magic == Magic.nanoseconds, word(4) == 0x0004_0002,
      let announced = word(16), (1...Self.longestPacket).contains(Int(announced))
    else { return nil }
    hasMicroseconds = magic == Magic.microseconds
    longest = Int(announced)
    start = Self.headerLength
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next record.
  func next() -> Step {
    guard fill(Self.recordHeaderLength) else { return start == end ? .end : .unclear }
    guard let seconds = word(start), let fraction = word(start &+ 4), let captured = word(start &+ 8), let length = word(start &+ 12),
      Int(captured) <= longest, length <= UInt32(Int32.max), seconds <= UInt32(Int32.max),
      fraction < (hasMicroseconds ? 1_000_000 : 1_000_000_000),
      fill(Self.recordHeaderLength &+ Int(captured))
    else { return .unclear }
    let first = start &+ Self.recordHeaderLength
    start = first &+ Int(captured)
    let timestamp = UInt64(seconds) &* 1_000_000_000 &+ UInt64(fraction) &* (hasMicroseconds ? 1000 : 1)
    return .record(Record(timestamp: timestamp, originalLength: Int(length), range: first..<start))
  }

  /// Reads on until at least this many bytes follow `start`; false if the file ends before.
  @inline(__always)
  private func fill(_ count: Int) -> Bool { end &- start >= count || readOn(count) }

  private func readOn(_ count: Int) -> Bool {
    let (rest, length) = (start, end - start)
    // Not with a slice, for which all bytes would be copied.
    unsafe bytes.withUnsafeMutableBytes { piece in
      if let first = piece.baseAddress { unsafe first.copyMemory(from: first.advanced(by: rest), byteCount: length) }
    }
    (start, end) = (0, length)
    while end - start < count {
      let place = end
      let got = unsafe bytes.withUnsafeMutableBytes { piece in
        unsafe read(descriptor, piece.baseAddress?.advanced(by: place), piece.count - place)
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return false }
      end += got
    }
    return true
  }

  private func word(_ offset: Int) -> UInt32? { bytes.uint32(at: offset)?.byteSwapped }
}
