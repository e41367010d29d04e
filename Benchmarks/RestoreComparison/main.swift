import Compiler
import Diagnostics
import Extensions
import Kernel
import RulesetSamples
import Syntax
import Wire
import XTables

/// Reads and compiles the same text here and by `iptables-legacy-restore --test`, in turns, and prints the ratio of the medians.
/// The real tool runs in a network namespace of its own; what starting an empty file costs it is taken off its time.
let arguments = geteuidIsRoot() ? ["-n"] : ["-r", "-n"]
let clock = ContinuousClock()

func restore(_ text: String) throws -> Duration {
  let start = clock.now
  let outcome = try HostProcess.run(
    "unshare", arguments + ["iptables-legacy-restore", "--test"], input: text,
    environment: ["XTABLES_LOCKFILE=/tmp/ferrule-bench.lock"])
  precondition(outcome.status == 0, "iptables-legacy-restore --test: \(outcome.output)")
  return clock.now - start
}

func compile(_ text: String) -> Duration {
  let start = clock.now
  let file = SourceFile(name: "sample", bytes: Array(text.utf8))
  let parsed = RulesetParser(registry: .ferrule, names: .system, family: .ipv4).parse(file)
  for table in parsed.ruleset.tables {
    precondition(TableValidator().diagnostics(for: table).isEmpty)
    precondition(TableCompiler().compile(table).entryCount > 0)
  }
  return clock.now - start
}

func geteuidIsRoot() -> Bool {
  (try? HostProcess.run("id", ["-u"]))?.output.hasPrefix("0") ?? false
}

func milliseconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
}

func rounded(_ number: Double) -> String { String((number * 100).rounded() / 100) }

func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

let empty = "*filter\nCOMMIT\n"
print(["rules", "ferrule ms", "iptables-legacy-restore --test ms", "ratio"].joined(separator: "  "))
for (count, rounds) in [(1_000, 21), (10_000, 11), (100_000, 5)] {
  let text = RulesetSample.text(rules: count)
  var ours: [Double] = []
  var theirs: [Double] = []
  var starts: [Double] = []
  for _ in 0..<rounds {
    ours.append(milliseconds(compile(text)))
    theirs.append(milliseconds(try restore(text)))
    starts.append(milliseconds(try restore(empty)))
  }
  let own = ours.sorted()[rounds / 2]
  let other = max(0, theirs.sorted()[rounds / 2] - starts.sorted()[rounds / 2])
  print([padded("\(count)", 6), padded(rounded(own), 9), padded(rounded(other), 32), padded(rounded(own / other), 5)].joined(separator: "  "))
}
