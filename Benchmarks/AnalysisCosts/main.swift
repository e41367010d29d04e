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
let ferrule = CommandLine.arguments[1] + "/ferrule"
let folder = "/tmp/ferrule-bench-\(getpid())"
precondition(mkdir(folder, 0o700) == 0, "\(folder) cannot be made")
var findings = Findings()
var files: [String] = []

func write(_ text: String, to name: String) -> String {
  let path = "\(folder)/\(name)"
  guard let file = fopen(path, "w") else { preconditionFailure("\(path) cannot be written") }
  fputs(text, file)
  fclose(file)
  files.append(path)
  return path
}

/// Rules of a cluster, as kube-proxy makes them.
func cluster(_ services: Int, to name: String) -> String {
  let path = write("", to: name)
  precondition(Child(["sh", "-c", "sh Examples/kube-proxy/services.sh \(services) > \(path)"]).status == 0, "the rules cannot be made")
  return path
}

/// The lower of two runs, and a line about it.
func measure(_ what: String, _ arguments: [String], statuses: Set<Int32>) -> (seconds: Double, mebibytes: Double) {
  let runs = [Child([ferrule] + arguments), Child([ferrule] + arguments)]
  let seconds = (runs.map(\.processor).min() ?? 0) / 1e3
  let mebibytes = Double(runs.map(\.peak).min() ?? 0) / 1024
  findings.line(what, "\((seconds * 100).rounded() / 100) s, \(Int(mebibytes.rounded())) MiB")
  findings.check(runs.allSatisfy { statuses.contains($0.status >> 8 & 0xff) && $0.status & 0x7f == 0 }, "it ends as it should")
  return (seconds, mebibytes)
}

var times: [Int: Double] = [:]
for count in [1_000, 10_000, 30_000, 100_000] {
  let path = write(MixedFilter.text(rules: count), to: "mixed-\(count).v4")
  let cost = measure("lint, one chain of \(count) mixed rules", ["lint", path], statuses: [1])
  times[count] = cost.seconds
  if count == 10_000 { findings.goal(cost.seconds < 1, "less than 1 s") }
  if count == 100_000 { findings.goal(cost.seconds < 10 && cost.mebibytes < 2048, "less than 10 s and 2 GiB") }
}
if let one = times[1_000], let ten = times[10_000], let hundred = times[100_000] {
  findings.line("growth from 1,000 to 10,000, and to 100,000", "\(Int((ten / one).rounded())), \(Int((hundred / one).rounded())) times")
}
let changed = write(MixedFilter.text(rules: 10_000, changing: 20), to: "changed.v4")
let difference = measure("diff, 10,000 mixed rules", ["diff", "\(folder)/mixed-10000.v4", changed], statuses: [1])
findings.goal(difference.seconds < 5, "less than 5 s")

let large = cluster(6_250, to: "cluster.v4")
let cost = measure("lint, kube-proxy, 6,250 services (94,000 rules)", ["lint", large], statuses: [0, 1])
findings.goal(cost.seconds < 5, "less than 5 s")
let services = cluster(5_000, to: "services.v4")
let fewer = cluster(4_999, to: "fewer.v4")
let host = "Examples/kube-proxy/host.yaml"
let question = "in cni0 src 10.244.0.7 dst 10.96.0.42 tcp dport 80"
let asked = measure("query, kube-proxy, 5,000 services", ["query", "--host", host, services, question], statuses: [0])
findings.goal(asked.seconds < 2 && asked.mebibytes < 150, "less than 2 s and 150 MiB")
let compared = measure("diff, kube-proxy, 5,000 services and one less", ["diff", fewer, services], statuses: [1])
findings.goal(compared.seconds < 4, "less than 4 s")

for file in files { unlink(file) }
rmdir(folder)
findings.end()
