import Glibc
import RulesetSamples

// Holds the command against the real tools: the same text by `ferrule compile`, by `ferrule iptables-restore --test` and by
// `iptables-legacy-restore --test`, then `iptables -S` by both, each a process of its own, in turns. What is printed is the
// median of the times of whole processes and the peak of their memory. The real tools run in a network namespace of their own.

guard let ferrule = CommandLine.arguments.dropFirst().first else {
  print("usage: RestoreComparison FERRULE-BINARY")
  exit(2)
}
setenv("XTABLES_LOCKFILE", "/tmp/ferrule-bench.lock", 1)
let sandbox = ["unshare"] + (geteuid() == 0 ? ["-n"] : ["-r", "-n"])

func median(_ runs: [Child]) -> Double { runs.map(\.milliseconds).sorted()[runs.count / 2] }

/// Runs the commands in turns; each must succeed.
func measure(_ commands: [[String]], input: String, rounds: Int) -> [(time: Double, peak: Int)] {
  var runs = [[Child]](repeating: [], count: commands.count)
  for _ in 0..<rounds {
    for (index, command) in commands.enumerated() {
      let child = Child(command, input: input)
      precondition(child.status == 0, command.joined(separator: " "))
      runs[index].append(child)
    }
  }
  return runs.map { (median($0), $0.map(\.peak).max() ?? 0) }
}

func column(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.utf8.count)) + text }
func number(_ value: Double) -> String { String((value * 100).rounded() / 100) }

func show(_ names: [String], _ results: [(time: Double, peak: Int)]) {
  let real = results[results.count - 1]
  for (name, result) in zip(names, results) {
    let time = "\(number(result.time)) ms (\(number(result.time / real.time)))"
    let peak = "\(number(Double(result.peak) / 1024)) MiB (\(number(Double(result.peak) / Double(real.peak))))"
    print("  " + name + column(time, 56 - name.utf8.count) + column(peak, 24))
  }
}

let path = "/tmp/ferrule-bench-\(getpid()).rules"
defer { unlink(path) }
for (count, rounds) in [(1_000, 11), (10_000, 7), (100_000, 5)] {
  for sample in RulesetSample.allCases {
    guard let file = fopen(path, "w") else { preconditionFailure("\(path) cannot be written") }
    fputs(sample.text(rules: count), file)
    fclose(file)
    print("\(count) rules, \(sample.rawValue); in brackets, the share of the real tool's")
    show(
      ["ferrule compile", "ferrule iptables-restore --test", "iptables-legacy-restore --test"],
      measure(
        [
          [ferrule, "compile", "-o", "/dev/null", path], sandbox + [ferrule, "iptables-restore", "--test"],
          sandbox + ["iptables-legacy-restore", "--test"],
        ], input: path, rounds: rounds))
  }
}
print("iptables -S of an empty table")
show(
  ["ferrule iptables -S", "iptables-legacy -S"],
  measure([sandbox + [ferrule, "iptables", "-S"], sandbox + ["iptables-legacy", "-S"]], input: "/dev/null", rounds: 101))
