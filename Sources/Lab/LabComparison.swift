public import Documents
public import Scenarios

/// Compares two answers to the same scenario.
///
/// Differences that two runs of one kernel may show are removed first: those of the protocol's mask (`LabMask`), timeouts within a second,
/// and the order of conntrack listings. A packet's `pkt` and `brief` are ignored, because its bytes are compared.
public struct LabComparison: Sendable {
  /// A place where the answers differ.
  public struct Difference: Sendable, Equatable, CustomStringConvertible {
    /// The path of the place, such as `steps[2].packets[0].verdict`.
    public var path: String
    /// The value in the left answer; nil if it is absent.
    public var left: JSONValue?
    /// The value in the right answer; nil if it is absent.
    public var right: JSONValue?

    /// The path and both values as one line.
    public var description: String {
      "\(path): \(left.map { "\($0)" } ?? "nothing") ≠ \(right.map { "\($0)" } ?? "nothing")"
    }
  }

  /// The scenario that was answered.
  public let scenario: Scenario
  /// The allowed difference of timeouts, in seconds.
  public var timeoutTolerance = 1

  /// Creates a comparison for answers to this scenario.
  public init(_ scenario: Scenario) { self.scenario = scenario }

  /// The reason why a comparison is meaningless, because the answer depends on random numbers of the kernel; nil otherwise.
  public var undetermined: String? { scenario.chance }

  /// The places that differ, at most `limit`, in the order of the answers; empty if the answers agree or the result is `undetermined`.
  public func differences(_ left: JSONValue, _ right: JSONValue, limit: Int = 1) -> [Difference] {
    guard undetermined == nil else { return [] }
    let (left, right) = masked(left, right)
    return differencesOfMasked(left, right, limit: limit)
  }

  /// Both answers after masking.
  package func masked(_ left: JSONValue, _ right: JSONValue) -> (JSONValue, JSONValue) {
    var mask = LabMask(scenario: scenario)
    return mask.apply(to: left, and: right)
  }

  /// The places that differ in masked answers or parts of them.
  ///
  /// - Parameter name: the name of the member that the parts belong to.
  package func differencesOfMasked(_ left: JSONValue?, _ right: JSONValue?, name: String = "", limit: Int = 1) -> [Difference] {
    var found: [Difference] = []
    compare(left, right, path: "", name: name, into: &found, limit: limit)
    return found
  }

  /// The first place that differs; nil if the answers agree.
  public func firstDifference(_ left: JSONValue, _ right: JSONValue) -> Difference? {
    differences(left, right, limit: 1).first
  }

  private func compare(_ left: JSONValue?, _ right: JSONValue?, path: String, name: String, into found: inout [Difference], limit: Int) {
    guard found.count < limit else { return }
    switch (left, right) {
    case (.object(let a)?, .object(let b)?):
      for member in a.members {
        compare(member.value, b[member.name], path: join(path, member.name), name: member.name, into: &found, limit: limit)
      }
      for member in b.members where a[member.name] == nil {
        compare(nil, member.value, path: join(path, member.name), name: member.name, into: &found, limit: limit)
      }
    case (.array(let a)?, .array(let b)?):
      let (a, b) = (sorted(a, name: name), sorted(b, name: name))
      for index in 0..<max(a.count, b.count) {
        compare(
          index < a.count ? a[index] : nil, index < b.count ? b[index] : nil, path: "\(path)[\(index)]", name: "", into: &found,
          limit: limit)
      }
    case (.integer(let a)?, .integer(let b)?) where name == "timeout":
      if abs(a - b) > timeoutTolerance { found.append(Difference(path: path, left: left, right: right)) }
    default:
      if left != right, !(isEmpty(left) && isEmpty(right)) { found.append(Difference(path: path, left: left, right: right)) }
    }
  }

  /// A missing list equals an empty one.
  private func isEmpty(_ value: JSONValue?) -> Bool {
    value == nil || value == .array([])
  }

  private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Sorts lists without a meaningful order: conntrack lists entries in the order of a hash table.
  private func sorted(_ elements: [JSONValue], name: String) -> [JSONValue] {
    guard ["conntrack", "expect", "hits", "hits6"].contains(name) else { return elements }
    let keyed = elements.map { element in
      (key: (element["orig"] ?? element["tuple"] ?? element).description + (element["proto"]?.description ?? ""), element: element)
    }
    return keyed.sorted { $0.key < $1.key }.map(\.element)
  }
}
