import Evaluator
import Netfilter
import Wire
import XTables

/// A ruleset on a host, for runs of witnesses with routing.
struct HostRun {
  /// Nil if a table cannot be compiled.
  private let compiled: CompiledRuleset?
  private let host: Host

  /// - Parameter compiled: the ruleset as ip_tables has it.
  init(_ ruleset: Ruleset, _ compiled: CompiledRuleset, on host: Host) {
    self.compiled = host.usesNfTables ? try? CompiledRuleset(ruleset, usesNfTables: true) : compiled
    self.host = host
  }

  /// What becomes of the packet of a witness, as the first packet that the host sees. Nil if its line does not say all of it: another
  /// state, or a mark.
  func verdict(of witness: Witness) -> PacketVerdict? {
    guard let compiled, witness.isWholeInLine, let packet = try? witness.draft.fields.packet() else { return nil }
    let simulator = Simulator(host: host, ruleset: compiled, clock: Witness.clock * 1_000_000_000, seed: witness.seed)
    guard let input = witness.draft.input else {
      var facts = SocketFacts(uid: witness.draft.uid, gid: witness.draft.gid, mark: witness.draft.mark)
      for fact in [HostFact.user, .group] where !witness.stated.contains(fact) { facts.missing.insert(fact) }
      return simulator.send(packet, by: LocalSender(facts: facts)).verdict
    }
    // What has an address of the host as its source comes in by the loopback interface only as the host sends it.
    if input == "lo", let source = packet.source, host.holds(source) { return simulator.send(packet, by: LocalSender()).verdict }
    var received = packet
    let own = host.device(named: input)?.hardwareAddress ?? MACAddress(rawValue: 0)
    var link = LinkHeader(
      source: witness.draft.hardwareSource ?? own, destination: own, etherType: packet.family == .ipv6 ? 0x86DD : 0x0800)
    link.isSourceStated = witness.draft.hardwareSource != nil
    received.link = link
    return simulator.receive(received, on: input).verdict
  }
}
