import Conntrack
import Evaluator
import Measuring
import PacketLoads
import Wire
import XTables

/// Returns the nanoseconds of a packet.
@discardableResult
func measureEstablished(_ flows: Int, translating: Bool, _ findings: inout Findings) throws -> Double {
  let gateway = try Gateway(maximum: 2_000_000, translating: translating)
  var traffic = try Traffic(flows: flows, target: translating ? Gateway.publicServer : nil)
  for flow in 0..<flows { open(gateway, &traffic, flow) }
  let packets = 200_000
  exchange(gateway, &traffic, flows: flows, packets: packets)
  let cost = Cost.lowest(rounds: 7, packets: packets) { exchange(gateway, &traffic, flows: flows, packets: packets) }
  findings.line("established, \(flows) connections\(translating ? ", destination translated" : "")", cost)
  if !translating {
    let most = flows > 1000 ? 500.0 : 250
    findings.goal(cost.nanoseconds <= most, "a packet of one of \(flows) established flows takes at most \(Int(most)) ns")
  }
  findings.check(cost.allocations == 0, "a packet of an established flow allocates nothing")
  return cost.nanoseconds
}

/// New flows until a million are live, and what they take. Returns the nanoseconds of a packet of one of them.
func measureLive(_ flows: Int, _ findings: inout Findings) throws -> Double {
  let gateway = try Gateway(maximum: 2_000_000)
  var traffic = try Traffic(flows: flows)
  let before = ProcessStatus.peak
  let share = flows / 10
  var first = 0
  let cost = Cost.lowest(rounds: 10, packets: share) {
    for flow in first..<(first + share) {
      traffic.makeRequest(flow, flags: .syn)
      pass(gateway, &traffic.request, on: gateway.inner)
    }
    first += share
  }
  findings.line("new flows, up to \(flows)", cost)
  findings.goal(cost.nanoseconds <= 1000, "a new flow takes at most 1 µs")
  findings.check(gateway.simulator.world.conntrack?.count == flows, "\(flows) connections are live")
  for flow in 0..<flows {
    traffic.makeAnswer(flow, flags: [.syn, .ack])
    pass(gateway, &traffic.answer, on: gateway.outer)
    traffic.makeRequest(flow)
    pass(gateway, &traffic.request, on: gateway.inner)
  }
  let packets = 200_000
  let established = Cost.lowest(rounds: 5, packets: packets) { exchange(gateway, &traffic, flows: flows, packets: packets) }
  findings.line("established, \(flows) connections", established)
  findings.check(established.allocations == 0, "a packet of an established flow allocates nothing")
  let memory = (before / 1024, ProcessStatus.peak / 1024)
  findings.check(memory.1 <= 512, "the process has had at most 512 MiB (\(memory.1) MiB)")
  findings.goal(memory.1 - memory.0 <= 200, "\(flows) connections take at most 200 MiB (\(memory.1 - memory.0) MiB)")
  return established.nanoseconds
}

/// A million flows against a table of 65,536: unassured connections give way, assured ones do not.
func measureFlood(assured: Bool, _ findings: inout Findings) throws {
  let maximum = 65_536
  let gateway = try Gateway(maximum: UInt32(maximum))
  var traffic = try Traffic(flows: maximum)
  if assured { for flow in 0..<maximum { open(gateway, &traffic, flow) } }
  let before = ProcessStatus.peak
  let flows = 1_000_000
  let cost = Cost.lowest(rounds: 1, packets: flows) {
    for flow in 0..<flows {
      traffic.makeDatagram(flow)
      pass(gateway, &traffic.datagram, on: gateway.inner, mayBeDropped: true)
    }
  }
  findings.line("a million flows against \(maximum) \(assured ? "assured" : "unassured") connections", cost)
  guard let table = gateway.simulator.world.conntrack else { preconditionFailure("nothing is tracked") }
  let statistics = table.statistics
  findings.check(table.count <= maximum, "the table holds at most \(maximum) connections (\(table.count))")
  findings.check(ProcessStatus.peak - before < 64 << 10, "memory stays as it was (\((ProcessStatus.peak - before) / 1024) MiB more)")
  if assured {
    findings.check(statistics.drop == UInt64(flows), "every new flow is dropped (\(statistics.drop))")
    findings.check(statistics.earlyDrop == 0, "no assured connection gives way")
  } else {
    findings.check(
      statistics.earlyDrop + statistics.drop >= UInt64(flows - maximum),
      "early drop or a drop for each flow too many (\(statistics.earlyDrop), \(statistics.drop))")
    findings.check(statistics.insert > UInt64(flows) * 9 / 10, "early drop makes room for nearly all (\(statistics.insert))")
  }
}

