internal import Glibc
public import Wire

/// A system call's error number.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The `errno` value.
  public var number: Int32

  /// Creates an error from an `errno` value.
  public init(number: Int32) { self.number = number }

  /// The calling thread's `errno`.
  static var last: SystemError { SystemError(number: errno) }

  private static let names: [Int32: String] = [
    EPERM: "EPERM", ENOENT: "ENOENT", EINTR: "EINTR", EIO: "EIO", ENXIO: "ENXIO", E2BIG: "E2BIG", EBADF: "EBADF", EAGAIN: "EAGAIN",
    ENOMEM: "ENOMEM", EACCES: "EACCES", EFAULT: "EFAULT", EBUSY: "EBUSY", EEXIST: "EEXIST", ENODEV: "ENODEV", ENOTDIR: "ENOTDIR",
    EINVAL: "EINVAL", EMFILE: "EMFILE", ENFILE: "ENFILE", EFBIG: "EFBIG", ENOSPC: "ENOSPC", EROFS: "EROFS", EPIPE: "EPIPE",
    ERANGE: "ERANGE", ENAMETOOLONG: "ENAMETOOLONG", ENOSYS: "ENOSYS", ENOTEMPTY: "ENOTEMPTY", ELOOP: "ELOOP", ENODATA: "ENODATA",
    EOVERFLOW: "EOVERFLOW", EMSGSIZE: "EMSGSIZE", ENOPROTOOPT: "ENOPROTOOPT", EPROTONOSUPPORT: "EPROTONOSUPPORT",
    ESOCKTNOSUPPORT: "ESOCKTNOSUPPORT", EOPNOTSUPP: "EOPNOTSUPP", EAFNOSUPPORT: "EAFNOSUPPORT", EADDRINUSE: "EADDRINUSE",
    EADDRNOTAVAIL: "EADDRNOTAVAIL", ENETDOWN: "ENETDOWN", ENETUNREACH: "ENETUNREACH", ECONNABORTED: "ECONNABORTED",
    ECONNRESET: "ECONNRESET", ENOBUFS: "ENOBUFS", EISCONN: "EISCONN", ENOTCONN: "ENOTCONN", ETIMEDOUT: "ETIMEDOUT",
    ECONNREFUSED: "ECONNREFUSED", EHOSTDOWN: "EHOSTDOWN", EHOSTUNREACH: "EHOSTUNREACH", EALREADY: "EALREADY",
    EINPROGRESS: "EINPROGRESS", ESTALE: "ESTALE", EDESTADDRREQ: "EDESTADDRREQ", ESRCH: "ESRCH",
  ]

  /// True for `EINVAL`.
  public var isInvalidArgument: Bool { number == EINVAL }
  /// True for `EAGAIN`.
  public var isTryAgain: Bool { number == EAGAIN }

  /// The symbol, such as `EPERM`; `errno 524` for numbers without one.
  public var name: String { SystemError.names[number] ?? "errno \(number)" }

  /// The C library's text, `strerror_r(3)`.
  public var text: String {
    var buffer = [CChar](repeating: 0, count: 256)
    let isKnown = unsafe buffer.withUnsafeMutableBufferPointer {
      unsafe strerror_r(number, $0.baseAddress ?? UnsafeMutablePointer(bitPattern: 1)!, $0.count) == 0
    }
    guard isKnown else { return name }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Text and symbol, such as `Operation not permitted (EPERM)`.
  public var description: String { "\(text) (\(name))" }
}

/// A rule, by its chain and its number in it.
public struct RuleReference: Sendable, Hashable, CustomStringConvertible {
  /// The chain's name.
  public var chain: String
  /// The rule's number in the chain, from 1.
  public var rule: Int

  /// Creates a reference; `rule` counts from 1.
  public init(chain: String, rule: Int) {
    self.chain = chain
    self.rule = rule
  }

  /// For messages: `chain INPUT, rule 3`.
  public var description: String { "chain \(chain), rule \(rule)" }
}

