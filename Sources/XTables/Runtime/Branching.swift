/// Decides what chance or a missing fact decides, for a packet of which every outcome is wanted.
///
/// Playing the packet again for each ``nextPlan()`` gives every outcome once.
public final class Branching {
  /// A decision that was made.
  public struct Choice: Sendable, Hashable {
    /// What was decided: `-m statistic`.
    public let subject: String
    /// True if the match was taken to hold.
    public let holds: Bool
    /// The probability of this decision; nil if a missing fact decides.
    public let probability: Double?
  }

  private let plan: [Bool]
  /// The decisions in the order in which they were made.
  public private(set) var choices: [Choice] = []

  /// - Parameter plan: the first decisions; all later ones are true.
  public init(following plan: [Bool] = []) { self.plan = plan }

  /// True for the first outcome.
  public var isFirst: Bool { plan.isEmpty }

  /// Decides whether a match holds.
  ///
  /// - Parameter probability: with which it holds; nil if it is not a matter of chance.
  public func decide(_ subject: String, probability: Double?) -> Bool {
    let holds = choices.count < plan.count ? plan[choices.count] : true
    choices.append(Choice(subject: subject, holds: holds, probability: probability.map { holds ? $0 : 1 - $0 }))
    return holds
  }

  /// The plan for the next outcome; nil after the last.
  public func nextPlan() -> [Bool]? {
    guard let last = choices.lastIndex(where: \.holds) else { return nil }
    return choices[..<last].map(\.holds) + [false]
  }

  /// The probability of all decisions together; nil if one of them is not a matter of chance.
  public var probability: Double? {
    choices.reduce(into: .some(1)) { product, choice in product = choice.probability.flatMap { part in product.map { $0 * part } } }
  }
}
