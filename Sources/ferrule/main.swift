import Glibc
import DropIn
import Extensions
import Kernel
import XTables

// Called as one of the iptables commands, by its own name or by its first argument, the process answers as that command.
if let (program, arguments) = Program.called(CommandLine.arguments) {
  let outcome = Session.run(program, arguments: arguments, registry: .ferrule, names: .system) { try HostFile.bytes($0 ?? "-") }
  try HostFile.write(outcome.output, toStandard: 1)
  try HostFile.write(Array(outcome.errors.utf8), toStandard: 2)
  exit(outcome.status)
}
