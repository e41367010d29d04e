import Diagnostics
import Kernel
import XTables

extension Session {
  /// Ends the program with a status and a last message, newline included.
  struct Exit: Error {
    let status: Int32
    let message: String
  }

  /// A failure with a message and status. The corresponding C function is `basic_exit_err`.
  func failure(_ status: Int32, _ message: String, line: Int? = nil) -> Exit {
    var text = "\(versionLine): \(message)\n"
    if status == 2 { text += tryHelp(line) }
    if status == 3 { text += "Perhaps \(name) or your kernel needs to be upgraded.\n" }
    return Exit(status: status, message: text)
  }

  /// The hint to `--help`. The corresponding C function is `exit_tryhelp`.
  func tryHelp(_ line: Int?) -> String {
    (line.map { "Error occurred at line: \($0)\n" } ?? "")
      + "Try `\(name) -h' or '\(name) --help' for more information.\n"
  }

  /// A mistake in the words of a command, with the message of iptables.
  func failure(_ error: OptionError, line: Int? = nil) -> Exit {
    switch error.id {
    case "wrong-family": Exit(status: 2, message: tryHelp(line))
    case "foreign-exit": Exit(status: error.legacyStatus.rawValue, message: error.message)
    case "bad-argument": Exit(status: 2, message: error.message + "\n" + tryHelp(line))
    default: failure(error.legacyStatus.rawValue, error.message, line: line)
    }
  }

  /// A refusal at a line of iptables-nft-restore.
  func failure(_ error: KernelError, at line: Int) -> Exit {
    if case .call = error.reason, let message = error.message {
      return Exit(status: 4, message: "\(versionLine): \nline \(line): \(message.drop { $0 == " " })\n")
    }
    return Exit(status: 1, message: "\(name): line \(line) failed: \(error.message ?? error.description).\n")
  }

  /// A refusal of the kernel or of libiptc, with the message of libiptc.
  func failure(_ error: KernelError) -> Exit {
    if case .malformed = error.reason { return Exit(status: 1, message: "\(error.message ?? error.description)\n") }
    switch error.reason {
    case .call where error.message != nil: return Exit(status: 4, message: "\(versionLine): \(error.message ?? "")\n")
    case .file, .call: return Exit(status: 4, message: "Fatal: \(error.description)\n")
    default: break
    }
    let sentence = error.message ?? error.error?.text ?? error.description
    let log = error.error?.isInvalidArgument == true ? " Run `dmesg' for more information." : ""
    return Exit(
      status: error.error?.isTryAgain == true ? 4 : 1, message: "\(name): \(sentence).\(log)\n")
  }

  /// Takes the xtables lock, which iptables-nft does not use. The corresponding C function is `xtables_lock_or_exit`.
  ///
  /// - Parameter wait: seconds. As in iptables 1.8.9, nil, 0 and negative numbers wait without limit.
  func lock(_ wait: Int?) throws(Exit) -> XtablesLock? {
    if backend == .nft { return nil }
    let limit = wait.flatMap { $0 > 0 ? $0 : nil }
    do throws(KernelError) {
      return try XtablesLock(wait: limit.map(Double.init))
    } catch {
      let path = XtablesLock.defaultPath
      let reason = error.error?.text ?? "unknown error"
      guard case .locked = error.reason else {
        throw Exit(status: 4, message: "Fatal: can't open lock file \(path): \(reason)\n")
      }
      throw Exit(
        status: 4,
        message: """
          Can't lock \(path): \(reason)
          Another app is currently holding the xtables lock. Stopped waiting after \(limit ?? 0)s.

          """)
    }
  }
}