/// An operation that the kernel refused or that failed on the way to it.
public struct KernelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was being done.
  public enum Reason: Sendable, Equatable {
    /// Opening or reading a table.
    case cannotRead
    /// Committing a table.
    case refused
    /// The table read back differs from the table committed; the text names the first difference.
    case readsBackOtherwise(String)
    /// The request cannot be expressed to the kernel; the text says why.
    case malformed(String)
    /// Another process held the lock for the whole waiting time; `holder` describes it, if the kernel tells which it is.
    case locked(path: String, holder: String?)
    /// The kernel has no nf_tables.
    case noNfTables
    /// Reading or writing a file of the user; the text names both.
    case file(String)
    /// Another program changed the table between reading and replacing it.
    case changedMeanwhile
    /// Any other system call; the text names it.
    case call(String)
  }
  /// What was being done when the error occurred.
  public var reason: Reason
  /// The family of the table, if a table is concerned.
  public var family: Family?
  /// The table, if one is concerned.
  public var table: String?
  /// The refused rule, if it was found.
  public var rule: RuleReference?
  /// The system call's error, if there is one.
  public var error: SystemError?
  /// libiptc's text for the error.
  public var message: String?
  /// Tables that were replaced before the error and could not be restored, each with the error that prevented it.
  public var notRestored: [String] = []

  /// Creates an error; every detail is optional.
  public init(
    _ reason: Reason, family: Family? = nil, table: String? = nil, rule: RuleReference? = nil, error: SystemError? = nil,
    message: String? = nil
  ) {
    self.reason = reason
    self.family = family
    self.table = table
    self.rule = rule
    self.error = error
    self.message = message
  }

  static func call(_ name: String, _ error: SystemError = .last) -> KernelError {
    KernelError(.call(name), error: error)
  }

  static func file(_ name: String, _ error: SystemError = .last) -> KernelError {
    KernelError(.file(name), error: error)
  }

  /// Whether the same call may succeed if it is repeated: another program changed the table, or memory was short.
  var isTransient: Bool { error.map { [EAGAIN, ENOBUFS, ENOMEM, EINTR].contains($0.number) } ?? false }

  /// One line: the place, the failure, and the system's error.
  public var description: String {
    var line = ""
    if let table { line += "\(family == .ipv6 ? "IPv6 " : "")table \(table)" }
    if let rule { line += (line.isEmpty ? "" : ", ") + "\(rule)" }
    if !line.isEmpty { line += ": " }
    switch reason {
    case .cannotRead: line += "cannot be read"
    case .refused: line += "the kernel refused the table"
    case .readsBackOtherwise(let text): line += "the loaded table differs from the file: \(text)"
    case .malformed(let text): line += text
    case .noNfTables: line += "the kernel has no nf_tables"
    case .locked(let path, let holder): line += "\(holder ?? "another process") holds the lock \(path)"
    case .changedMeanwhile: line += "another program changed the table in the meantime"
    case .file(let name), .call(let name): line += "\(name) failed"
    }
    if let error { line += ": \(error)" }
    if !notRestored.isEmpty { line += "; not restored: " + notRestored.joined(separator: ", ") }
    return line
  }

  /// A sentence that says what to do about the error.
  public var advice: String {
    switch reason {
    case .locked: return "Wait until the other process has ended, or increase --wait."
    case .malformed: return "Nothing was changed. Correct the named error and try again."
    case .noNfTables: return "Use --backend legacy, or load the module nf_tables."
    case .readsBackOtherwise:
      return
        "The previous tables were restored. Either another program changed the table at the same time, or an extension has private data that the comparison does not know."
    case .changedMeanwhile: return "Nothing was changed. Look at what the other program did, and try again."
    case .cannotRead, .refused, .file, .call: break
    }
    switch error?.number {
    case EPERM, EACCES: return "Run the command as root, or with CAP_NET_ADMIN and CAP_NET_RAW in this network namespace; or use --sandbox."
    case ENOENT:
      return reason == .cannotRead
        ? "The kernel has no such table. Load its module (iptable_\(table ?? "filter"), ip6table_\(table ?? "filter")) or build it in."
        : "The kernel lacks a match, target or revision that the rule asks for, or a set, an accounting object, an estimator or a conntrack helper (for the protocol of -p) that it names; load its module, or make the object first."
    case EINVAL:
      return
        "A match or target of the kernel refused its options. Check the hooks, the protocol and the options that it allows; the kernel's log (dmesg) may have details."
    case ELOOP:
      return
        "The jumps between chains form a loop; remove one of these jumps. The kernel also reports this error for a target in a place where it is not allowed."
    case ENOMEM:
      return "The kernel has not enough memory for the table. Make the table smaller, or raise the memory limit of the control group."
    case EEXIST, EBUSY: return "An object of this name exists or is in use. Try again when it is no longer used."
    case EAGAIN: return "Another program changed the table at the same time. Try again."
    case ENOPROTOOPT: return "The kernel has no iptables support for this family. Load the module ip_tables or ip6_tables."
    case EOPNOTSUPP, EPROTONOSUPPORT:
      return "The kernel has the match or target, but not this revision of it, or not in this place. Use an older form of the rule."
    default: return "See the kernel's log (dmesg)."
    }
  }
}
