/// One way in for text or bytes that a stranger wrote, with everything that Ferrule does to them at once.
///
/// Whatever the bytes are, `read` returns: it does not trap, takes no more than `InputLimits` allow, and says the same each time.
package struct InputEntry: Sendable {
  /// The name of its corpus in `Tests/Fixtures/inputs`, and of its fuzz target.
  package let name: String
  /// Seconds of processor time that one input may take.
  package let seconds: Double
  package let read: @Sendable ([UInt8]) -> Void

  package init(_ name: String, seconds: Double = InputLimits.seconds, _ read: @escaping @Sendable ([UInt8]) -> Void) {
    self.name = name
    self.seconds = seconds
    self.read = read
  }

  package static let all =
    RulesetEntries.all + PolicyEntries.all + EditorEntries.all + HostEntries.all + ScenarioEntries.all + PacketEntries.all
    + StructureEntries.all

  package init?(named name: String) {
    guard let found = (Self.all + PlantedEntries.all).first(where: { $0.name == name }) else { return nil }
    self = found
  }
}

/// Entries with faults, by which the tests of the fuzzing see that it finds any.
package enum PlantedEntries {
  package static let all = [
    InputEntry("planted-trap") { bytes in precondition(!bytes.contains(0x7f), "planted") },
    InputEntry("planted-hang", seconds: 0.5) { bytes in while bytes.contains(0x7f) {} },
    InputEntry("planted-growth") { bytes in
      guard bytes.contains(0x7f) else { return }
      let grown = [UInt8](repeating: 1, count: InputLimits.memory)
      precondition(grown[grown.count / 2] == 1)
    },
    InputEntry("planted-depth") { bytes in precondition(depth(bytes[...]) >= 0) },
  ]

  /// One frame of the stack for each opening bracket.
  private static func depth(_ bytes: ArraySlice<UInt8>) -> Int {
    guard let at = bytes.firstIndex(of: UInt8(ascii: "[")) else { return 0 }
    return depth(bytes[(at + 1)...]) + 1
  }
}
