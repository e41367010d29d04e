import Evaluator
import Wire
import XTables

/// Sends a packet through and holds what became of it against what must.
@inline(__always)
public func pass(_ gateway: Gateway, _ packet: inout Packet, on interface: Interface, mayBeDropped: Bool = false) {
  if case .sent = gateway.simulator.carry(&packet, on: interface).verdict { return }
  precondition(mayBeDropped, "a packet did not get through")
}

/// Shakes hands.
public func open(_ gateway: Gateway, _ traffic: inout Traffic, _ flow: Int) {
  traffic.makeRequest(flow, flags: .syn)
  pass(gateway, &traffic.request, on: gateway.inner)
  traffic.makeAnswer(flow, flags: [.syn, .ack])
  pass(gateway, &traffic.answer, on: gateway.outer)
  traffic.makeRequest(flow)
  pass(gateway, &traffic.request, on: gateway.inner)
}

/// Packets of both directions, of flows in an order that no cache foresees.
public func exchange(_ gateway: Gateway, _ traffic: inout Traffic, flows: Int, packets: Int) {
  var flow = 0
  for _ in 0..<(packets / 2) {
    flow = (flow &+ 7919) % flows
    traffic.makeRequest(flow)
    pass(gateway, &traffic.request, on: gateway.inner)
    traffic.makeAnswer(flow)
    pass(gateway, &traffic.answer, on: gateway.outer)
  }
}
