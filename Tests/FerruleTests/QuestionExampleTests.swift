import Foundation
import Kernel
import TestSupport
import Testing

/// The folders of `Examples/` with a file `questions.txt`: commands, each with what it prints. Some are played in the kernel.
@Suite(.asRoot) struct QuestionExampleTests {
  static let folders: [String] = {
    let base = BuiltCommand.root.appending(path: "Examples").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    return names.sorted().filter { FileManager.default.fileExists(atPath: "\(base)/\($0)/questions.txt") }
  }()

  @Test func theFoldersAreFound() { #expect(Self.folders == ["docker-host", "firewalld-host", "kube-proxy"]) }

  @Test(arguments: folders) func theAnswersAreAsRecorded(_ name: String) throws {
    let folder = BuiltCommand.root.appending(path: "Examples/\(name)")
    let file = folder.appending(path: "questions.txt")
    let text = try String(contentsOf: file, encoding: .utf8)
    let commands = text.split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
    #expect(commands.count > 3)
    // What the commands write is not to stay in the folder.
    let copy = FileManager.default.temporaryDirectory.appending(path: "ferrule-questions-\(getpid())-\(name)")
    try FileManager.default.copyItem(at: folder, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    var printed = ""
    for command in commands {
      let outcome = try BuiltCommand.shell(command, in: copy)
      #expect(outcome.status < 2, "\(command)\n\(outcome.text)")
      printed += "$ \(command)\n" + outcome.text
    }
    if ProcessInfo.processInfo.environment["FERRULE_RECORD"] == "1" { try printed.write(to: file, atomically: true, encoding: .utf8) }
    #expect(printed == text)
  }
}
