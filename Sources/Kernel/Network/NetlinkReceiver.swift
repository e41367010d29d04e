internal import Glibc
internal import Synchronization

/// Receives the answers to one request on a thread of its own. The kernel makes each part of a dump within the receiving call, which takes
/// about as long as reading that part: with two processors, both are done at the same time.
final class NetlinkReceiver: Sendable {
  private enum Item: Sendable {
    case datagram([UInt8], isLast: Bool)
    case failure(KernelError)
  }

  /// What the thread has received. The thread does not keep its owner alive.
  private final class Queue: Sendable {
    let items = Mutex<[Item]>([])
    let signal: WakeSignal
    init() throws(KernelError) { signal = try WakeSignal() }

    func add(_ item: Item) {
      items.withLock { $0.append(item) }
      signal.raise()
    }

    /// All items that have arrived; waits for the first one.
    func take() -> [Item] {
      while true {
        let found = items.withLock { items in
          defer { items = [] }
          return items
        }
        if !found.isEmpty { return found }
        signal.wait()
      }
    }
  }

  private let queue: Queue

  /// - Parameters:
  ///   - sequence: the sequence number of the request, which has been sent. The last answer ends a dump, or is an error.
  ///   - what: what is done, for errors.
  init(_ socket: FileDescriptor, answering sequence: UInt32, what: String) throws(KernelError) {
    let queue = try Queue()
    self.queue = queue
    try BackgroundThread.start {
      var buffer = [UInt8](repeating: 0, count: NetlinkSocket.bufferSize)
      while true {
        do throws(KernelError) {
          guard let count = try NetlinkSocket.receive(socket, into: &buffer, waitingFor: what) else { continue }
          let isLast = NetlinkMessage.ends(sequence, in: buffer, upTo: count)
          queue.add(.datagram(Array(buffer[..<count]), isLast: isLast))
          if isLast { return }
        } catch {
          return queue.add(.failure(error))
        }
      }
    }
  }

  /// Passes each message to `body` until the last answer has arrived. The thread does not receive any more then, also after an error.
  ///
  /// - Throws: `KernelError` if the answers cannot be received, or what `body` throws.
  func forEach(_ body: (NetlinkMessage) throws(KernelError) -> Void) throws(KernelError) {
    var isOpen = true
    var failure: KernelError?
    while isOpen {
      for item in queue.take() {
        switch item {
        case .failure(let error):
          isOpen = false
          failure = failure ?? error
        case .datagram(let bytes, let isLast):
          isOpen = !isLast
          guard failure == nil else { continue }
          do throws(KernelError) {
            for message in try NetlinkSocket.messages(in: bytes, upTo: bytes.count) { try body(message) }
          } catch {
            failure = error
          }
        }
      }
    }
    if let failure { throw failure }
  }
}
