internal import CNetfilter
internal import Glibc
public import Wire

/// A table in the kernel's form: consecutive entries, and the offsets where the hooks' chains begin and end.
///
/// The corresponding kernel structures are `ipt_getinfo` and `ipt_get_entries`, or `ip6t_getinfo` and `ip6t_get_entries`.
public struct RawTable: Sendable, Equatable {
  /// The family of the table.
  public var family: AddressFamily
  /// The table's name, less than 32 bytes.
  public var name: String
  /// A bit for each hook that the table has, `1 << NF_INET_*`.
  public var validHooks: UInt32
  /// The byte offset of each hook's first entry, by hook number. Undefined for hooks outside `validHooks`.
  public var hookEntries: [UInt32]
  /// The byte offset of each hook's policy entry, by hook number. Undefined for hooks outside `validHooks`.
  public var underflows: [UInt32]
  /// The number of entries.
  public var entryCount: Int
  /// The entries, `ipt_entry` or `ip6t_entry` with matches and targets, in the machine's byte order.
  public var entries: [UInt8]

  /// Creates a table from the fields of `ipt_replace`.
  public init(
    family: AddressFamily, name: String, validHooks: UInt32, hookEntries: [UInt32], underflows: [UInt32], entryCount: Int,
    entries: [UInt8]
  ) {
    self.family = family
    self.name = name
    self.validHooks = validHooks
    self.hookEntries = hookEntries
    self.underflows = underflows
    self.entryCount = entryCount
    self.entries = entries
  }

