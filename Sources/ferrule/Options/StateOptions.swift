import ArgumentParser
import Kernel

/// `--state-directory` and `--wait`.
struct StateOptions: ParsableArguments {
  @Option(
    help:
      "The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.",
    completion: .directory)
  var stateDirectory: String?

  @Option(name: .shortAndLong, help: "Seconds to wait for the xtables lock while another program holds it.")
  var wait = 5.0

  var state: StateDirectory { StateDirectory(stateDirectory ?? StateDirectory.defaultPath) }
}

/// A time such as `60`, `60s`, `5m` or `1h`.
struct WaitingTime: ExpressibleByArgument {
  let seconds: Int

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
    let unit = argument.last.flatMap { units[$0] }
    guard let number = Int(unit == nil ? argument[...] : argument.dropLast()), (1...86_400).contains(number) else { return nil }
    seconds = number * (unit ?? 1)
    guard seconds <= 86_400 else { return nil }
  }
}
