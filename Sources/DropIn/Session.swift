import Kernel
import Syntax
import Wire
public import XTables

/// One call of a program of the iptables package: what it prints, how it words its complaints, and what it leaves with.
public struct Session {
  /// The version of iptables whose behaviour this is.
  public static let version = "1.8.9"

  let program: Program
  /// The name the process was called by, which `getopt` puts before its own complaints.
  let calledAs: String
  let registry: Registry
  let names: NameDatabase
  /// What is still to be written to standard output.
  private(set) var output: [UInt8] = []

  init(_ program: Program, calledAs: String, registry: Registry, names: NameDatabase) {
    self.program = program
    self.calledAs = calledAs
    self.registry = registry
    self.names = names
  }

  /// Runs the program with the standard streams of this process.
  ///
  /// - Parameter calledAs: `argv[0]`.
  /// - Returns: the exit status.
  public static func run(
    _ program: Program, arguments: [String], calledAs: String, registry: Registry, names: NameDatabase
  ) -> Int32 {
    // As `xtables_init` has it: an installation that gives its user another's rights could be made to load any library.
    if program.refusesSetUserID, ProcessIdentity.isSetUserID { return 111 }
    var session = Session(program, calledAs: calledAs, registry: registry, names: names)
    let status: Int32
    do throws(Exit) {
      switch program {
      case .command(let family): status = try session.command(arguments, family)
      case .save(let family): status = try session.save(arguments, family)
      case .restore(let family): status = try session.restore(arguments, family)
      case .xml: status = try session.xml(arguments)
      case .unnamed:
        let known = Program.subcommands.map { " * \($0.name)\n" }.joined()
        throw Exit(status: 1, message: "ERROR: No valid subcommand given.\nValid subcommands:\n\(known)")
      }
    } catch {
      session.complain(error.message)
      status = error.status
    }
    session.flush()
    return status
  }

  // MARK: Output

  mutating func print(_ text: String) {
    output.append(contentsOf: text.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  mutating func print(_ bytes: some Collection<UInt8>) {
    output.append(contentsOf: bytes)
    output.append(UInt8(ascii: "\n"))
  }

  /// Appends what ends in its own newline, or in none.
  mutating func put(_ bytes: some Collection<UInt8>) { output.append(contentsOf: bytes) }

  mutating func put(_ text: String) { output.append(contentsOf: text.utf8) }

  /// Writes what was printed. A standard output that cannot be written to is nobody's loss, as with the real programs.
  mutating func flush() {
    guard !output.isEmpty else { return }
    try? ProcessStream.output.write(output)
    output.removeAll(keepingCapacity: true)
  }

  /// Forgets what was printed.
  mutating func discardOutput() { output = [] }

  /// Writes to standard error at once.
  func complain(_ text: String) {
    if !text.isEmpty { try? ProcessStream.error.write(text) }
  }

  /// What the parser found worth saying beside its result, one line each.
  func complain(_ notices: [String]) {
    for notice in notices { complain(notice + "\n") }
  }

  var versionLine: String { "\(program.name) v\(Self.version) (legacy)" }
}
