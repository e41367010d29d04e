import Synchronization
import Testing

@testable import Kernel

/// Answers of a dump that another thread receives.
struct NetlinkReadAheadTests {
  /// Datagrams of one message each, numbered from 0; the last has the type that ends a dump.
  private final class Source: Sendable {
    private let given = Mutex<UInt32>(0)
    let count: UInt32
    let failsAt: UInt32

    init(count: UInt32, failsAt: UInt32 = .max) { (self.count, self.failsAt) = (count, failsAt) }

    var received: UInt32 { given.withLock { $0 } }

    func next() throws(KernelError) -> [NetlinkMessage] {
      let number = given.withLock { given in
        given += 1
        return given - 1
      }
      if number == failsAt { throw .call("receiving", SystemError(number: 105)) }
      var message = NetlinkMessage(type: number + 1 == count ? NetlinkMessage.Control.done : 100)
      message.sequence = number
      return [message]
    }

    func ahead() throws -> NetlinkReadAhead {
      try NetlinkReadAhead { [self] () throws(KernelError) in
        try next()
      } until: {
        $0.contains { $0.type == NetlinkMessage.Control.done }
      }
    }
  }

  @Test(arguments: [1, 2, 1000] as [UInt32])
  func answersComeInOrder(_ count: UInt32) throws {
    let source = Source(count: count)
    let ahead = try source.ahead()
    var sequences: [UInt32] = []
    while sequences.count < Int(count) { sequences += try ahead.next().map(\.sequence) }
    ahead.stop()
    #expect(sequences == Array(0..<count))
    #expect(source.received == count)
  }

  @Test func anErrorEndsTheDump() throws {
    let source = Source(count: 1000, failsAt: 70)
    let ahead = try source.ahead()
    var count = 0
    #expect(throws: KernelError.self) { while count < 1000 { count += try ahead.next().count } }
    ahead.stop()
    #expect(count <= 70)
    #expect(source.received == 71)
  }

  @Test func nothingIsReceivedAfterItIsStopped() throws {
    let source = Source(count: .max)
    let ahead = try source.ahead()
    _ = try ahead.next()
    ahead.stop()
    let received = source.received
    BackgroundThread.sleep(seconds: 0.05)
    #expect(source.received == received)
  }

  @Test func whatWaitsIsBounded() throws {
    let source = Source(count: .max)
    let ahead = try source.ahead()
    while source.received < 32 { BackgroundThread.sleep(seconds: 0.001) }
    BackgroundThread.sleep(seconds: 0.05)
    #expect(source.received == 32)
    ahead.stop()
  }
}
