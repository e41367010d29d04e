import ArgumentParser
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
    abstract: "Reads iptables rulesets, checks them, runs packets through them, and puts them into the kernel.",
    discussion: """
      Rulesets are iptables-save text, `-' is standard input. The family is IPv6 where -6 says so or the file's name does \
      (…ip6tables-save, …_v6…, ….v6), else IPv4.

      EXIT STATUS
        0  fine
        1  findings, or a verdict that was not expected
        2  bad input: a mistake in a file or on the command line
        3  the kernel refused

      EXAMPLES
        ferrule lint rules.v4
        ferrule run --host host.yaml rules.v4 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule show -t nat rules.v4
        iptables-save | ferrule fmt -
        ferrule explain FE005
      """,
    version: "0.1.0",
    subcommands: [
      LintCommand.self, DiffCommand.self, QueryCommand.self, RunCommand.self, ShowCommand.self, FormatCommand.self, CompileCommand.self,
      DecompileCommand.self,
      ApplyCommand.self, SaveCommand.self, ExplainCommand.self, LabCommand.self, TestCommand.self, CoverageCommand.self,
      VerifyCommand.self, SnapshotCommand.self, FuzzCommand.self,
    ])

  static func main() {
    do {
      answerAsIptables()
      var command = try parseAsRoot()
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

  /// Runs an iptables command if the process's name or its first argument is one.
  private static func answerAsIptables() {
    guard let call = Program.called(CommandLine.arguments) else { return }
    Glibc.exit(
      Session.run(call.program, arguments: call.arguments, calledAs: call.name, registry: .forThisKernel, names: .systemResolvingHosts))
  }
}
