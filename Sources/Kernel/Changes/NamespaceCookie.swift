internal import Glibc

extension NetworkNamespace {
  /// The number of the calling thread's network namespace: `SO_NETNS_COOKIE`, which no other namespace gets until the next boot. Before Linux
  /// 5.14 the number of its file, which another one may get later.
  package static func cookie() throws(KernelError) -> UInt64 {
    let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw .call("opening a socket") }
    defer { close(number) }
    var cookie: UInt64 = 0
    var length = socklen_t(MemoryLayout<UInt64>.size)
    let cookieOption: Int32 = 71
    if unsafe getsockopt(number, SOL_SOCKET, cookieOption, &cookie, &length) == 0 { return cookie }
    var facts = stat()
    guard unsafe stat("/proc/thread-self/ns/net", &facts) == 0 else { throw .call("asking for the network namespace") }
    return UInt64(facts.st_ino)
  }
}
