import ArgumentParser
import Diagnostics
import Documents
import Explorer
import Kernel

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves the page of `explore' to a browser on this machine, and runs the packets typed into it.",
    discussion: """
      Listens on 127.0.0.1 only and prints the address of the page. The address has a secret token, without which nothing is served. Nothing is changed: \
      neither the kernel nor any file. A packet runs in a host that is in its initial state. Ctrl-C ends the server.

      EXIT STATUS
        2  bad input: an error in a file, in a packet or on the command line
        3  the port is in use

      EXAMPLES
        ferrule serve --host host.yaml rules.v4 rules.v6
        iptables-save -c | ferrule serve --this-host -
        ferrule serve --port 8080 --packets packets.txt rules.v4
      """)

  @OptionGroup var options: ExplorerOptions

  @Option(help: "The port; 0 for any free one.")
  var port: UInt16 = 0

  func run() throws {
    let world = try ExplorerWorld(options)
    let page = ExplorerPage(
      of: world.subjects, traces: try world.given(), reports: world.reports, isLive: true, version: Ferrule.configuration.version)
    let server = try LoopbackServer(port: port)
    let token = Self.token()
    let site = ExplorerSite(token: token, port: server.port, page: page.html) { packets in try world.traces.run(packets) }
    try Console.print("http://127.0.0.1:\(Int(server.port))/\(token)/\n")
    server.serve { site.answer(to: $0) }
  }

  /// 128 random bits.
  private static func token() -> String {
    var random = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let digits = String(random.next(), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
