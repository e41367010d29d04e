import Measuring

/// Commands that do the same, run in turns: what each takes, beside the last one, which is the real tool.
struct Comparison {
  struct Result {
    /// The medians of all runs, in milliseconds.
    let processor: Double
    let elapsed: Double
    /// The highest peak of the resident memory, in KiB.
    let peak: Int
  }

  let results: [Result]
  private let names: [String]

  /// - Parameters:
  ///   - commands: a name and the words of each; all must succeed.
  ///   - input: the file they get for their standard input.
  init(_ commands: [(name: String, words: [String])], input: String = "/dev/null", rounds: Int) {
    var runs = [[Child]](repeating: [], count: commands.count)
    for _ in 0..<rounds {
      for (index, command) in commands.enumerated() {
        let child = Child(command.words, input: input)
        precondition(child.status == 0, command.words.joined(separator: " "))
        runs[index].append(child)
      }
    }
    names = commands.map(\.name)
    results = runs.map { runs in
      Result(
        processor: Self.median(runs.map(\.processor)), elapsed: Self.median(runs.map(\.elapsed)), peak: runs.map(\.peak).max() ?? 0)
    }
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private var real: Result { results[results.count - 1] }

  /// How much of the real tool's time a command takes, by its index.
  func time(of command: Int) -> Double { results[command].processor / real.processor }
  /// How much of the real tool's memory a command takes, by its index.
  func memory(of command: Int) -> Double { Double(results[command].peak) / Double(real.peak) }

  func show() {
    for (name, result) in zip(names, results) {
      let columns = [
        (Self.number(result.processor) + " ms", result.processor / real.processor),
        (Self.number(result.elapsed) + " ms", result.elapsed / real.elapsed),
        (Self.number(Double(result.peak) / 1024) + " MiB", Double(result.peak) / Double(real.peak)),
      ]
      let text = columns.map { Self.padded("\($0.0) (\(Self.number($0.1)))", 22) }.joined()
      print("  " + name + String(repeating: " ", count: max(0, 34 - name.utf8.count)) + text)
    }
  }

  static func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.utf8.count)) + text }

  static func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
  }
}
