import Measuring

/// Measures what a packet costs on its way through PREROUTING, FORWARD and POSTROUTING, with what it takes to make the packet, and says
/// which goals are reached. Ends with status 1 where a packet of an established flow allocates, or memory or verdicts are not as they
/// must be; times do not count for that, as they say as much about the machine as about the code.
///
/// Words choose what is measured: `rules`, `live`, `established`, `translated`, `flood`; all of it without any. `--plots FOLDER` writes plots
/// of the costs.
var findings = Findings()
let arguments = Array(CommandLine.arguments.dropFirst())
let place = arguments.firstIndex(of: "--plots")
let folder = place.flatMap { arguments.indices.contains($0 + 1) ? arguments[$0 + 1] : nil }
let words = arguments.enumerated().filter { at, _ in place.map { at != $0 && at != $0 + 1 } ?? true }.map(\.element)
func isWanted(_ word: String) -> Bool { words.isEmpty || words.contains(word) }

var connections: [(x: Double, y: Double)] = []
if isWanted("live") { connections.append((1_000_000, try measureLive(1_000_000, &findings))) }
if isWanted("established") {
  for count in [1_000, 10_000, 100_000] {
    connections.append((Double(count), try measureEstablished(count, translating: false, &findings)))
  }
}
if isWanted("translated") { try measureEstablished(1_000, translating: true, &findings) }
if isWanted("flood") { for isAssured in [false, true] { try measureFlood(assured: isAssured, &findings) } }
// After the rest, because so many rules take more memory than it may, and because the process moves into a network namespace of its own.
if isWanted("rules") {
  let costs = try measureRules(&findings)
  if let folder {
    let plot = Plot(
      "A packet past rules that do not match", x: "rules of the chain", y: "ns",
      [
        Plot.Line("one by one", costs.map { (Double($0.rules), max($0.walked, 1)) }),
        Plot.Line("with an index", costs.map { (Double($0.rules), max($0.indexed, 1)) }),
        Plot.Line("the kernel", costs.compactMap { cost in cost.kernel.map { (Double(cost.rules), max($0, 1)) } }),
      ])
    findings.check(plot.write(to: folder + "/rules.svg"), "\(folder)/rules.svg is written")
  }
}
if let folder, connections.count > 1 {
  let plot = Plot(
    "A packet of a tracked connection through a gateway", x: "connections", y: "ns",
    [Plot.Line("established TCP", connections.sorted { $0.x < $1.x })])
  findings.check(plot.write(to: folder + "/connections.svg"), "\(folder)/connections.svg is written")
}
findings.end()
