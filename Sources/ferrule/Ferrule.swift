import ArgumentParser
import CVersion
import Diagnostics
import DropIn
import Extensions
import Glibc
import Kernel
import XTables

@main
struct Ferrule: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ferrule",
    abstract: "Checks iptables rulesets for mistakes, simulates packets through them, tests them and loads them into the kernel.",
    discussion: """
      A ruleset is a file in the format of iptables-save; `-' means standard input. Rules are IPv6 with the option -6, or if the \
      file begins with the header of ip6tables-save; without a header, if its name contains ip6tables, _v6, .v6, -v6 or rules6. \
      Otherwise they are IPv4.

      The first argument can also be the name of an iptables command, which Ferrule then is: iptables, iptables-save, \
      iptables-restore, ip6tables, ip6tables-save, ip6tables-restore, iptables-xml.

      EXIT STATUS
        0  success
        1  findings, or another verdict than expected
        2  bad input: an error in a file or on the command line
        3  the kernel refused the request

      EXAMPLES
        ferrule lint rules.v4
        ferrule run --host host.yaml rules.v4 \\
          'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule show -t nat rules.v4
        iptables-save | ferrule fmt -
        ferrule explain FE005
        sudo ferrule iptables -L -n
      """,
    version: version,
    subcommands: [
      LintCommand.self, ExposureCommand.self, AuditCommand.self, DiffCommand.self, QueryCommand.self, RunCommand.self, ExploreCommand.self,
      ServeCommand.self, ShowCommand.self,
      FormatCommand.self,
      CompileCommand.self,
      DecompileCommand.self,
      PlanCommand.self, ApplyCommand.self, ConfirmCommand.self, RollbackCommand.self, HistoryCommand.self, RecoverCommand.self,
      WatchConfirmationCommand.self, DriftCommand.self,
      SaveCommand.self, ExplainCommand.self, LabCommand.self, TestCommand.self,
      CoverageCommand.self,
      VerifyCommand.self, SnapshotCommand.self, DoctorCommand.self, FuzzCommand.self, LanguageServerCommand.self,
    ])

  /// `0.1.0 (commit 0123456789ab; compared with iptables 1.8.9 and Linux 6.18)`; without the commit where it is not known.
  private static var version: String {
    let digits = String(ferrule_commit(), radix: 16)
    let commit = ferrule_commit() == 0 ? "" : "commit \(String(repeating: "0", count: 12 - digits.count))\(digits); "
    return "0.1.0 (\(commit)compared with iptables 1.8.9 and Linux 6.18)"
  }

  static func main() {
    do {
      answerAsIptables()
      try checkCommandName()
      try checkStandardInput()
      var command = try parseAsRoot(ScenarioArgument.resolved(Array(CommandLine.arguments.dropFirst())))
      defer { UndeclaredParts.complain() }
      try command.run()
    } catch let failure as CommandFailure {
      Console.complain(failure.message)
      exit(withError: failure.status.code)
    } catch let error as KernelError {
      Console.complain(error.exitStatus == .kernelRefused ? "\(error)\n\(error.advice)" : "\(error)")
      exit(withError: error.exitStatus.code)
    } catch {
      // The argument parser threw: help and version requests succeed, everything else is bad input.
      let isFailure = exitCode(for: error) != .success
      if isFailure, !(error is ExitCode) {
        Console.complain(parser: fullMessage(for: error), quoting: CommandLine.arguments)
        exit(withError: ExitStatus.badInput.code)
      }
      exit(withError: error)
    }
  }

  /// Suggests the command that was probably meant by an unknown first argument.
  private static func checkCommandName() throws {
    guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), word != "help" else { return }
    let known = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard !known.contains(word) else { return }
    let nearest = Spelling.nearest(to: word, in: known)
    throw CommandFailure(
      "there is no command `\(word)'\(nearest.map { "; did you mean `\($0)'?" } ?? ".") `ferrule --help' lists the commands.")
  }

  /// Standard input can be read only once, so only one argument or option may name it.
  private static func checkStandardInput() throws {
    let words = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
    let readers = words.count { $0 == "-" || $0.hasPrefix("--") && $0.hasSuffix("=-") }
    guard readers > 1 else { return }
    throw CommandFailure("`-' is given \(readers) times, but standard input can be read only once: name a file instead")
  }

  /// Runs an iptables command if the process's name or its first argument is one.
  private static func answerAsIptables() {
    guard let call = Program.called(CommandLine.arguments) else { return }
    Glibc.exit(Session.run(call, registry: .forThisKernel, names: .systemResolvingHosts))
  }
}
