import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import KernelLab
import Lab
import XTables

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Runs scenarios given as JSON lines and prints their results as JSON lines.",
    discussion: """
      Reads scenarios from standard input, one JSON object per line, and writes the result of each as one line. With --kernel the \
      scenarios run in the kernel, in temporary network namespaces; this needs root.

      EXIT STATUS
        0  all lines were answered; the error of a scenario is in its result
        2  the input cannot be read, or has no scenario

      EXAMPLES
        ferrule lab < scenarios.jsonl
        sudo ferrule lab --kernel < scenarios.jsonl
        sudo ferrule lab --kernel --backend nft < scenarios.jsonl
      """)

  @Flag(help: "Run the scenarios in the running kernel instead of Ferrule's engine.")
  var kernel = false

  @OptionGroup var backend: LabBackendOptions

  func run() throws {
    let engine = LabEngine(registry: .installed, names: .system)
    let lab = KernelLab(registry: .installed, usesNfTables: backend.usesNfTables)
    var input = try LineInput("-", longest: Limits.documentBytes)
    var isEmpty = true
    while let lines = try input.next() {
      for bytes in lines.split(separator: UInt8(ascii: "\n")) {
        let line = String(decoding: bytes, as: UTF8.self)
        guard line.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
        isEmpty = false
        try Console.print((kernel ? lab.answer(line: line) : engine.answer(line: line, usesNfTables: backend.usesNfTables)) + "\n")
      }
    }
    if isEmpty { throw CommandFailure("<stdin>: there is no scenario in it; the input is empty or was cut off") }
  }
}
