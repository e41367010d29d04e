internal import CZlib

/// Decompresses files of gzip, RFC 1952, through zlib.
public enum Gzip {
  /// Why a file cannot be decompressed.
  public enum Failure: Error, Sendable, Equatable {
    /// The file ends too early, or its bytes have no meaning.
    case damaged
    /// The content is longer than the limit.
    case tooLong
  }

  /// Whether bytes begin like a file of gzip.
  public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B, 8]) }

  /// The content of a file, all its members joined. Zeros behind the last member are padding.
  ///
  /// - Parameter limit: the greatest number of bytes of the content.
  /// - Throws: `Failure`; nothing is returned of a damaged file.
  public static func content(of bytes: [UInt8], upTo limit: Int) throws(Failure) -> [UInt8] {
    var result: [UInt8] = []
    var rest = bytes[...]
    repeat {
      let used = try unpack(rest, upTo: limit, into: &result)
      rest = rest.dropFirst(used)
    } while isOne(Array(rest.prefix(3)))
    guard rest.allSatisfy({ $0 == 0 }) else { throw .damaged }
    return result
  }

  /// Appends the content of the first member.
  ///
  /// - Returns: the length of the member.
  private static func unpack(_ bytes: ArraySlice<UInt8>, upTo limit: Int, into result: inout [UInt8]) throws(Failure) -> Int {
    var stream = unsafe z_stream()
    // 15 is the greatest window, 16 asks for the header and the check of gzip.
    guard unsafe inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(unsafe MemoryLayout<z_stream>.size)) == Z_OK else { throw .damaged }
    defer { unsafe _ = inflateEnd(&stream) }
    var input = Array(bytes)
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var status = Z_OK
    let length = input.count
    var used = 0
    while status == Z_OK {
      let filled = unsafe input.withUnsafeMutableBufferPointer { source in
        unsafe piece.withUnsafeMutableBufferPointer { target in
          unsafe stream.next_in = source.baseAddress.map { unsafe $0 + used }
          unsafe stream.avail_in = uInt(length - used)
          unsafe stream.next_out = target.baseAddress
          unsafe stream.avail_out = uInt(target.count)
          status = unsafe inflate(&stream, Z_NO_FLUSH)
          return unsafe target.count - Int(stream.avail_out)
        }
      }
      used = unsafe length - Int(stream.avail_in)
      guard result.count + filled <= limit else { throw .tooLong }
      result += piece[..<filled]
    }
    guard status == Z_STREAM_END else { throw .damaged }
    return used
  }
}
