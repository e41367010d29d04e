public import Wire
import XTables

extension TableBlob {
  /// Splits a file of blobs, each written by ``replaceBytes``. The header of each blob gives its length.
  ///
  /// - Throws: a ``DecompileError`` with the offset in the file of a header that is truncated, too long, or without a known table.
  public static func split(_ bytes: [UInt8], family: Family) throws(DecompileError) -> [TableBlob] {
    var blobs: [TableBlob] = []
    var at = 0
    while at < bytes.count {
      guard bytes.count - at >= replaceHeaderSize, let size = bytes.word(UInt32.self, at: at + 40) else {
        throw DecompileError(offset: at, "is too short for the header of a table")
      }
      guard bytes.count - at - replaceHeaderSize >= Int(size) else {
        throw DecompileError(offset: at, "is truncated: the table should have \(size) bytes of entries")
      }
      let end = at + replaceHeaderSize + Int(size)
      guard let blob = TableBlob(replaceBytes: Array(bytes[at..<end]), family: family) else {
        throw DecompileError(offset: at, "has an unknown table name")
      }
      blobs.append(blob)
      at = end
    }
    return blobs
  }
}
