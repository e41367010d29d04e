import ArgumentParser
import Diagnostics
import Evaluator
import Kernel
import Lab

/// The machine that packets run through.
struct HostOptions: ParsableArguments {
  @Option(help: "The host's interfaces, addresses, routes, switches and sockets, as YAML; or a snapshot of `ferrule snapshot'.", completion: .file(extensions: ["yaml", "yml"]))
  var host: String?

  @Option(help: "What `ip -j addr' printed, instead of --host.", completion: .file())
  var ipAddr: String?

  @Option(help: "What `ip -j route' printed (and `ip -j -6 route': the option can be repeated).", completion: .file())
  var ipRoute: [String] = []

  @Flag(help: "Take interfaces, addresses and routes from this machine.")
  var thisHost = false

  func validate() throws {
    if [host != nil, ipAddr != nil, thisHost].count(where: { $0 }) > 1 {
      throw ValidationError("--host, --ip-addr and --this-host exclude each other.")
    }
    if ipAddr == nil, !ipRoute.isEmpty { throw ValidationError("--ip-route needs --ip-addr.") }
  }

  var isGiven: Bool { host != nil || ipAddr != nil || thisHost }

  /// The machine of a snapshot, where that is what --host names.
  func snapshot() throws -> SnapshotFile? {
    guard let host else { return nil }
    let source = SourceFile(name: host, bytes: try HostFile.bytes(host, upTo: Limits.documentBytes))
    guard SnapshotFile.isOne(source) else { return nil }
    do throws(ScenarioFileError) {
      return try SnapshotFile(source, registry: .installed, names: .system, loader: .host)
    } catch {
      let place = source.position(of: Int(error.range.lowerBound))
      throw CommandFailure("\(host):\(place.line):\(place.column): \(error.message)")
    }
  }

  /// The host that was described. Without a description nothing is known but the interfaces that packets arrive on.
  func read(arrivals: [String]) throws -> Host {
    do {
      if let host { return try Host(yaml: try HostFile.read(host, upTo: Limits.documentBytes)) }
      if let ipAddr { return try Host(ipAddresses: try HostFile.read(ipAddr, upTo: Limits.documentBytes), ipRoutes: try ipRoute.map { try HostFile.read($0, upTo: Limits.documentBytes) }) }
      if thisHost {
        return try Host(
          ipAddresses: try Self.ask(["-j", "addr"]), ipRoutes: [try Self.ask(["-j", "route"]), try Self.ask(["-j", "-6", "route"])])
      }
    } catch let error as HostError {
      throw CommandFailure("\(host ?? ipAddr ?? "this host"): \(error)")
    }
    return Host(interfaces: arrivals)
  }

  private static func ask(_ arguments: [String]) throws -> String {
    let answer = try HostProcess.run("ip", arguments)
    guard answer.status == 0 else { throw CommandFailure("ip \(arguments.joined(separator: " ")): \(answer.output)") }
    return answer.output
  }
}