  static func level(_ family: AddressFamily) -> Int32 { family == .ipv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6) }

  /// The numbers of the socket options. Only the last two differ between the families.
  enum Option {
    static let info: Int32 = 64, entries: Int32 = 65, replace: Int32 = 64, addCounters: Int32 = 65
    static func revisionOfMatch(_ family: AddressFamily) -> Int32 { family == .ipv4 ? 66 : 68 }
    static func revisionOfTarget(_ family: AddressFamily) -> Int32 { family == .ipv4 ? 67 : 69 }
  }

  /// A raw socket of the family, for the socket options of its tables.
  static func socket(_ family: AddressFamily) throws(KernelError) -> FileDescriptor {
    let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = Glibc.socket(family == .ipv4 ? AF_INET : AF_INET6, type, Int32(IPPROTO_RAW))
    guard descriptor >= 0 else { throw .call("opening a raw socket") }
    return FileDescriptor(descriptor)
  }

  /// The table without its entries, and the size of the entries in bytes.
  static func info(_ family: AddressFamily, _ name: String, over socket: FileDescriptor) throws(KernelError) -> (RawTable, Int) {
    guard name.utf8.count < 32 else { throw KernelError(.malformed("this is not a valid table name"), family: family, table: name) }
    var request = Array(name.utf8) + [UInt8](repeating: 0, count: 84 - name.utf8.count)
    if let error = get(socket, level(family), Option.info, &request) {
      throw KernelError(.cannotRead, family: family, table: name, error: error)
    }
    let words = (0..<13).map { request.hostWord(UInt32.self, at: 32 + 4 * $0) ?? 0 }
    let table = RawTable(
      family: family, name: name, validHooks: words[0], hookEntries: Array(words[1...5]), underflows: Array(words[6...10]),
      entryCount: Int(words[11]), entries: [])
    return (table, Int(words[12]))
  }

  static func info(_ family: AddressFamily, _ name: String) throws(KernelError) -> (RawTable, Int) {
    try info(family, name, over: try socket(family))
  }

  /// Reads a table with its counters.
  ///
  /// - Throws: `KernelError` if the kernel has no such table or denies access.
  public static func read(_ family: AddressFamily, _ name: String) throws(KernelError) -> RawTable {
    try read(family, name, over: try socket(family))
  }

  static func read(_ family: AddressFamily, _ name: String, over socket: FileDescriptor) throws(KernelError) -> RawTable {
    // If another program changes the table between the two calls, the size does not match and both are repeated.
    for attempt in 0... {
      var (table, size) = try info(family, name, over: socket)
      var request = [UInt8](repeating: 0, count: 40 + size)
      request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
      request.setHostWord(UInt32(truncatingIfNeeded: size), at: 32)
      if let error = get(socket, level(family), Option.entries, &request) {
        if error.number == EAGAIN, attempt < 10 { continue }
        throw KernelError(.cannotRead, family: family, table: name, error: error)
      }
      request.removeFirst(40)
      table.entries = request
      return table
    }
    throw KernelError(.cannotRead, family: family, table: name)
  }

  /// Replaces the kernel's table by this one. Counters start at 0, whatever the entries say.
  ///
  /// - Throws: `KernelError` if the kernel refuses the table.
  public func replace() throws(KernelError) { try replace(over: try RawTable.socket(family)) }

  func replace(over socket: FileDescriptor) throws(KernelError) {
    let (old, _) = try RawTable.info(family, name, over: socket)
    // The kernel writes the counters of the replaced entries into this buffer.
    var counters = [UInt64](repeating: 0, count: 2 * max(old.entryCount, 1))
    let failure: SystemError? = unsafe counters.withUnsafeMutableBytes { buffer in
      var bytes = Array(name.utf8) + [UInt8](repeating: 0, count: 32 - name.utf8.count)
      bytes.reserveCapacity(96 + entries.count)
      bytes.appendHostWord(validHooks)
      bytes.appendHostWord(UInt32(truncatingIfNeeded: entryCount))
      bytes.appendHostWord(UInt32(truncatingIfNeeded: entries.count))
      for word in hookEntries + underflows { bytes.appendHostWord(word) }
      bytes.appendHostWord(UInt32(truncatingIfNeeded: old.entryCount))
      bytes.appendHostWord(UInt64(UInt(bitPattern: buffer.baseAddress)))
      bytes += entries
      let result = unsafe bytes.withUnsafeBytes {
        unsafe setsockopt(socket.number, RawTable.level(family), Option.replace, $0.baseAddress, socklen_t($0.count))
      }
      return result == 0 ? nil : .last
    }
    if let failure { throw KernelError(.refused, family: family, table: name, error: failure) }
  }

  /// Calls getsockopt(2); the buffer's first bytes are the request.
  static func get(_ socket: FileDescriptor, _ level: Int32, _ option: Int32, _ buffer: inout [UInt8]) -> SystemError? {
    var length = socklen_t(buffer.count)
    let result = unsafe buffer.withUnsafeMutableBytes { unsafe getsockopt(socket.number, level, option, $0.baseAddress, &length) }
    return result == 0 ? nil : .last
  }
}

/// Asks which matches and targets the kernel has.
public struct ExtensionProbe: Sendable {
  /// The kind of an extension.
  public enum Kind: Sendable, Hashable { case match, target }

  /// The kernel's answer.
  public enum Answer: Sendable, Equatable {
    case has
    /// The kernel has the extension, but not in this revision.
    case otherRevision
    case lacks
    case failed(SystemError)
  }

  /// Creates a probe of the calling thread's network namespace.
  public init() {}

  /// Asks whether the kernel has an extension in a revision. The kernel loads the module if needed.
  public func has(_ kind: Kind, _ name: String, revision: UInt8, _ family: AddressFamily) -> Answer {
    guard name.utf8.count < 29, let socket = try? RawTable.socket(family) else { return .failed(.last) }
    var request = Array(name.utf8) + [UInt8](repeating: 0, count: 29 - name.utf8.count) + [revision]
    let option = kind == .match ? RawTable.Option.revisionOfMatch(family) : RawTable.Option.revisionOfTarget(family)
    guard let error = RawTable.get(socket, RawTable.level(family), option, &request) else { return .has }
    return switch error.number {
    case ENOENT: .lacks
    case EPROTONOSUPPORT: .otherRevision
    default: .failed(error)
    }
  }
}
