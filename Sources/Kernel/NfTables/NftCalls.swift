internal import Glibc

/// The calls of the kernel by which the tables of nf_tables are read and replaced. Tests pass an implementation that fails.
package protocol NftCalls: Sendable {
  /// Reads everything that nf_tables holds.
  ///
  /// - Throws: `KernelError`, also if the kernel has no nf_tables.
  func ruleset() throws(KernelError) -> NftRuleset
  /// Reads everything once.
  ///
  /// - Returns: nil if the ruleset has another generation: another program has changed it, or does so while it is read.
  func ruleset(at generation: UInt32) throws(KernelError) -> NftRuleset?
  /// Makes a transaction.
  ///
  /// - Parameters:
  ///   - batch: the messages.
  ///   - last: the sequence number of the message that the kernel acknowledges last.
  /// - Returns: nil after success; otherwise the kernel's error and the number of the first message that it refused.
  /// - Throws: `KernelError` if it is not known whether the kernel has made the transaction.
  func commit(_ batch: [UInt8], last: UInt32) throws(KernelError) -> (error: SystemError, sequence: UInt32)?
}

/// The running kernel, in the network namespace of the calling thread.
package struct KernelNftCalls: NftCalls {
  package init() {}

  package func ruleset() throws(KernelError) -> NftRuleset {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    return ruleset
  }

  package func ruleset(at generation: UInt32) throws(KernelError) -> NftRuleset? { try NftReader.read(at: generation) }

  package func commit(_ batch: [UInt8], last: UInt32) throws(KernelError) -> (error: SystemError, sequence: UInt32)? {
    var socket = try NetlinkSocket(.netfilter)
    return try socket.commit(batch: batch, last: last, what: "committing to nf_tables")
  }
}
