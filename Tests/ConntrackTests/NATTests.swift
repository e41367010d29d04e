import NAT
import Testing
import Wire

@testable import Conntrack

@Suite struct NATTests {
  /// What leaves, byte for byte, and the table after every packet, against a kernel's recording.
  @Test func translatesAsTheKernel() throws {
    let records = try KernelRecord.load("kernel-nat.jsonl")
    #expect(records.count >= 25)
    var agree = 0
    for record in records {
      var replay = NATReplay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("NAT scenarios that agree with the kernel: \(agree) of \(records.count)")
  }
}
