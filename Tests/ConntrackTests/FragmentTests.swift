import NAT
import Testing
import Wire

@testable import Conntrack

@Suite struct FragmentTests {
  /// Fragments in every order, twice, overlapping, contradicting, late, with options, ECN and DF, of both families, and seeded random ones.
  @Test func reassemblesAsTheKernel() throws {
    let records = try KernelRecord.load("kernel-fragments.jsonl")
    #expect(records.count >= 80)
    var agree = 0
    for record in records {
      var replay = NATReplay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("Fragment scenarios that agree with the kernel: \(agree) of \(records.count)")
  }
}
