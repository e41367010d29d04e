import Evaluator
import Netfilter
import Wire
import XTables

/// A ruleset on a host, for runs of witnesses with routing.
struct HostRun {
  private let ruleset: Ruleset
  private let host: Host

  init(_ ruleset: Ruleset, on host: Host) {
    self.ruleset = ruleset
    self.host = host
  }

  /// What becomes of the packet of a witness, as the first packet that the host sees. Nil if its line does not say all of it: another
  /// state, or a mark.
  func verdict(of witness: Witness) -> PacketVerdict? {
    guard witness.isWholeInLine, let packet = try? witness.draft.fields.packet() else { return nil }
    guard let simulator = try? Simulator(host: host, rulesets: [ruleset], clock: Witness.clock * 1_000_000_000, seed: witness.seed)
    else { return nil }
    guard let input = witness.draft.input else {
      var facts = SocketFacts(uid: witness.draft.uid, gid: witness.draft.gid, mark: witness.draft.mark)
      for fact in [HostFact.user, .group] where !witness.stated.contains(fact) { facts.missing.insert(fact) }
      return simulator.send(packet, by: LocalSender(facts: facts)).verdict
    }
    var received = packet
    let own = host.device(named: input)?.hardwareAddress ?? MACAddress(rawValue: 0)
    var link = LinkHeader(
      source: witness.draft.hardwareSource ?? own, destination: own, etherType: packet.family == .ipv6 ? 0x86DD : 0x0800)
    link.isSourceStated = witness.draft.hardwareSource != nil
    received.link = link
    return simulator.receive(received, on: input).verdict
  }
}
