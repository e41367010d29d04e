import Conntrack
import Evaluator
import Measuring
import Wire
import XTables

/// Sends a packet through and holds what became of it against what must.
@inline(__always)
func pass(_ gateway: Gateway, _ packet: inout Packet, on interface: Interface, mayBeDropped: Bool = false) {
  if case .sent = gateway.simulator.carry(&packet, on: interface).verdict { return }
  precondition(mayBeDropped, "a packet did not get through")
}

/// Shakes hands.
func open(_ gateway: Gateway, _ traffic: inout Traffic, _ flow: Int) {
  traffic.makeRequest(flow, flags: .syn)
  pass(gateway, &traffic.request, on: gateway.inner)
  traffic.makeAnswer(flow, flags: [.syn, .ack])
  pass(gateway, &traffic.answer, on: gateway.outer)
  traffic.makeRequest(flow)
  pass(gateway, &traffic.request, on: gateway.inner)
}

/// Packets of both directions, of flows in an order that no cache foresees.
func exchange(_ gateway: Gateway, _ traffic: inout Traffic, flows: Int, packets: Int) {
  var flow = 0
  for _ in 0..<(packets / 2) {
    flow = (flow &+ 7919) % flows
    traffic.makeRequest(flow)
    pass(gateway, &traffic.request, on: gateway.inner)
    traffic.makeAnswer(flow)
    pass(gateway, &traffic.answer, on: gateway.outer)
  }
}

func measureEstablished(_ flows: Int, translating: Bool, _ findings: inout Findings) throws {
  let gateway = try Gateway(maximum: 2_000_000, translating: translating)
  var traffic = try Traffic(flows: flows, target: translating ? Gateway.publicServer : nil)
  for flow in 0..<flows { open(gateway, &traffic, flow) }
  let packets = 200_000
  exchange(gateway, &traffic, flows: flows, packets: packets)
  let cost = Cost.lowest(rounds: 7, packets: packets) { exchange(gateway, &traffic, flows: flows, packets: packets) }
  findings.line("established, \(flows) connections\(translating ? ", destination translated" : "")", cost)
  if !translating { findings.goal(cost.nanoseconds <= 1000, "a packet of an established flow takes at most 1 µs") }
  findings.check(cost.allocations == 0, "a packet of an established flow allocates nothing")
}

/// New flows until a million are live, and what they take.
func measureLive(_ flows: Int, _ findings: inout Findings) throws {
  let gateway = try Gateway(maximum: 2_000_000)
  var traffic = try Traffic(flows: flows)
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
  findings.goal(cost.nanoseconds <= 3000, "a new flow takes at most 3 µs")
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
  let memory = ProcessStatus.peak / 1024
  findings.check(memory <= 512, "the process has had at most 512 MiB (\(memory) MiB)")
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
