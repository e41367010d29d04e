import ArgumentParser
import Diagnostics
import Documents
import Explorer
import Kernel

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore", abstract: "Makes a page for the browser that shows rulesets, findings and the ways of packets.",
    discussion: """
      Writes one HTML file that loads nothing from anywhere: the hooks in order with their tables, the chains with counters, findings and a picture of the \
      jumps, and the ways of packets with the reason why each rule that they passed did not match, what strangers reach (as \
      `ferrule exposure'), and with --before what a change does (as `ferrule diff'). The packets are those of --packet and --packets, \
      without them those that show findings. `ferrule serve' runs packets that are typed into the page.

      EXIT STATUS
        0  success
        2  bad input: an error in a file, in a packet or on the command line

      EXAMPLES
        ferrule explore rules.v4 rules.v6 > page.html
        ferrule explore --host host.yaml rules.v4 > page.html \\
          --packet 'eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S'
        ferrule explore --before old.v4 new.v4 > page.html
        iptables-save -c | ferrule explore --this-host - > page.html
      """)

  @OptionGroup var options: ExplorerOptions

  func run() throws {
    let world = try ExplorerWorld(options)
    let traces = try world.given()
    if !world.packets.isEmpty, traces["traces"]?.elements?.isEmpty != false {
      throw CommandFailure("\(traces["problems"]?.elements?.compactMap(\.text).joined(separator: "; ") ?? "")")
    }
    let page = ExplorerPage(
      of: world.subjects, traces: traces, reports: world.reports, isLive: false, version: Ferrule.configuration.version)
    try ProcessStream.output.write(page.html)
  }
}
