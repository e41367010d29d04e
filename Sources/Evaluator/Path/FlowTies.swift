import Conntrack
import Wire
import XTables

/// Whether the packets of different pairs of hosts may be carried by different simulators.
///
/// It follows from the rules and the host, but for what single packets may cause: fragments, answers of the host with their limits, packets that
/// wait. ``Simulator/breaksIndependence(since:)`` tells after a packet whether it was one of these.
extension Simulator {
  /// What makes the packets between two hosts matter for those between others, one sentence each without a full stop; empty if nothing
  /// does.
  ///
  /// Then packets that ``FlowShare`` keeps together, and the others, find the same state whether one simulator carries them all or each share
  /// has one of its own. The table of connections must not become full.
  public func flowTies() -> [String] {
    var ties: [String] = []
    if delivery == .stack || !stack.connections.isEmpty || !stack.datagrams.isEmpty { ties.append("the host answers by its sockets") }
    if host.devices.contains(where: { $0.isBridge || $0.bridge != nil }) { ties.append("a bridge of the host learns from all packets") }
    if !host.otherChains.isEmpty { ties.append("there are chains of other programs, whose state is not looked at") }
    if conntrackSettings.automaticHelpers { ties.append("helpers of connection tracking expect connections of other hosts") }
    if let table = world.conntrack, table.count > 0 || !table.dumpExpectations(now: world.instant).isEmpty {
      ties.append("there are connections before the first packet")
    }
    if !waiting.isEmpty { ties.append("packets wait in the host") }
    return ties + rules.tables.flatMap { $0.program.ties }
  }

  /// What packets of all hosts share at one moment.
  public struct SharedState: Equatable, Sendable {
    fileprivate let random: SeededRandom
    fileprivate let uses: Int
  }

  /// What packets of all hosts share now.
  public var sharedState: SharedState { SharedState(random: world.random, uses: world.memory.uses) }

  /// True if a packet has used what packets of other hosts may use too: chance, the memory of rules, limits of what the host sends, queues.
  ///
  /// - Parameter state: that at a moment when ``flowTies()`` was empty.
  public func breaksIndependence(since state: SharedState) -> Bool {
    sharedState != state || !waiting.isEmpty || !learned.isEmptyOfHosts || !stack.connections.isEmpty
  }

  /// How many connections were added to the table, whether they are still there or not.
  public var connectionsMade: Int {
    world.conntrack.map { Int($0.statistics.insert + $0.statistics.clashResolve) } ?? 0
  }

  /// The largest number of connections in the table; nil if there is no limit.
  public var connectionLimit: Int? { conntrackSettings.max == 0 ? nil : Int(conntrackSettings.max) }
}

extension TableProgram {
  /// The rules whose effect on a packet may depend on packets of other hosts.
  fileprivate var ties: [String] {
    table.chains.flatMap { chain in
      chain.rules.enumerated().flatMap { number, rule in
        let place = "rule \(number + 1) of \(name.rawValue) \(chain.name)"
        var ties = rule.matches.filter { !$0.descriptor.isConfined($0.payload, family) }.map {
          "`-m \($0.descriptor.name)' in \(place) keeps a memory of packets of all hosts"
        }
        switch rule.target {
        case .use(let use) where !use.descriptor.isConfined(use.payload, family):
          ties.append("`-j \(use.descriptor.name)' in \(place) acts on packets of all hosts together")
        case .verdict(.queue): ties.append("`-j QUEUE' in \(place) holds packets of all hosts in one queue")
        default: break
        }
        return ties
      }
    }
  }
}
