import NAT
import Testing
import Wire

@testable import Conntrack

@Suite struct HelperTests {
  /// Payloads that announce connections, plain and through NAT: what leaves, the table and the expectations after every packet.
  @Test func expectsAsTheKernel() throws {
    let records = try KernelRecord.load("kernel-helpers.jsonl")
    #expect(records.count >= 40)
    var agree = 0
    for record in records {
      var replay = NATReplay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("Helper scenarios that agree with the kernel: \(agree) of \(records.count)")
  }
}
