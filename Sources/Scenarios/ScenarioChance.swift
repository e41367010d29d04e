/// The parts of a scenario that depend on random numbers of the kernel, so that answers may differ between boots.
extension Scenario {
  /// The reason why the answer is random beyond what `LabMask` masks; nil if it is not.
  package var chance: String? {
    if throwsDice { return "the rules have -m statistic --mode random" }
    if let balance = queueBalances.first(where: { !answersAlike($0) }) {
      return
        "--queue-balance \(balance.lowerBound):\(balance.upperBound) selects a queue by a secret number of the kernel, and the queues have different verdicts"
    }
    return nil
  }

  private var throwsDice: Bool {
    ruleTexts.flatMap { $0.split(whereSeparator: \.isNewline) }.contains { line in
      guard line.contains("--mode random") else { return false }
      let words = line.split(separator: " ")
      // Probabilities 0 and 1 are not random.
      return words.indices.contains { words[$0] == "--probability" && !["0", "1"].contains(words.dropFirst($0 + 1).first ?? "") }
    }
  }

  /// The ranges of queues from which NFQUEUE selects by a hash with a random seed. Kernel: `nfqueue_hash`, `jhash_initval`.
  package var queueBalances: [ClosedRange<Int>] {
    let words = ruleTexts.joined(separator: "\n").split { " \t\n=\"".contains($0) }
    return zip(words, words.dropFirst()).compactMap { option, value in
      let ends = value.split(separator: ":").compactMap { Int($0) }
      guard option == "--queue-balance", ends.count == 2, ends[0] <= ends[1], 0...65535 ~= ends[0], ends[1] <= 65535 else { return nil }
      return ends[0]...ends[1]
    }
  }

  /// True if all queues of a balance give every packet the same answer.
  private func answersAlike(_ balance: ClosedRange<Int>) -> Bool {
    let first = queues[UInt16(balance.lowerBound)]
    guard balance.allSatisfy({ queues[UInt16($0)] == first }) else { return false }
    guard let first, balance.count > 1 else { return true }
    // Lists of different verdicts depend on the number of packets in their queue, and so does a limited queue.
    return first.allSatisfy { $0 == first[0] } && !(queueLength != nil && first.contains { $0.verdict == .hold })
  }
}
