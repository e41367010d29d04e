import FerruleEvaluator
import FerruleLanguage
import FerruleLinter

// The ruleset: text from standard input, parsed with all matches and targets and the names of this machine.
var text = ""
while let line = readLine(strippingNewline: false) { text += line }
let file = SourceFile(name: "ruleset", bytes: Array(text.utf8))
let parsed = RulesetParser(registry: .ferrule, names: .offline, family: .ipv4).parse(file)

// What is wrong with it.
let findings = Linter(registry: .ferrule).diagnostics(for: parsed)
print(ReportFormat.text.render([FileDiagnostics(file, findings)]), terminator: "")

// What happens to the packets of the command line on a host with one interface. Nothing is missing: it has no other addresses and routes.
let host = Host(interfaces: ["eth0"])
host.missing = []
try host.apply(ipCommand: "address add 203.0.113.10/24 dev eth0")
var runner = PacketRunner(try Simulator(host: host, rulesets: [parsed.ruleset]))
for packet in Swift.CommandLine.arguments.dropFirst() {
  for line in PacketNotation.read(SourceFile(name: "packet", bytes: Array(packet.utf8))).lines {
    if let report = try runner.play(line.step) { print(report.text(title: line.text) { _ in file }, terminator: "") }
  }
}
