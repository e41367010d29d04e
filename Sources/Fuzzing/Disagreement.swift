public import Documents
public import Lab

/// A scenario for which engine and kernel give different answers.
public struct Disagreement: Sendable {
  /// The number of the case in which it was found.
  public let number: Int
  /// The scenario, made as small as possible, for a regression file.
  public let scenario: JSONValue
  /// The differences; the kernel's answer is on the left, the engine's on the right.
  public let differences: [LabComparison.Difference]

  /// The differing paths without indices. Two disagreements of the same kind probably have the same cause.
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

/// The answers of engine and kernel to a scenario, compared.
public struct Examination: Sendable {
  /// The kernel's answer.
  public let kernel: LabResult
  /// The engine's answer.
  public let engine: LabResult
  /// The differences; the kernel's answer is on the left, the engine's on the right.
  public let differences: [LabComparison.Difference]

  /// True if the answers differ.
  public var disagrees: Bool { !differences.isEmpty }
  /// The member of the answer that differs first, such as `trace`; empty if none differs.
  var member: String {
    let path = differences.first?.path ?? ""
    return path.split(separator: ".").last.map { String($0.prefix { $0 != "[" }) } ?? ""
  }
  /// For kernel and engine: true if it could not play the scenario.
  var refusals: [Bool] { [kernel.error != nil, engine.error != nil] }
}
