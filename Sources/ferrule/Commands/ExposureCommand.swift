import ArgumentParser
import Diagnostics
import Documents
import Evaluator
import Kernel
import Linter
import Policies
import Scenarios
import Syntax
import Wire
import XTables

struct ExposureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exposure", abstract: "Reports what a stranger reaches through rulesets: services of this host, and hosts behind it.",
    discussion: """
      Lists, for each rule that accepts the first packet of a connection, interface, protocol, ports and sources, and a packet that was run through \
      all tables; what nobody should reach comes first. Ports that rules of the nat table lead to containers or other hosts are listed with their new \
      destination: they do not pass INPUT. With --listening, the programs that listen at the ports are named, and ports where nothing listens come last.

      The roles of interfaces in .ferrule.yml say which of them lead to strangers; without them, all but lo and those of containers do.

      EXIT STATUS
        0 success, 2 bad input

      EXAMPLES
        ferrule exposure /etc/iptables/rules.v4 /etc/iptables/rules.v6
        ss -tulnp > listening.txt
        ferrule exposure --listening listening.txt rules.v4
        ferrule exposure --format html rules.v4 > exposure.html
        ferrule exposure --format json --host host.yaml rules.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(help: "Rulesets in the format of iptables-save; - means standard input.", completion: .file())
  var files = ["-"]

  @Option(help: "The host: a YAML file with its interfaces and sockets.", completion: .file(extensions: ["yaml", "yml"]))
  var host: String?

  @Option(help: "The listening sockets: what `ss -tulnp' printed.", completion: .file())
  var listening: String?

  @Option(help: "The policy; by default the nearest .ferrule.yml.", completion: .file())
  var config: String?

  @Option(help: "The output format.")
  var format = PageFormat.text

  @OptionGroup var colours: ColourOptions

  func run() throws {
    let (interfaces, listeners) = try ListeningInput.read(host: host, listening: listening, colours.colour)
    var search = try PolicySearch(config: config, colours.colour)
    let parts = try files.map { path in
      let parsed = try RulesetInput.sound(try RulesetInput.parse(path, families, for: .reading), colours.colour)
      let settings = try search.policy(for: path, parsed.ruleset.family).policy.settings
      return Exposure(parsed.ruleset, in: parsed.file, settings: settings, interfaces: interfaces, listeners: listeners)
    }
    let exposure = Exposure(joining: parts)
    switch format {
    case .json: try Console.print(exposure.json)
    case .html: try Console.print(exposure.page(title: "Exposure of \(files.joined(separator: ", "))"))
    case .text: try Console.print(exposure.text)
    }
  }
}

/// The formats of reports that people file.
enum PageFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, html
}

/// The interfaces and sockets of a host, for reports about what it offers.
enum ListeningInput {
  /// Reads a host description and a listing of `ss`.
  ///
  /// - Returns: the names of interfaces, and the sockets; nil for the sockets if neither input tells of any.
  static func read(
    host path: String?, listening: String?, _ colour: ColourChoice
  ) throws -> (interfaces: [String], listeners: [Exposure.Listener]?) {
    let host = Host(interfaces: [])
    var described: Host?
    if let path {
      described = try understanding(try RulesetInput.source(path, upTo: Limits.documentBytes), colour) {
        (source) throws(ScenarioFileError) in try Host(yaml: source, registry: .installed)
      }
    }
    if let listening {
      try understanding(try RulesetInput.source(listening, upTo: Limits.documentBytes), colour) { (source) throws(ScenarioFileError) in
        try host.addSockets(ofListing: source)
      }
    }
    let sockets = host.sockets + (described?.sockets ?? [])
    let isKnown = listening != nil || !(described?.sockets.isEmpty ?? true)
    let listeners = sockets.map { Exposure.Listener(proto: $0.proto, port: $0.port, address: $0.address, name: $0.name) }
    return (described?.devices.map(\.interface.name) ?? [], isKnown ? listeners : nil)
  }

  private static func understanding<Value>(
    _ source: SourceFile, _ colour: ColourChoice, _ read: (SourceFile) throws(ScenarioFileError) -> Value
  ) throws -> Value {
    do throws(ScenarioFileError) {
      return try read(source)
    } catch {
      Console.report([error.diagnostic], in: error.shown(source), colour)
      throw ExitStatus.badInput.code
    }
  }
}
