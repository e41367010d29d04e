import Testing
import Wire

@testable import Conntrack

@Suite struct TrackerTests {
  /// Windows, SACK, resets, pick-ups, closes, timeouts and sixty seeded random conversations over TCP; UDP, ICMP, ICMPv6, SCTP, GRE and others.
  @Test func tracksAsTheKernel() throws {
    let records = try KernelRecord.load("kernel-trackers.jsonl")
    #expect(records.count >= 120)
    var agree = 0
    for record in records {
      var replay = Replay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("Tracker scenarios that agree with the kernel: \(agree) of \(records.count)")
  }
}
