import Diagnostics
import Documents
import Evaluator
import Wire
import XTables

/// All outcomes of a packet: each decision of chance, or of a fact that was not given, is followed both ways.
struct RunOutcomes {
  /// One of the outcomes.
  struct Outcome {
    let number: Int
    /// The number of outcomes that were followed.
    let total: Int
    let choices: [Branching.Choice]
    let probability: Double?

    /// `outcome 1 of 3, with probability 0.3333`.
    var title: String {
      "outcome \(number) of \(total)" + (probability.map { ", with probability \(Self.text($0))" } ?? "")
    }

    /// What was assumed of facts that were not given.
    var assumptions: [String] {
      choices.filter { $0.probability == nil }.map { "assumed to \($0.holds ? "match" : "fail"): \($0.subject)" }
    }

    /// The outcome as JSON.
    var json: JSONValue {
      [
        "number": .integer(number), "of": .integer(total), "probability": probability.map { .number($0) } ?? .null,
        "choices": .array(
          choices.map {
            ["subject": .string($0.subject), "holds": .bool($0.holds), "probability": $0.probability.map { .number($0) } ?? .null]
          }),
      ]
    }

    /// A probability with four decimals.
    private static func text(_ probability: Double) -> String {
      let digits = String(Int((probability * 10_000).rounded()) + 10_000)
      return probability > 0.99995 ? "1" : "0." + digits.dropFirst()
    }
  }

  /// What a packet of an outcome was, what it caused, and the host after it.
  struct Played {
    let packet: Packet?
    let report: PathReport
    let simulator: Simulator
  }

  /// The outcomes.
  private(set) var all: [(outcome: Outcome, played: Played)] = []
  /// True if there are more outcomes than were followed.
  private(set) var isCut = false

  /// - Parameter play: plays the packet in a new simulator in which this decides; nil if only time passes.
  init(_ play: (Branching) throws -> Played?) throws {
    var plan: [Bool]? = []
    var found: [(branching: Branching, played: Played)] = []
    while let next = plan {
      guard found.count < Limits.outcomesOfPacket else {
        isCut = true
        break
      }
      let branching = Branching(following: next)
      guard let played = try play(branching) else { return }
      found.append((branching, played))
      plan = branching.nextPlan()
    }
    all = found.enumerated().map { index, one in
      let (choices, probability) = (one.branching.choices, one.branching.probability)
      return (Outcome(number: index + 1, total: found.count, choices: choices, probability: probability), one.played)
    }
  }
}
