import Glibc
import Measuring
import RulesetSamples

// Holds the commands against the real tools: the same text by `iptables-restore --test` of both and by `ferrule compile`, then
// `iptables -S` by both, each a process of its own, in turns, in a network namespace of their own. Printed are the processor's time
// (on a machine that does other things too it says more than the clock on the wall), the elapsed time, and the peak of the memory; in
// brackets, the share of the real tool's. Ends with status 1 where a bar is missed:
//
// * 100,000 rules by `iptables-restore --test` in a fifth of the real one's time and half of its memory, by `ferrule compile` in a fourth of
//   its time;
// * `iptables -S` of a small ruleset in one and a half times the real one's time.

if let file = RulesFile(CommandLine.arguments) {
  file.write()
  exit(0)
}
guard CommandLine.arguments.count == 2 else {
  print("usage: RestoreComparison FOLDER-OF-THE-PROGRAMS")
  exit(2)
}
guard getenv("FERRULE_BENCH_NAMESPACE") != nil else {
  setenv("FERRULE_BENCH_NAMESPACE", "entered", 1)
  let words = ["unshare"] + (geteuid() == 0 ? [] : ["-r"]) + ["-n"] + CommandLine.arguments
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
  execvp("unshare", &arguments)
  preconditionFailure("unshare cannot be started")
}
let ferrule = CommandLine.arguments[1] + "/ferrule"
let multi = CommandLine.arguments[1] + "/ferrule-legacy-multi"
let lock = "/tmp/ferrule-bench-\(getpid()).lock"
setenv("XTABLES_LOCKFILE", lock, 1)
let state = "/tmp/ferrule-bench-\(getpid()).state"
setenv("FERRULE_STATE_DIRECTORY", state, 1)
let path = "/tmp/ferrule-bench-\(getpid()).rules"
var bars = Bars()

print("  " + Comparison.padded("processor", 52) + Comparison.padded("elapsed", 22) + Comparison.padded("peak memory", 22))
for (count, rounds) in [(1_000, 11), (10_000, 7), (100_000, 7)] {
  for sample in RulesetSample.allCases {
    RulesFile(path: path, sample: sample, count: count).writeApart()
    print("\(count) rules, \(sample.rawValue)")
    let comparison = Comparison(
      [
        ("iptables-restore --test", [multi, "iptables-restore", "--test"]),
        ("ferrule compile", [ferrule, "compile", "-o", "/dev/null", path]),
        ("the real iptables-restore --test", ["iptables-legacy-restore", "--test"]),
      ], input: path, rounds: rounds)
    comparison.show()
    if count == 100_000 {
      bars.hold("time of \(count) rules, \(sample.rawValue)", comparison.time(of: 0), to: 0.2)
      bars.hold("memory of \(count) rules, \(sample.rawValue)", comparison.memory(of: 0), to: 0.5)
      bars.hold("time of ferrule compile with \(count) rules, \(sample.rawValue)", comparison.time(of: 1), to: 0.25)
    }
  }
}

print("iptables -S of a small ruleset")
RulesFile(path: path, sample: .common, count: 20).writeApart()
precondition(Child(["iptables-legacy-restore"], input: path).status == 0, "the small ruleset cannot be loaded")
let start = Comparison(
  [
    ("iptables -S", [multi, "iptables", "-S"]), ("ferrule iptables -S", [ferrule, "iptables", "-S"]),
    ("the real iptables -S", ["iptables-legacy", "-S"]),
  ], rounds: 201)
start.show()
bars.hold("start of iptables -S", start.time(of: 0), to: 1.5)

_ = Child(["rm", "-rf", state])
unlink(path)
unlink(lock)
if bars.missed > 0 {
  print("\(bars.missed) bars are missed")
  exit(1)
}
