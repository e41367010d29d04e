import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import KernelLab
import Lab
import XTables

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Answers scenarios, one JSON object a line.",
    discussion: """
      Reads scenarios from standard input and writes a result for each, as it comes. With --kernel the running kernel answers, in \
      network namespaces made for it; that needs root.

      EXAMPLES
        ferrule lab < scenarios.jsonl
        sudo ferrule lab --kernel < scenarios.jsonl
      """)

  @Flag(help: "Let the running kernel answer.")
  var kernel = false

  func run() throws {
    let engine = LabEngine(registry: .installed, names: .system)
    let lab = KernelLab(registry: .installed)
    while let line = readLine() {
      guard line.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
      let answer: String
      if kernel {
        answer = lab.answer(line: line)
      } else {
        answer = engine.answer(line: line)
      }
      try Console.print(answer + "\n")
    }
  }
}
