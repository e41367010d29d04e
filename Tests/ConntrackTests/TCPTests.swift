import Testing
import Wire

@testable import Conntrack

@Suite struct TCPTests {
  /// Every cell of the state table: each state, reached from either end, times both directions and sixteen sets of flags.
  @Test func everyCellIsTheKernels() throws {
    let records = try KernelRecord.load("kernel-tcp-cells.jsonl")
    #expect(records.count == 544)
    var agree = 0
    for record in records {
      var replay = Replay(record)
      let difference = replay.difference(record)
      if difference == nil { agree += 1 }
      #expect(difference == nil, "\(record.name)")
    }
    print("TCP cells that agree with the kernel: \(agree) of \(records.count)")
  }
}
