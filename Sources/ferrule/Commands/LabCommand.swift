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
    var input = try LineInput("-", longest: Limits.documentBytes)
    while let lines = try input.next() {
      for bytes in lines.split(separator: UInt8(ascii: "\n")) {
        let line = String(decoding: bytes, as: UTF8.self)
        guard line.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
        try Console.print((kernel ? lab.answer(line: line) : engine.answer(line: line)) + "\n")
      }
    }
  }
}
