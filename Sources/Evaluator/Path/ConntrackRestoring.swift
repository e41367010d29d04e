public import Conntrack
import NAT
import Wire
import XTables

/// Connections that exist before the first packet.
extension Simulator {
  /// Adds the connections of a listing. Their timeouts start now.
  ///
  /// Packets are tracked only if a rule needs connection tracking; otherwise they do not meet these connections.
  /// - Returns: the connections that cannot be added, each with the reason.
  public func restore(_ listing: ConnectionListing) -> [ConnectionListingError] {
    var refused: [ConnectionListingError] = []
    let table = conntrackTable()
    for entry in listing.entries {
      do throws(RestoringError) {
        try table.restore(entry.connection, now: world.instant)
      } catch {
        refused.append(ConnectionListingError(error.sentence, at: entry.range))
      }
    }
    return refused
  }

  /// The connection table; created if there is none yet.
  func conntrackTable() -> ConntrackTable {
    if let table = world.conntrack { return table }
    let table = ConntrackTable(settings: conntrackSettings, seed: world.random.next())
    table.registerStandardHelpers()
    table.helperNAT = HelperTranslation(seed: world.random.next())
    table.sharesRoute = { [host] first, second in
      guard let one = host.outputRoute(Flow(to: first)), let other = host.outputRoute(Flow(to: second)) else { return nil }
      return one.output == other.output && one.gateway ?? first == other.gateway ?? second
    }
    world.conntrack = table
    return table
  }
}

extension RestoringError {
  fileprivate var sentence: String {
    switch self {
    case .exists: "another connection has the same tuple"
    case .tableFull: "nf_conntrack_max is reached"
    case .noHelper(let name): "the helper \(name) is not known, and too many others are not either"
    case .notTracked: "the first packet of this connection is not tracked"
    }
  }
}
