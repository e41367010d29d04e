internal import Glibc

/// One transaction of nf_tables, as the kernel announces it after the commit (`NFT_MSG_NEWGEN`, sent by `nf_tables_gen_notify`).
public struct NftCommit: Sendable, Hashable, Encodable {
  /// The name of the program (`task_struct.comm`, at most 15 bytes).
  public let program: String
  /// The number of its process.
  public let process: UInt32
  /// The tables of which a part was added, changed or removed, such as `ip filter`, in alphabetical order.
  public let tables: [String]

  /// Whether it changed a table, named as in ``tables``.
  public func touches(_ table: String) -> Bool { tables.contains(table) }
}

/// The transactions of nf_tables in the network namespace of the thread that began to listen.
public struct NftEvents {
  private var socket: NetlinkSocket
  private var assembly = NftCommitAssembly()
  /// `NFNLGRP_NFTABLES`.
  private static let group: Int32 = 7

  /// Begins to listen.
  public init() throws(KernelError) {
    socket = try NetlinkSocket(.netfilter, receiveBuffer: 32 << 20)
    try socket.join(group: Self.group)
  }

  /// The transactions since the last call. Waits for one if there is none.
  ///
  /// - Returns: nil if some were lost, because there were more than the socket could hold.
  /// - Throws: `KernelError` if the socket fails.
  public mutating func next(waiting milliseconds: Int32) throws(KernelError) -> [NftCommit]? {
    var descriptors = [pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)]
    guard unsafe poll(&descriptors, 1, milliseconds) > 0 else { return [] }
    do throws(KernelError) {
      return try socket.receiveAll().compactMap { assembly.add($0) }
    } catch {
      guard error.error?.number == ENOBUFS else { throw error }
      assembly = NftCommitAssembly()
      return nil
    }
  }
}

/// Puts the messages of a transaction together: its objects come first, then the program.
package struct NftCommitAssembly: Sendable {
  private var tables: Set<String> = []
  /// The greatest number of tables that are noted of one transaction.
  private static let mostTables = 1024

  package init() {}

  /// Adds a message.
  ///
  /// - Returns: the transaction, if the message ends it.
  package mutating func add(_ message: NetlinkMessage) -> NftCommit? {
    guard message.type >> 8 == UInt16(NftNumber.subsystem), message.body.count >= 4 else { return nil }
    let content = message.body[4...]
    guard UInt8(message.type & 0xff) == NftNumber.Message.newGeneration else {
      // In tables, chains, rules, sets and other objects, the first attribute names the table.
      NftParser.attributes(content) { type, payload in
        guard type == NftNumber.Named.table, let name = NftParser.text(payload), tables.count < Self.mostTables else { return }
        tables.insert("\(NftNumber.families[message.body[0]] ?? "family \(message.body[0])") \(name)")
      }
      return nil
    }
    let fields = NftParser.Fields(content)
    defer { tables = [] }
    return NftCommit(
      program: fields.text(NftNumber.Generation.program) ?? "?", process: fields.number32(NftNumber.Generation.process) ?? 0,
      tables: tables.sorted())
  }
}
