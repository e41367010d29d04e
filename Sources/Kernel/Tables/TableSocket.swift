internal import CNetfilter
package import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// The socket options by which ip_tables and ip6_tables pass whole tables, and a raw socket to use them on.
///
/// The corresponding kernel structures are `ipt_getinfo`, `ipt_get_entries`, `ipt_replace` and `xt_counters_info`, and those of ip6_tables.
struct TableSocket {
  private let descriptor: FileDescriptor
  let family: Family

  /// The numbers of the socket options. Only the last two differ between the families.
  private enum Option {
    static let info: Int32 = 64, entries: Int32 = 65, replace: Int32 = 64, addCounters: Int32 = 65
    static func revisionOfMatch(_ family: Family) -> Int32 { family == .ipv4 ? 66 : 68 }
    static func revisionOfTarget(_ family: Family) -> Int32 { family == .ipv4 ? 67 : 69 }
  }

  /// Opens a raw socket in the calling thread's network namespace.
  init(_ family: Family) throws(KernelError) {
    let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, type, Int32(IPPROTO_RAW))
    guard descriptor >= 0 else { throw .call("opening a raw socket") }
    self.descriptor = FileDescriptor(descriptor)
    self.family = family
  }

  private var level: Int32 { family == .ipv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6) }

  /// The fields of `ipt_getinfo`.
  private struct Info {
    var validHooks: UInt32
    var hookEntries: [UInt32]
    var underflows: [UInt32]
    var entryCount: Int
    /// The size of all entries in bytes.
    var size: Int
  }

  private func info(_ name: TableName) throws(KernelError) -> Info {
    var request = Self.padded(name.rawValue, to: 84)
    if let error = get(Option.info, &request) { throw KernelError(.cannotRead, family: family, table: name.rawValue, error: error) }
    let words = (0..<13).map { request.word(UInt32.self, at: 32 + 4 * $0) ?? 0 }
    return Info(
      validHooks: words[0], hookEntries: Array(words[1...5]), underflows: Array(words[6...10]), entryCount: Int(words[11]),
      size: Int(words[12]))
  }

  /// Whether the kernel has a table. If it is not in use yet, it is created.
  func has(_ name: TableName) -> Bool { (try? info(name)) != nil }

  /// Reads a table with its counters.
  func read(_ name: TableName) throws(KernelError) -> TableBlob {
    // If another program changes the table between the two calls, the size does not match and both are repeated.
    for attempt in 0... {
      let info = try info(name)
      var request = Self.padded(name.rawValue, to: 40 + info.size)
      request.put(UInt32(truncatingIfNeeded: info.size), at: 32)
      if let error = get(Option.entries, &request) {
        if error.number == EAGAIN, attempt < 10 { continue }
        throw KernelError(.cannotRead, family: family, table: name.rawValue, error: error)
      }
      request.removeFirst(40)
      return TableBlob(
        name: name, family: family, validHooks: info.validHooks, hookEntries: info.hookEntries, underflows: info.underflows,
        entryCount: info.entryCount, entries: request)
    }
    throw KernelError(.cannotRead, family: family, table: name.rawValue)
  }

  /// Replaces the kernel's table by this one. Counters start at 0, whatever the entries say.
  func replace(_ table: TableBlob) throws(KernelError) {
    let old = try info(table.name)
    // The kernel writes the counters of the replaced entries into this buffer.
    var counters = [UInt64](repeating: 0, count: 2 * max(old.entryCount, 1))
    let failure: SystemError? = unsafe counters.withUnsafeMutableBytes { buffer in
      refusal(of: table, entryCount: old.entryCount, oldCounters: UInt(bitPattern: buffer.baseAddress))
    }
    if let failure { throw KernelError(.refused, family: family, table: table.name.rawValue, error: failure) }
  }

  /// Replaces the kernel's table, which must have `entryCount` entries, and writes their counters to an address.
  func replace(_ table: TableBlob, entryCount: Int, oldCounters: UInt) throws(KernelError) {
    if let failure = refusal(of: table, entryCount: entryCount, oldCounters: oldCounters) {
      throw KernelError(.refused, family: family, table: table.name.rawValue, error: failure)
    }
  }

  private func refusal(of table: TableBlob, entryCount: Int, oldCounters: UInt) -> SystemError? {
    var bytes = table.replaceHeader
    bytes.reserveCapacity(bytes.count + table.entries.count)
    bytes.put(UInt32(truncatingIfNeeded: entryCount), at: TableBlob.countersOffset)
    bytes.put(UInt64(oldCounters), at: TableBlob.countersOffset + 4)
    bytes += table.entries
    return set(Option.replace, bytes)
  }

  /// Adds counters to those of the kernel's table, which must have the entries of this one.
  func add(_ counters: [Counters], to table: TableBlob) throws(KernelError) {
    var bytes = Self.padded(table.name.rawValue, to: 40)
    bytes.reserveCapacity(40 + 16 * counters.count)
    bytes.put(UInt64(counters.count), at: 32)
    for counter in counters {
      bytes.appendHostWord(counter.packets)
      bytes.appendHostWord(counter.bytes)
    }
    if let error = set(Option.addCounters, bytes) {
      throw KernelError(.refused, family: family, table: table.name.rawValue, error: error)
    }
  }

  /// Asks for a match or target in a revision; nil if the kernel has it.
  func refusal(of kind: ExtensionProbe.Kind, _ name: String, revision: UInt8) -> SystemError? {
    var request = Self.padded(name, to: 29) + [revision]
    return get(kind == .match ? Option.revisionOfMatch(family) : Option.revisionOfTarget(family), &request)
  }

  private static func padded(_ name: String, to size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    bytes.replaceSubrange(0..<name.utf8.count, with: name.utf8)
    return bytes
  }

  /// Calls getsockopt(2); the buffer's first bytes are the request.
  private func get(_ option: Int32, _ buffer: inout [UInt8]) -> SystemError? {
    var length = socklen_t(buffer.count)
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe getsockopt(descriptor.number, level, option, $0.baseAddress, &length)
    }
    return result == 0 ? nil : .last
  }

  /// Calls setsockopt(2).
  private func set(_ option: Int32, _ bytes: [UInt8]) -> SystemError? {
    let result = unsafe bytes.withUnsafeBytes {
      unsafe setsockopt(descriptor.number, level, option, $0.baseAddress, socklen_t($0.count))
    }
    return result == 0 ? nil : .last
  }
}

extension KernelError {
  /// The error of a table whose entries cannot be decoded.
  package init(_ error: DecompileError, in table: TableBlob) {
    self.init(.malformed("the entry at offset \(error.offset) \(error.message)"), family: table.family, table: table.name.rawValue)
  }
}
