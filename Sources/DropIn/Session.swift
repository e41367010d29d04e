import Diagnostics
import Kernel
import Syntax
import Wire
public import XTables

/// What a program printed and left with.
public struct Outcome: Sendable {
  public var status: Int32
  public var output: [UInt8]
  public var errors: String
}

/// One call of a program: its output is gathered, its errors are worded as the real ones.
public struct Session {
  /// The version of iptables whose behaviour this is.
  public static let version = "1.8.9"

  let program: Program
  let registry: Registry
  let names: NameDatabase
  /// Reads standard input, or the file named.
  let read: (String?) throws -> [UInt8]
  var output: [UInt8] = []
  var errors = ""

  public init(
    _ program: Program, registry: Registry, names: NameDatabase, read: @escaping (String?) throws -> [UInt8]
  ) {
    self.program = program
    self.registry = registry
    self.names = names
    self.read = read
  }

  /// Runs the program and says all it would have said.
  public static func run(
    _ program: Program, arguments: [String], registry: Registry, names: NameDatabase,
    read: @escaping (String?) throws -> [UInt8]
  ) -> Outcome {
    var session = Session(program, registry: registry, names: names, read: read)
    let status: Int32
    do throws(Exit) {
      switch program {
      case .command(let family): status = try session.command(arguments, family)
      case .save(let family): status = try session.save(arguments, family)
      case .restore(let family): status = try session.restore(arguments, family)
      case .xml: status = try session.xml(arguments)
      }
    } catch {
      session.errors += error.message
      status = error.status
    }
    return Outcome(status: status, output: session.output, errors: session.errors)
  }

  mutating func print(_ text: String) {
    output += Array(text.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  mutating func print(_ bytes: [UInt8]) {
    output += bytes
    output.append(UInt8(ascii: "\n"))
  }

  // MARK: Errors

  /// Leaving with a status and a last message, newline included.
  struct Exit: Error {
    let status: Int32
    let message: String
  }

  /// The corresponding C function is `basic_exit_err`.
  func failure(_ status: Int32, _ message: String, line: Int? = nil) -> Exit {
    var text = "\(program.name) v\(Self.version) (legacy): \(message)\n"
    if status == 2 { text += tryHelp(line) }
    if status == 3 { text += "Perhaps \(program.name) or your kernel needs to be upgraded.\n" }
    return Exit(status: status, message: text)
  }

  func tryHelp(_ line: Int?) -> String {
    (line.map { "Error occurred at line: \($0)\n" } ?? "")
      + "Try `\(program.name) -h' or '\(program.name) --help' for more information.\n"
  }

  func failure(_ error: OptionError, line: Int? = nil) -> Exit {
    if error.id == "wrong-family" { return Exit(status: 2, message: tryHelp(line)) }
    return failure(error.legacyStatus.rawValue, error.message, line: line)
  }

  /// What the kernel or libiptc refused, with libiptc's sentence.
  func failure(_ error: KernelError) -> Exit {
    if case .locked = error.reason {
      return Exit(
        status: 4,
        message: "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?\n")
    }
    if case .call = error.reason {
      return Exit(status: 4, message: "Fatal: \(error.description)\n")
    }
    let sentence = error.message ?? error.error?.text ?? error.description
    let dmesg = error.error?.isInvalidArgument == true ? " Run `dmesg' for more information." : ""
    return Exit(
      status: error.error?.isTryAgain == true ? 4 : 1, message: "\(program.name): \(sentence).\(dmesg)\n")
  }

  /// The table cannot be opened; the corresponding exit type is `VERSION_PROBLEM`.
  func noTable(_ name: String, _ family: Family, _ error: KernelError?) -> Exit {
    let sentence = error?.message ?? error?.error?.text ?? "Table does not exist (do you need to insmod?)"
    return failure(3, "can't initialize \(family.command) table `\(name)': \(sentence)")
  }

  /// Takes the lock, as `xtables_lock_or_exit` does.
  func lock(_ wait: Int?) throws(Exit) -> XtablesLock {
    do throws(KernelError) {
      return try XtablesLock(wait: wait.map { $0 < 0 ? nil : Double($0) } ?? 0)
    } catch {
      if case .locked = error.reason, let wait, wait > 0 {
        throw Exit(
          status: 4, message: "Another app is currently holding the xtables lock. Stopped waiting after \(wait)s.\n")
      }
      if case .call = error.reason {
        throw Exit(
          status: 4, message: "Fatal: can't open lock file \(XtablesLock.defaultPath): \(error.error?.text ?? "unknown error")\n")
      }
      throw failure(error)
    }
  }
}
