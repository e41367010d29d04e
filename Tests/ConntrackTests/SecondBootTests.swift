import TestSupport
import Testing

@testable import Conntrack

/// What a kernel was recorded to do holds whatever the table draws: the recordings were made on one boot, and are replayed as on others.
@Suite("A kernel's recordings") struct SecondBootTests {
  @Test(arguments: ["kernel-trackers.jsonl", "kernel-tcp-cells.jsonl"]) func holdForEverySeed(_ file: String) throws {
    for record in try KernelRecord.load(file) {
      for boot in Boot.all {
        var replay = Replay(record, seed: boot.seed)
        #expect(replay.difference(record) == nil, "\(record.name), boot \(boot.number)")
      }
    }
  }

  @Test(arguments: ["kernel-nat.jsonl", "kernel-fragments.jsonl", "kernel-helpers.jsonl", "kernel-sip.jsonl"])
  func holdForEverySeedWithTranslation(_ file: String) throws {
    for record in try KernelRecord.load(file) {
      for boot in Boot.all {
        var replay = NATReplay(record, seed: boot.seed)
        #expect(replay.difference(record) == nil, "\(record.name), boot \(boot.number)")
      }
    }
  }
}
