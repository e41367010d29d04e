import ArgumentParser
import Diagnostics
import Documents
import Kernel
import Linter

/// Files of many machines.
struct FleetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also read the names of files from this file, one line each (- means standard input). With --format jsonl each line is answered as it arrives; tabs separate the names of files that belong together.",
      valueName: "file"), completion: .file())
  var filesFrom: String?

  /// Calls `body` with the files of each line.
  func each(_ body: ([String]) throws -> Void) throws {
    guard let filesFrom else { return }
    var input = try LineInput(filesFrom, longest: 1 << 20)
    while let lines = try input.next() {
      for line in lines.split(separator: UInt8(ascii: "\n")) {
        let names = line.split(separator: UInt8(ascii: "\t")).map { String(decoding: $0, as: UTF8.self) }
        if !names.isEmpty { try body(names) }
      }
    }
  }

  /// Answers for files with a line of `--format jsonl`. Files that cannot be read are answered by a line with the error, and the others are still
  /// read. Diagnostics of unreadable files are on standard error as always.
  ///
  /// - Parameters:
  ///   - worst: becomes the worst exit status of all lines.
  ///   - result: the result of the files, and their exit status.
  static func answer(
    _ command: String, _ files: [String], _ worst: inout ExitStatus, _ result: () throws -> (value: JSONValue, status: ExitStatus)
  ) throws {
    try withLines(command, files, &worst) {
      let found = try result()
      try Console.print(ResultLine(command: command, files: files, exit: found.status.rawValue, result: found.value).text)
      try found.status.leave()
    }
  }

  /// Runs what prints the lines of files itself, and prints a line with the error if they cannot be read.
  ///
  /// - Parameter worst: becomes the worst exit status of all lines.
  static func withLines(_ command: String, _ files: [String], _ worst: inout ExitStatus, _ body: () throws -> Void) throws {
    let error: String
    do {
      return try body()
    } catch let failure as CommandFailure {
      error = failure.message.string
    } catch let failure as KernelError {
      guard failure.exitStatus == .badInput else { throw failure }
      error = "\(failure)"
    } catch let code as ExitCode {
      if code == ExitStatus.findings.code, worst == .fine { worst = .findings }
      if code == ExitStatus.findings.code { return }
      guard code == ExitStatus.badInput.code else { throw code }
      error = "there are errors in what was read; they are on standard error"
    }
    try Console.print(ResultLine(command: command, files: files, exit: ExitStatus.badInput.rawValue, error: error).text)
    worst = .badInput
  }
}

extension JSONValue {
  /// A value as a part of another.
  init(encoding value: some Encodable) {
    // What JSONText writes is JSON.
    self = (try? JSONValue(parsing: JSONText.line(value))) ?? .null
  }
}
