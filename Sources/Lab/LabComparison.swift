/// Two answers to the same scenario held against each other.
///
/// What two runs of the same kernel need not agree on is set aside first: the mask of the protocol (`LabMask`), timeouts within
/// a second, the order of conntrack's lists. A packet's fields (`pkt`) and `brief` are compared by its bytes.
public struct LabComparison: Sendable {
  /// The first place where the answers differ, as a path (`steps[2].packets[0].verdict`), and what stands there; nil is nothing.
  public struct Difference: Sendable, Equatable, CustomStringConvertible {
    public var path: String
    public var left: JSONValue?
    public var right: JSONValue?

    public var description: String {
      "\(path): \(left.map { "\($0)" } ?? "nothing") ≠ \(right.map { "\($0)" } ?? "nothing")"
    }
  }

  public let scenario: Scenario
  /// Packets and timeouts may be off by this many seconds.
  public var timeoutTolerance = 1

  public init(_ scenario: Scenario) { self.scenario = scenario }

  /// Why nothing can be said by comparing: the answer follows from what the kernel draws by chance.
  public var undetermined: String? { scenario.chance }

  /// All places that differ, up to a number, in the order of the answers; empty when they agree, or when `undetermined`.
  public func differences(_ left: JSONValue, _ right: JSONValue, limit: Int = 1) -> [Difference] {
    guard undetermined == nil else { return [] }
    let (left, right) = masked(left, right)
    return differencesOfMasked(left, right, limit: limit)
  }

  /// Both answers without what two runs of the same kernel need not agree on.
  func masked(_ left: JSONValue, _ right: JSONValue) -> (JSONValue, JSONValue) {
    var mask = LabMask(scenario: scenario)
    return mask.apply(to: left, and: right)
  }

  /// The places that differ in answers, or parts of answers, that have been masked.
  ///
  /// - Parameter name: the name of the member that the parts are of.
  func differencesOfMasked(_ left: JSONValue?, _ right: JSONValue?, name: String = "", limit: Int = 1) -> [Difference] {
    var found: [Difference] = []
    compare(left, right, path: "", name: name, into: &found, limit: limit)
    return found
  }

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

  /// A list left out is an empty one.
  private func isEmpty(_ value: JSONValue?) -> Bool {
    value == nil || value == .array([])
  }

  private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Lists whose order means nothing, in one of their own: conntrack's walks a hash table.
  private func sorted(_ elements: [JSONValue], name: String) -> [JSONValue] {
    guard ["conntrack", "expect", "hits", "hits6"].contains(name) else { return elements }
    let keyed = elements.map { element in
      (key: (element["orig"] ?? element["tuple"] ?? element).description + (element["proto"]?.description ?? ""), element: element)
    }
    return keyed.sorted { $0.key < $1.key }.map(\.element)
  }
}
