import Compiler
import Extensions
import Glibc
import Kernel
import TestSupport
import Testing
import Wire
import XTables

/// Two rulesets of both families between which tests change, in three tables each. Some rules are in both.
enum TwoRulesets {
  static func text(_ version: String, rules count: Int = 30) -> String {
    func many(_ chain: String, _ target: String) -> String {
      (0..<count).map { "-A \(chain) -p tcp -m tcp --dport \(1000 + $0) -m comment --comment \(version) -j \(target)\n" }.joined()
    }
    return """
      *raw
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A OUTPUT -p udp -m udp --dport 9 -m comment --comment kept
      \(many("PREROUTING", "ACCEPT"))COMMIT
      *mangle
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      \(many("FORWARD", "MARK --set-mark 7"))-A OUTPUT -p udp -m udp --dport 9 -m comment --comment kept
      COMMIT
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :user-\(version) - [0:0]
      -A OUTPUT -j user-\(version)
      \(many("user-\(version)", "DROP"))-A OUTPUT -p udp -m udp --dport 9 -m comment --comment kept
      COMMIT

      """
  }

  /// The compiled tables of both families.
  static func blobs(_ version: String, rules count: Int = 30) throws -> [TableBlob] {
    try [Family.ipv4, .ipv6].flatMap { try tables(text(version, rules: count), $0) }.map { TableCompiler().compile($0) }
  }

  /// Which of the two the kernel holds, whole: its version; nil for a mixture.
  static func version(_ candidates: [String: [TableBlob]], in kernel: some KernelTables = LegacyTables()) throws -> String? {
    for (version, wanted) in candidates.sorted(by: { $0.key < $1.key }) {
      let isLoaded = try wanted.allSatisfy { table in
        let live = try kernel.table(table.family, table.name)
        return try EntryKeys.areSame(live, table, .ferrule)
      }
      if isLoaded { return version }
    }
    return nil
  }

  /// The packets that each kept rule has counted, by table.
  static func keptPackets(in kernel: some KernelTables = LegacyTables()) throws -> [String: UInt64] {
    var found: [String: UInt64] = [:]
    for family in [Family.ipv4, .ipv6] {
      for name in [TableName.raw, .mangle, .filter] {
        let table = try kernel.table(family, name).typed(.ferrule)
        let last = table[chain: "OUTPUT"]?.rules.first { $0.header.protocolNumber == 17 }
        found["\(family) \(name)"] = last?.counters.packets
      }
    }
    return found
  }
}

extension ReplaceOptions {
  /// The options of `ferrule apply`.
  init(recordedIn state: StateDirectory?) {
    self.init(comparison: .ferrule)
    carriesCounters = .ferrule
    self.state = state
  }
}

/// A folder that is deleted in the end.
struct TemporaryFolder: ~Copyable {
  let path: String

  /// - Parameter isInMemory: true if nothing is to wait for a disk.
  init(isInMemory: Bool = false) throws {
    path = "\(isInMemory ? "/dev/shm" : "/tmp")/ferrule-change-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try #require(unsafe mkdir(path, 0o700) == 0)
  }

  deinit { _ = try? HostProcess.run("rm", ["-rf", path]) }
}

/// A process that a test starts in the namespace of its thread, and signals.
struct StartedProcess {
  let number: pid_t

  init(_ program: String, _ arguments: [String]) throws {
    var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { while let word = unsafe words.popLast() { unsafe free(word) } }
    // The threads of the tests block signals.
    var attributes = posix_spawnattr_t()
    var signals = sigset_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var number: pid_t = 0
    let failure = unsafe posix_spawn(&number, program, nil, &attributes, &words, environ)
    try #require(failure == 0, "\(program)")
    self.number = number
  }

  func signal(_ signal: Int32) { kill(number, signal) }

  /// Waits for its end; true if it was ended by a signal.
  @discardableResult func wait() -> Bool {
    var status: Int32 = 0
    while unsafe waitpid(number, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f != 0
  }
}

/// A socket that sends UDP packets to port 9 of the loopback interface.
struct LoopbackSender {
  private let sockets: [Int32]

  init() throws {
    _ = try HostProcess.run("ip", ["link", "set", "lo", "up"])
    sockets = [AF_INET, AF_INET6].map { socket($0, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }
  }

  /// Sends a packet of each family.
  func send() {
    var four = sockaddr_in()
    four.sin_family = sa_family_t(AF_INET)
    four.sin_port = UInt16(9).bigEndian
    four.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var six = sockaddr_in6()
    six.sin6_family = sa_family_t(AF_INET6)
    six.sin6_port = UInt16(9).bigEndian
    unsafe withUnsafeMutableBytes(of: &six.sin6_addr) { unsafe $0[15] = 1 }
    unsafe withUnsafeBytes(of: &four) { bytes in
      _ = unsafe sendto(
        sockets[0], bytes.baseAddress, 1, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    unsafe withUnsafeBytes(of: &six) { bytes in
      _ = unsafe sendto(
        sockets[1], bytes.baseAddress, 1, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }

  func close() { for socket in sockets { Glibc.close(socket) } }
}
