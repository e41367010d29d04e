import NAT
import Testing
import Wire

@testable import Conntrack

@Suite struct HelperTests {
  /// Payloads that announce connections, plain and through NAT: what leaves, the table and the expectations after every packet.
  @Test(arguments: [("kernel-helpers.jsonl", 42), ("kernel-sip.jsonl", 27)])
  func expectsAsTheKernel(file: String, count: Int) throws {
    let records = try KernelRecord.load(file)
    #expect(records.count == count)
    var agree = 0
    for record in records {
      var replay = NATReplay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("Helper scenarios of \(file) that agree with the kernel: \(agree) of \(records.count)")
  }
}
