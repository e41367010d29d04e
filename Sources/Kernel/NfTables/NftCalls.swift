internal import Glibc

/// The calls of the kernel by which the tables of nf_tables are read and replaced. Tests pass an implementation that fails.
package protocol NftCalls: Sendable {
  /// Reads everything that nf_tables holds.
  ///
  /// - Throws: `KernelError`, also if the kernel has no nf_tables.
  func ruleset() throws(KernelError) -> NftRuleset
  /// Reads everything once.
  ///
  /// - Parameter hasRules: false to read only the tables and chains.
  /// - Returns: nil if the ruleset has another generation: another program has changed it, or does so while it is read.
  func ruleset(at generation: UInt32, hasRules: Bool) throws(KernelError) -> NftRuleset?
  /// Whether the kernel can send back the rules that a transaction adds (`NLM_F_ECHO`), as it has stored them.
  ///
  /// - Parameter size: the size of the transaction in bytes.
  func canEcho(rules: Int, size: Int) -> Bool
  /// Makes a transaction.
  ///
  /// - Parameters:
  ///   - batch: the messages.
  ///   - last: the sequence number of the message that the kernel acknowledges last.
  ///   - echo: gets the messages that the kernel sends back for those with `NLM_F_ECHO`, after it has made the transaction.
  /// - Returns: nil after success; otherwise the kernel's error and the number of the first message that it refused.
  /// - Throws: `KernelError` if it is not known whether the kernel has made the transaction.
  func commit(
    _ batch: [UInt8], last: UInt32, echo: (NetlinkMessage) -> Void
  ) throws(KernelError) -> (error: SystemError, sequence: UInt32)?
}

/// The running kernel, in the network namespace of the calling thread.
package struct KernelNftCalls: NftCalls {
  package init() {}

  package func ruleset() throws(KernelError) -> NftRuleset {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    return ruleset
  }

  package func ruleset(at generation: UInt32, hasRules: Bool) throws(KernelError) -> NftRuleset? {
    try NftReader.read(at: generation, hasRules: hasRules)
  }

  /// What the kernel allocates for each echo until the transaction is made, in bytes: a page and the head of a socket buffer.
  private static let echoMemory = 4600

  package func canEcho(rules: Int, size: Int) -> Bool {
    guard let free = HostMemory.available, rules * Self.echoMemory <= free / 4 else { return false }
    return (try? NetlinkSocket(.netfilter, receiveBuffer: Self.echoBuffer(size)).receiveBuffer >= Self.echoBuffer(size)) ?? false
  }

  /// The receive buffer that holds the echoes of a transaction: they are all sent before the first is received. An echo has a few
  /// attributes more than what was sent, and the kernel counts the unused part of its socket buffers.
  private static func echoBuffer(_ size: Int) -> Int { 4 * size + 1 << 20 }

  package func commit(
    _ batch: [UInt8], last: UInt32, echo: (NetlinkMessage) -> Void
  ) throws(KernelError) -> (error: SystemError, sequence: UInt32)? {
    var socket = try NetlinkSocket(.netfilter, receiveBuffer: Self.echoBuffer(batch.count))
    return try socket.commit(batch: batch, last: last, what: "committing to nf_tables", echo: echo)
  }
}
