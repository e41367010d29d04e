import Glibc
import Measuring
import RulesetSamples

// Measures the commands that search all packets: `lint`, `diff` and `query`, each as a process of its own on files of growing size.
// Printed are the processor's time and the peak of the memory; goals are those of the project for a machine that does nothing else.
// It is run in the top folder of the project, whose example of kube-proxy makes the rules of a cluster.

guard CommandLine.arguments.count == 2 else {
  print("usage: AnalysisCosts FOLDER-OF-THE-PROGRAMS")
  exit(2)
}
var bench = AnalysisBench(programs: CommandLine.arguments[1])

var times: [Int: Double] = [:]
var files: [Int: String] = [:]
for count in [1_000, 10_000, 30_000, 100_000] {
  let path = bench.write(MixedFilter.text(rules: count), to: "mixed-\(count).v4")
  let cost = bench.measure("lint, one chain of \(count) mixed rules", ["lint", path], statuses: [1])
  (times[count], files[count]) = (cost.seconds, path)
  if count == 10_000 { bench.findings.goal(cost.seconds < 1, "less than 1 s") }
  if count == 100_000 { bench.findings.goal(cost.seconds < 10 && cost.mebibytes < 2048, "less than 10 s and 2 GiB") }
}
if let one = times[1_000], let ten = times[10_000], let hundred = times[100_000] {
  bench.findings.line(
    "growth from 1,000 rules to 10,000, and to 100,000", "\(Int((ten / one).rounded())) and \(Int((hundred / one).rounded())) times")
}
let changed = bench.write(MixedFilter.text(rules: 10_000, changing: 20), to: "changed.v4")
let difference = bench.measure("diff, 10,000 mixed rules", ["diff", files[10_000] ?? "", changed], statuses: [1])
bench.findings.goal(difference.seconds < 5, "less than 5 s")

let router = bench.write(RouterFilter.text(rules: 5_000), to: "router.v4")
// No packet at OUTPUT has an input interface: this is what it takes to load the rules.
let loaded = bench.measure("query, a router's 5,000 rules, no packet", ["query", "--hook", "OUTPUT", router, "in eth0 udp"], statuses: [0])
for words in ["in eth0 src 10.0.0.0/8 tcp dport 22", "in eth1.105 src 131.159.5.0/24 tcp dport 443"] {
  let asked = bench.measure("query, a router's 5,000 rules, `\(words)'", ["query", router, words], statuses: [0])
  bench.findings.goal(asked.seconds - loaded.seconds < 0.05, "less than 0.05 s more than loading the rules")
}

let large = bench.cluster(6_250, to: "cluster.v4")
let linted = bench.measure("lint, kube-proxy, 6,250 services (94,000 rules)", ["lint", large], statuses: [0, 1])
bench.findings.goal(linted.seconds < 5, "less than 5 s")
let services = bench.cluster(5_000, to: "services.v4")
let fewer = bench.cluster(4_999, to: "fewer.v4")
let question = ["query", "--host", "Examples/kube-proxy/host.yaml", services, "in cni0 src 10.244.0.7 dst 10.96.0.42 tcp dport 80"]
let asked = bench.measure("query, kube-proxy, 5,000 services (75,000 rules)", question, statuses: [0])
bench.findings.goal(asked.seconds < 2 && asked.mebibytes < 150, "less than 2 s and 150 MiB")
let compared = bench.measure("diff, kube-proxy, 5,000 services and one less", ["diff", fewer, services], statuses: [1])
bench.findings.goal(compared.seconds < 4, "less than 4 s")

bench.clear()
bench.findings.end()
