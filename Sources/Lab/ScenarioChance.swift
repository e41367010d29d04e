/// What in a scenario follows from a number that the kernel draws, so that two boots of one kernel may answer otherwise.
extension Scenario {
  /// Why the answer is a matter of chance beyond what `LabMask` sets aside; nil where it is not.
  var chance: String? {
    if throwsDice { return "the rules have -m statistic --mode random" }
    if let balance = queueBalances.first(where: { !answersAlike($0) }) {
      return "--queue-balance \(balance.lowerBound):\(balance.upperBound) picks a queue by a secret of the kernel, and the queues answer differently"
    }
    return nil
  }

  private var throwsDice: Bool {
    ruleTexts.flatMap { $0.split(whereSeparator: \.isNewline) }.contains { line in
      guard line.contains("--mode random") else { return false }
      let words = line.split(separator: " ")
      // A rule that never matches or always matches leaves nothing to chance.
      return words.indices.contains { words[$0] == "--probability" && !["0", "1"].contains(words.dropFirst($0 + 1).first ?? "") }
    }
  }

  /// The queues between which NFQUEUE picks one by a hash under a seed drawn at boot. Kernel: `nfqueue_hash`, `jhash_initval`.
  var queueBalances: [ClosedRange<Int>] {
    let words = ruleTexts.joined(separator: "\n").split { " \t\n=\"".contains($0) }
    return zip(words, words.dropFirst()).compactMap { option, value in
      let ends = value.split(separator: ":").compactMap { Int($0) }
      guard option == "--queue-balance", ends.count == 2, ends[0] <= ends[1], 0...65535 ~= ends[0], ends[1] <= 65535 else { return nil }
      return ends[0]...ends[1]
    }
  }

  /// A packet gets the same answer from each of the queues, however many packets came to each before.
  private func answersAlike(_ balance: ClosedRange<Int>) -> Bool {
    let first = queues[UInt16(balance.lowerBound)]
    guard balance.allSatisfy({ queues[UInt16($0)] == first }) else { return false }
    guard let first, balance.count > 1 else { return true }
    // Lists of several verdicts count the packets of their queue, and so does a queue of limited length.
    return first.allSatisfy { $0 == first[0] } && !(queueLength != nil && first.contains { $0.verdict == .hold })
  }
}
