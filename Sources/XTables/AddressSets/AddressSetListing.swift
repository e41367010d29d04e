/// The output of `ipset list`.
enum AddressSetListing {
  /// The same sets as lines of `ipset save`, each with the number of the line that it comes from. All sets precede all elements, because
  /// a set of sets may be listed before its members.
  ///
  /// - Returns: nil if the text is not the output of `ipset list`.
  /// - Throws: the place of a set whose members are left out, as by `ipset list -terse`.
  static func savedLines(of text: String) throws(AddressSetError) -> [(number: Int, text: Substring)]? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first(where: { !$0.allSatisfy(\.isWhitespace) }), first.hasPrefix("Name:") else { return nil }
    var sets: [(number: Int, text: Substring)] = []
    var elements: [(number: Int, text: Substring)] = []
    var name = ""
    var start = 0
    var expected = 0
    var count = 0
    var isInMembers = false
    func checkCount() throws(AddressSetError) {
      guard expected > count else { return }
      throw AddressSetError(
        line: start, reason: "of the \(expected) elements of \(name) \(count) are listed: give `ipset list' without -terse")
    }
    for (index, line) in lines.enumerated() {
      let number = index + 1
      if let value = field("Name", line) {
        try checkCount()
        (name, start, expected, count, isInMembers) = (value, number, 0, 0, false)
      } else if isInMembers {
        guard !line.allSatisfy(\.isWhitespace) else { continue }
        count += 1
        elements.append((number, "add \(name) \(line)"))
      } else if let type = field("Type", line) {
        sets.append((number, "create \(name) \(type)"))
      } else if let header = field("Header", line), let last = sets.popLast() {
        sets.append((last.number, last.text + " " + header))
      } else if let entries = field("Number of entries", line) {
        expected = Int(entries) ?? 0
      } else if line.hasPrefix("Members:") {
        isInMembers = true
      }
    }
    try checkCount()
    return sets + elements
  }

  private static func field(_ name: String, _ line: Substring) -> String? {
    guard line.hasPrefix(name + ":") else { return nil }
    let value = line.dropFirst(name.count + 1).drop { $0 == " " }
    return String(value)
  }
}
