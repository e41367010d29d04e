import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import Linter
import XTables

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Tells what decides on packets on this machine, and whether Ferrule's answers about it are reliable.",
    discussion: """
      Lists the backends and which one is in use, the tables with their owners, the chains at hooks in the order in which packets pass \
      them, the installed iptables commands, the settings on which the ways of packets depend, and what the loaded rules need. Says \
      what makes a dry run of this machine unreliable, and what is not looked at. Changes nothing. Needs root to read the rules.

      EXIT STATUS
        0  answers about this machine are reliable
        1  something makes them unreliable
        2  an error on the command line

      EXAMPLES
        sudo ferrule doctor
        sudo ferrule doctor --format json
      """)

  @Option(help: "The output format.")
  var format = OutputFormat.text

  func run() throws {
    let diagnosis = HostDiagnosis(registry: .installed)
    switch format {
    case .text: try Console.print(diagnosis.text)
    case .json: try Console.print(JSONText.encode(diagnosis))
    }
    if !diagnosis.problems.isEmpty { throw ExitStatus.findings.code }
  }
}
