public import Lab

/// A scenario to which engine and kernel answer differently.
public struct Disagreement: Sendable {
  /// The case it was found in.
  public let number: Int
  /// As small as it could be made, ready for a file of regressions.
  public let scenario: JSONValue
  /// What differs: the kernel's answer at the left, the engine's at the right.
  public let differences: [LabComparison.Difference]

  /// Where answers differ, without numbers: two disagreements of the same class are likely one mistake.
  public var kind: String {
    let path = differences.first.map { $0.path } ?? ""
    var text = ""
    var isIndex = false
    for letter in path {
      if letter == "]" { isIndex = false }
      if !isIndex { text.append(letter) }
      if letter == "[" { isIndex = true }
    }
    return text
  }
}

/// Asks engine and kernel about a scenario, and holds the answers against each other.
public struct Examination: Sendable {
  public let kernel: LabResult
  public let engine: LabResult
  public let differences: [LabComparison.Difference]

  public var disagrees: Bool { !differences.isEmpty }
  /// Which of the two could not play it.
  var refusals: [Bool] { [kernel.error != nil, engine.error != nil] }
}
