public import Diagnostics

/// Applies the fixes of diagnostics to a file. All other bytes stay unchanged.
public enum FixApplication {
  /// Applies fixes in the order of their positions. Skips a fix that overlaps an earlier one.
  ///
  /// - Returns: the new bytes and the number of fixes applied.
  public static func apply(_ diagnostics: [Diagnostic], to file: SourceFile) -> (bytes: [UInt8], count: Int) {
    let fixes = diagnostics.flatMap(\.fixIts).sorted { $0.range.lowerBound < $1.range.lowerBound }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(file.bytes.count)
    var at = 0
    var count = 0
    for fix in fixes {
      let range = fix.range.range
      guard range.lowerBound >= at, range.upperBound <= file.bytes.count else { continue }
      bytes += file.bytes[at..<range.lowerBound]
      bytes += fix.replacement
      at = range.upperBound
      count += 1
    }
    bytes += file.bytes[at...]
    return (bytes, count)
  }
}
