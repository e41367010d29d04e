package import Documents

/// The folder of the package that the tests belong to.
package enum PackageFolder {
  package static let path = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

  /// The values of a file of JSON lines in `Tests/Fixtures`.
  package static func fixture(_ name: String) throws -> [JSONValue] {
    try TextFile.lines(path + "/Tests/Fixtures/" + name).map { try JSONValue(parsing: $0) }
  }
}
