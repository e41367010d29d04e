internal import CLinux
internal import CNetfilter
internal import Glibc
internal import Synchronization

/// A netlink socket in the network namespace of the thread that opened it.
package struct NetlinkSocket: Sendable {
  package enum NetlinkFamily: Sendable { case route, netfilter, socketDiagnosis }

  private let socket: FileDescriptor
  private let family: NetlinkFamily
  private var sequence: UInt32 = 1
  private var buffer = [UInt8](repeating: 0, count: 1 << 17)

  /// - Parameter receiveBuffer: its size in bytes (`SO_RCVBUFFORCE`, which ignores the host's limit for root).
  package init(_ family: NetlinkFamily, receiveBuffer: Int = 1 << 20) throws(KernelError) {
    let proto =
      switch family {
      case .route: NETLINK_ROUTE
      case .netfilter: NETLINK_NETFILTER
      case .socketDiagnosis: NETLINK_SOCK_DIAG
      }
    let number = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), proto)
    guard number >= 0 else { throw .call("opening a netlink socket") }
    socket = FileDescriptor(number)
    self.family = family
    var size = Int32(clamping: receiveBuffer)
    let length = socklen_t(MemoryLayout<Int32>.size)
    if unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
      _ = unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &size, length)
    }
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    let bound = unsafe withUnsafeBytes(of: &address) { bytes in
      unsafe bind(number, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard bound == 0 else { throw .call("binding a netlink socket") }
  }

  package var descriptor: Int32 { socket.number }

  /// The size of the receive buffer that the kernel has granted, in bytes.
  package var receiveBuffer: Int {
    var size: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(socket.number, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0 else { return 0 }
    // The kernel reports the double, of which it needs one half for its own structures.
    return Int(size) / 2
  }

  /// Subscribes to a multicast group.
  package func join(group: Int32) throws(KernelError) {
    var group = group
    let solNetlink: Int32 = 270
    guard unsafe setsockopt(socket.number, solNetlink, NETLINK_ADD_MEMBERSHIP, &group, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw .call("joining netlink group \(group)")
    }
  }

  private func send(_ bytes: [UInt8]) throws(KernelError) {
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(socket.number, $0.baseAddress, $0.count, 0) }
    guard count == bytes.count else { throw .call("sending to netlink") }
  }

  /// The next waiting datagram, or nil. Throws `ENOBUFS` if the kernel dropped messages because the buffer was full.
  private mutating func receive() throws(KernelError) -> [NetlinkMessage]? {
    while true {
      // With MSG_TRUNC, the result is the length of the datagram even if the buffer is shorter.
      let flags = Int32(MSG_DONTWAIT) | Int32(truncatingIfNeeded: MSG_TRUNC)
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket.number, $0.baseAddress, $0.count, flags) }
      if count > buffer.count { throw .call("receiving from netlink", SystemError(number: EMSGSIZE)) }
      if count >= 0 {
        guard let messages = NetlinkMessage.wholeMessages(in: buffer, upTo: count) else {
          throw .call("receiving from netlink", SystemError(number: EBADMSG))
        }
        return messages
      }
      let error = SystemError.last
      if error.number == EAGAIN { return nil }
      if error.number != EINTR { throw .call("receiving from netlink", error) }
    }
  }

  /// All waiting messages.
  package mutating func receiveAll() throws(KernelError) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    while let more = try receive() { messages += more }
    return messages
  }

  /// Sends a message without waiting for an answer.
  package mutating func post(_ message: NetlinkMessage) throws(KernelError) {
    var message = message
    message.flags |= NetlinkMessage.Flag.request
    message.sequence = sequence
    sequence &+= 1
    try send(message.bytes)
  }

  /// Sends messages in one datagram, as batches require, and waits until the kernel has acknowledged each.
  package mutating func request(_ messages: [NetlinkMessage], what: String) throws(KernelError) {
    var bytes: [UInt8] = []
    var waiting: Set<UInt32> = []
    for var message in messages {
      message.sequence = sequence
      sequence &+= 1
      message.flags |= NetlinkMessage.Flag.request
      // For rtnetlink, the types of a batch's begin and end are RTM_NEWLINK and RTM_DELLINK.
      let isEnd = message.type == NetlinkMessage.Control.batchBegin || message.type == NetlinkMessage.Control.batchEnd
      if family == .route || !isEnd {
        message.flags |= NetlinkMessage.Flag.acknowledge
        waiting.insert(message.sequence)
      }
      bytes += message.bytes
    }
    try send(bytes)
    while !waiting.isEmpty {
      for answer in try wait(what) {
        guard let error = answer.errorNumber else { continue }
        guard error == 0 else { throw .call(what, SystemError(number: error)) }
        waiting.remove(answer.sequence)
      }
    }
  }

  /// Requests a dump and collects the answers.
  package mutating func dump(_ message: NetlinkMessage, what: String) throws(KernelError) -> [NetlinkMessage] {
    var message = message
    message.flags |= NetlinkMessage.Flag.request | NetlinkMessage.Flag.dump
    message.sequence = sequence
    sequence &+= 1
    try send(message.bytes)
    var found: [NetlinkMessage] = []
    while true {
      for answer in try wait(what) where answer.sequence == message.sequence {
        if answer.type == NetlinkMessage.Control.done { return found }
        if let error = answer.errorNumber { throw .call(what, SystemError(number: error)) }
        found.append(answer)
      }
    }
  }

  /// Requests a dump and passes each answer to `body` as it arrives.
  ///
  /// - Parameter readsAhead: whether another thread receives while `body` processes. Not for programs whose reference counting is not atomic.
  /// - Returns: false if the kernel says that the objects changed while they were dumped (`NLM_F_DUMP_INTR`).
  /// - Throws: `KernelError`, also if the dump ends with an error or does not end.
  package mutating func stream(
    _ message: NetlinkMessage, what: String, readsAhead: Bool = false, _ body: (NetlinkMessage) throws(KernelError) -> Void
  ) throws(KernelError) -> Bool {
    var message = message
    message.flags |= NetlinkMessage.Flag.request | NetlinkMessage.Flag.dump
    message.sequence = sequence
    sequence &+= 1
    try send(message.bytes)
    // Without a further thread the dump is received by this one.
    let ahead = readsAhead ? try? readAhead(what, message.sequence) : nil
    defer { ahead?.stop() }
    var isConsistent = true
    while true {
      let answers = if let ahead { try ahead.next() } else { try wait(what) }
      for answer in answers where answer.sequence == message.sequence {
        if answer.flags & NetlinkMessage.Flag.interrupted != 0 { isConsistent = false }
        if answer.type == NetlinkMessage.Control.done {
          // The end of a dump that failed holds the error.
          if let status = answer.body.hostWord(Int32.self, at: 0), status < 0 {
            throw .call(what, SystemError(number: status == .min ? .max : -status))
          }
          return isConsistent
        }
        if let error = answer.errorNumber { throw .call(what, SystemError(number: error)) }
        try body(answer)
      }
    }
  }

  private func readAhead(_ what: String, _ sequence: UInt32) throws(KernelError) -> NetlinkReadAhead {
    // Its buffer is its own.
    let socket = Mutex(self)
    return try NetlinkReadAhead { () throws(KernelError) in
      try socket.withLock { socket throws(KernelError) in try socket.wait(what) }
    } until: { answers in
      answers.contains { $0.sequence == sequence && ($0.type == NetlinkMessage.Control.done || $0.errorNumber != nil) }
    }
  }

  /// Sends a batch as one datagram, and waits for the acknowledgement of its last message.
  ///
  /// - Parameters:
  ///   - bytes: the messages, of which only the last before the end of the batch asks for an acknowledgement.
  ///   - last: the sequence number of that message.
  ///   - echo: gets the messages of the kernel that precede the acknowledgement.
  /// - Returns: nil after success; otherwise the kernel's error and the sequence number of the first message that it refused.
  package mutating func commit(
    batch bytes: [UInt8], last: UInt32, what: String, echo: (NetlinkMessage) -> Void = { _ in }
  ) throws(KernelError) -> (error: SystemError, sequence: UInt32)? {
    var size = Int32(clamping: bytes.count + 1 << 16)
    let length = socklen_t(MemoryLayout<Int32>.size)
    if unsafe setsockopt(socket.number, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
      _ = unsafe setsockopt(socket.number, SOL_SOCKET, SO_SNDBUF, &size, length)
    }
    try send(bytes)
    while true {
      for answer in try wait(what, milliseconds: 120_000) {
        guard let error = answer.errorNumber else {
          echo(answer)
          continue
        }
        if error != 0 { return (SystemError(number: error), answer.sequence) }
        if answer.sequence == last { return nil }
      }
    }
  }

  /// Requests one object; nil if it does not exist.
  package mutating func get(_ message: NetlinkMessage, what: String) throws(KernelError) -> NetlinkMessage? {
    var message = message
    message.flags |= NetlinkMessage.Flag.request
    message.sequence = sequence
    sequence &+= 1
    try send(message.bytes)
    while true {
      for answer in try wait(what) where answer.sequence == message.sequence {
        guard let error = answer.errorNumber else { return answer }
        if error == ENOENT { return nil }
        throw .call(what, SystemError(number: error))
      }
    }
  }

  /// The kernel answers within the sending call: an answer that does not arrive at once never arrives.
  private mutating func wait(_ what: String, milliseconds: Int32 = 5000) throws(KernelError) -> [NetlinkMessage] {
    var descriptors = [pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)]
    guard unsafe poll(&descriptors, 1, milliseconds) > 0 else { throw .call(what, SystemError(number: ETIMEDOUT)) }
    return try receive() ?? []
  }
}