/// The cost of rules that do not match, in nanoseconds.
struct RuleCost {
  var rules: Int
  /// With an index, and without one.
  var indexed: Double
  var walked: Double
  /// In the running kernel; nil if it was not measured.
  var kernel: Double?
}

/// Packets that match no rule of a long chain, with and without an index over it, and in the running kernel, in turns.
func measureRules(_ findings: inout Findings) throws -> [RuleCost] {
  var bare = try MixedRules(rules: 0, indexing: .never)
  var router: KernelRouter?
  do {
    router = try KernelRouter(packets: bare.packetBytes)
    try router?.load(rules: 1)
  } catch let failure as KernelRouter.Failure {
    router = nil
    findings.line("SKIPPED: the kernel", "is not measured, because \(failure.reason)")
  }
  return try [10, 60, 200, 1000, 10_000, 100_000].map { count in
    var fast = try MixedRules(rules: count, indexing: .always)
    var linear = try MixedRules(rules: count, indexing: .never)
    // The first packet builds the index.
    let build = Cost.lowest(rounds: 1, packets: 1) { fast.pass(packets: 1) }.nanoseconds / 1e6
    var (none, with, without) = (Cost(), Cost(), Cost())
    var (kernelNone, kernelWith) = (Cost(), Cost())
    try router?.load(rules: count)
    for _ in 0..<9 {
      if let router {
        let few = max(100, min(10_000, 1_000_000 / count))
        kernelNone.take(Cost.lowest(rounds: 1, packets: 10_000) { router.pass(packets: 10_000, isRuled: false) })
        kernelWith.take(Cost.lowest(rounds: 1, packets: few) { router.pass(packets: few, isRuled: true) })
      }
      // All packets equally often, so that none comes twice in a row.
      let all = 20_000 / MixedRules.packetCount * MixedRules.packetCount
      none.take(Cost.lowest(rounds: 1, packets: all) { bare.pass(packets: all) })
      with.take(Cost.lowest(rounds: 1, packets: all) { fast.pass(packets: all) })
      let few = max(200, min(20_000, 4_000_000 / count))
      without.take(Cost.lowest(rounds: 1, packets: few) { linear.pass(packets: few) })
    }
    let cost = RuleCost(
      rules: count, indexed: with.nanoseconds - none.nanoseconds, walked: without.nanoseconds - none.nanoseconds,
      kernel: router.map { _ in kernelWith.nanoseconds - kernelNone.nanoseconds })
    report(cost, build: build, &findings)
    findings.check(with.allocations == 0, "a packet that is led past rules allocates nothing")
    return cost
  }
}

private func report(_ cost: RuleCost, build: Double, _ findings: inout Findings) {
  let ratio = (cost.walked / cost.indexed * 10).rounded() / 10
  findings.line(
    "past \(cost.rules) rules that do not match",
    "\(Int(cost.indexed.rounded())) ns; one by one \(Int(cost.walked.rounded())) ns, \(ratio) times as much")
  if let kernel = cost.kernel {
    let times = (kernel / cost.indexed * 10).rounded() / 10
    findings.line("  the kernel, past \(cost.rules) rules", "\(Int(kernel.rounded())) ns, \(times) times as much")
    if cost.rules == 10_000 { findings.goal(times >= 100, "past 10,000 rules, the kernel takes at least 100 times as long") }
  }
  if let goal = [1000: 150.0, 10_000: 250.0, 100_000: 800.0][cost.rules] {
    findings.goal(cost.indexed <= goal, "an index leads a packet past \(cost.rules) rules in at most \(Int(goal)) ns")
    findings.line("index over \(cost.rules) rules", "built in \((build * 10).rounded() / 10) ms")
    let most = cost.rules > 10_000 ? 250.0 : 20
    findings.goal(build <= most, "an index over \(cost.rules) rules is built in at most \(Int(most)) ms")
  } else if cost.rules <= 64 {
    findings.goal(cost.indexed <= cost.walked * 1.05 + 2, "short chains take no longer")
  }
}
