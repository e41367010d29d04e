import Conntrack
import Diagnostics
import Evaluator
import Kernel
import XTables

/// The connections that a host tracks before the first packet.
enum ConnectionInput {
  /// Restores the connections of a listing. Reports all errors in it, then ends the command.
  static func restore(_ source: SourceFile, into simulator: Simulator, _ colour: ColourChoice, reportsHelpers: Bool) throws {
    guard source.bytes.contains(where: { $0 > 0x20 }) else {
      throw CommandFailure("\(source.name): there is no connection in it; the input is empty or was cut off")
    }
    let listing = ConnectionListing(source.bytes, label: NameDatabase.system.connectionLabel)
    let errors = (listing.errors + simulator.restore(listing)).sorted { $0.range.lowerBound < $1.range.lowerBound }
    Console.report(errors.map { Diagnostic("bad-connection", .error, $0.message, at: SourceRange($0.range)) }, in: source, colour)
    guard errors.isEmpty else { throw ExitStatus.badInput.code }
    guard reportsHelpers else { return }
    for name in simulator.world.conntrack?.unknownHelperNames ?? [] {
      Console.complain("\(source.name): the conntrack helper \(name) is not known: what it does with its connections' packets is unknown")
    }
  }
}
