import Kernel
import Syntax
import Wire
public import XTables

/// One call of a program of the iptables package: its output, its messages and its exit status.
public struct Session {
  /// The version of iptables whose behaviour is implemented.
  public static let version = "1.8.9"

  let program: Program
  /// The name by which the process was called. `getopt` prints it before its own messages.
  let calledAs: String
  /// The variant of iptables.
  let backend: Backend
  let registry: Registry
  let names: NameDatabase
  /// The text for standard output that is not written yet.
  private(set) var output: [UInt8] = []

  init(_ call: Program.Call, registry: Registry, names: NameDatabase) {
    program = call.program
    calledAs = call.name
    backend = call.backend
    self.registry = registry
    self.names = names
  }

  /// Runs the program with the standard streams of this process.
  ///
  /// - Returns: the exit status.
  public static func run(_ call: Program.Call, registry: Registry, names: NameDatabase) -> Int32 {
    let (program, arguments) = (call.program, call.arguments)
    // As in `xtables_init`: a set-user-ID installation could be made to load any library with the rights of its owner.
    if program.refusesSetUserID, ProcessIdentity.isSetUserID { return 111 }
    var session = Session(call, registry: registry, names: names)
    if program.usesTables { session.finishInterruptedChange() }
    let status: Int32
    do throws(Exit) {
      switch program {
      case .command(let family): status = try session.command(arguments, family)
      case .save(let family): status = try session.save(arguments, family)
      case .restore(let family): status = try session.restore(arguments, family)
      case .xml: status = try session.xml(arguments)
      case .unnamed:
        let known = Program.subcommands(call.backend).map { " * \($0.name)\n" }.joined()
        throw Exit(status: 1, message: "ERROR: No valid subcommand given.\nValid subcommands:\n\(known)")
      }
    } catch {
      session.complain(error.message)
      status = error.status
    }
    session.flush()
    return status
  }

  /// Puts the tables back that an interrupted change of `ferrule apply` left half replaced. An edit of a table in that state could not be
  /// told from one of another program, and the table would be left so for good. Does not wait for the lock: the process that has it may be
  /// that of the change, and then nothing was interrupted.
  private func finishInterruptedChange() {
    do throws(KernelError) {
      try InterruptedChange.finish(in: StateDirectory(), wait: 0, registry) { complain("ferrule: \($0)\n") }
    } catch {
      if case .locked = error.reason { return }
      complain("ferrule: \(error)\n")
    }
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

  /// Appends text without adding a newline.
  mutating func put(_ bytes: some Collection<UInt8>) { output.append(contentsOf: bytes) }

  mutating func put(_ text: String) { output.append(contentsOf: text.utf8) }

  /// Writes the collected text. Errors of standard output are ignored, as in iptables.
  mutating func flush() {
    guard !output.isEmpty else { return }
    try? ProcessStream.output.write(output)
    output.removeAll(keepingCapacity: true)
  }

  /// Discards the collected text.
  mutating func discardOutput() { output = [] }

  /// Writes to standard error at once.
  func complain(_ text: String) {
    if !text.isEmpty { try? ProcessStream.error.write(text) }
  }

  /// Writes the notices of the parser to standard error, one line each.
  func complain(_ notices: [String]) {
    for notice in notices { complain(notice + "\n") }
  }

  /// The name of the program in its messages. The programs of iptables-nft that save and restore use the one they were called by.
  var name: String {
    switch program {
    case .save, .restore: backend == .nft ? calledAs.split(separator: "/").last.map(String.init) ?? calledAs : program.name
    case .command, .xml, .unnamed: program.name
    }
  }

  /// What the version is followed by.
  var variant: String { backend == .nft ? "nf_tables" : "legacy" }
  var versionLine: String { "\(name) v\(Self.version) (\(variant))" }

  /// Opens a table of the variant.
  func editor(_ family: Family, _ table: String, modprobe: String?) throws(KernelError) -> TableEditor {
    backend == .nft ? try TableEditor(ofNfTables: table, family, registry) : try TableEditor(family, table, modprobe: modprobe)
  }
}
