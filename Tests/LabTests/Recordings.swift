import FoundationEssentials
import Lab
import Testing

/// The recorded answers of a real kernel: `lab/examples.jsonl` of the shared material, which `FERRULE_SHARED` names, by default
/// `../shared` beside the package.
enum Recordings {
  struct Recording: Sendable {
    var scenario: Scenario
    var value: JSONValue
    var kernel: JSONValue
  }

  static let lines: [String] = {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let shared = ProcessInfo.processInfo.environment["FERRULE_SHARED"] ?? root + "/../shared"
    guard let text = try? String(contentsOfFile: shared + "/lab/examples.jsonl", encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init)
  }()

  static func all() throws -> [Recording] {
    try lines.map { line in
      let value = try JSONValue(parsing: line)
      return Recording(
        scenario: try Scenario(value["scenario"] ?? .null), value: value["scenario"] ?? .null, kernel: value["kernel"] ?? .null)
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs only where the recordings are; says so where they are not.
  static var needsRecordings: Self {
    .enabled("no recordings found: set FERRULE_SHARED to the directory that has lab/examples.jsonl") { !Recordings.lines.isEmpty }
  }
}

/// A small generator with a seed, so that a failure can be had again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
