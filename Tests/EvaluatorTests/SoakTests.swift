import Conntrack
import Testing

@testable import Soak

/// What `make soak` does at length.
@Suite("Random traffic, and every structure after each packet")
struct SoakTests {
  @Test("the structures stay consistent after every packet", arguments: [UInt64(1), 2])
  func structuresStayConsistentAfterEveryPacket(_ seed: UInt64) throws {
    let outcome = try Soak(seed: seed).run(packets: 3000)
    #expect(outcome.findings.isEmpty, "\(outcome.findings.joined(separator: "\n"))")
    #expect(outcome.steps == 3000)
    // It was no idle traffic: the table was full, packets met every end, NAT had to search, helpers expected connections.
    #expect(outcome.most == 64)
    #expect(Set(outcome.verdicts.keys).isSuperset(of: ["sent", "local", "drop", "lost", "absorbed", "queued", "none"]))
    #expect(outcome.statistics.insert > 200)
    #expect(outcome.statistics.invalid > 50)
    #expect(outcome.statistics.expectCreate > 0)
  }

  @Test("a flood leaves the table bounded: the unassured are replaced, the assured stay, others are dropped")
  func floodsLeaveTheTableBoundedAndTheAssuredInPlace() throws {
    let open = try Flood(limit: 512).run(flows: 6000, checkEvery: 500)
    #expect(open.findings.isEmpty, "\(open.findings.joined(separator: "\n"))")
    #expect(open.most == 512)
    #expect(open.sent == open.statistics.insert && open.dropped == open.statistics.drop)
    #expect(open.statistics.earlyDrop > 5000)
    #expect(open.sent > 5900)
    let closed = try Flood(limit: 512)
    try closed.assure()
    let outcome = try closed.run(flows: 1000, checkEvery: 500)
    #expect(outcome.findings.isEmpty, "\(outcome.findings.joined(separator: "\n"))")
    #expect(outcome.dropped == 1000 && outcome.statistics.earlyDrop == 0)
  }

  @Test("the same seed gives the same run")
  func theSameSeedGivesTheSameRun() throws {
    let digests = try [7, 7, 8].map { try Soak(seed: $0).run(packets: 600).digest.description }
    #expect(digests[0] == digests[1])
    #expect(digests[0] != digests[2])
  }
}
