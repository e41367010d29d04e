import ArgumentParser
import Diagnostics
import Kernel

/// The exit status of the process; `ferrule --help` documents it.
enum ExitStatus: Int32 {
  case fine = 0
  case findings = 1
  case badInput = 2
  case kernelRefused = 3

  var code: ExitCode { ExitCode(rawValue) }

  /// Ends the command with this status; does nothing for `fine`.
  func leave() throws { if self != .fine { throw code } }
}

/// Why a command cannot continue, with a message for the user.
struct CommandFailure: Error {
  let message: TerminalText
  let status: ExitStatus

  init(_ message: TerminalText, _ status: ExitStatus = .badInput) {
    self.message = message.shortened
    self.status = status
  }
}

extension KernelError {
  /// A file that cannot be read or written is bad input; any other error is a refusal of the kernel.
  var exitStatus: ExitStatus {
    // A socket that cannot be opened is the kernel's refusal, not a file.
    if case .call(let name) = reason, !name.hasSuffix("socket"),
      ["opening", "reading", "writing", "resolving", "creating", "replacing"].contains(where: name.hasPrefix)
    {
      return .badInput
    }
    if case .malformed = reason, table == nil { return .badInput }
    return .kernelRefused
  }
}
