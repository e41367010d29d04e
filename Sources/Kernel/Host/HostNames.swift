internal import CNetfilter
internal import Glibc
import Wire
public import XTables

extension NameDatabase {
  /// ``system``, plus hosts and networks resolved by `gethostbyname(3)` and `getnetbyname(3)`.
  public static let systemResolvingHosts = NameDatabase.system.resolving(
    addresses: HostNames.addresses, name: HostNames.name)
}

/// Resolves hosts and networks by name. The corresponding C functions are `ipparse_hostnetwork` and `ipaddr_to_host`.
private enum HostNames {
  @Sendable static func addresses(_ name: String, _ family: Family) -> [UInt128] {
    if family == .ipv4, let network = network(name) { return [network] }
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = family == .ipv4 ? AF_INET : AF_INET6
    unsafe hints.ai_socktype = Int32(SOCK_RAW.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
    defer { unsafe freeaddrinfo(list) }
    var result: [UInt128] = []
    var next = unsafe list
    while let entry = unsafe next {
      unsafe next = entry.pointee.ai_next
      guard let address = unsafe UnsafeRawPointer(entry.pointee.ai_addr) else { continue }
      let (offset, length) = family == .ipv4 ? (4, 4) : (8, 16)
      guard unsafe Int(entry.pointee.ai_addrlen) >= offset + length else { continue }
      let bytes = unsafe UnsafeRawBufferPointer(start: address + offset, count: length)
      let number = unsafe bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
      if !result.contains(number) { result.append(number) }
    }
    return result
  }

  private static func network(_ name: String) -> UInt128? {
    guard let entry = unsafe getnetbyname(name), unsafe entry.pointee.n_addrtype == AF_INET else { return nil }
    return unsafe UInt128(entry.pointee.n_net)
  }

  @Sendable static func name(_ address: UInt128, _ family: Family) -> String? {
    var storage = sockaddr_storage()
    let length = family == .ipv4 ? 4 : 16
    let offset = family == .ipv4 ? 4 : 8
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    storage.ss_family = sa_family_t(family == .ipv4 ? AF_INET : AF_INET6)
    let size = family == .ipv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
    let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      for index in 0..<length {
        unsafe bytes[offset + index] = UInt8(truncatingIfNeeded: address >> UInt128(8 * (length - 1 - index)))
      }
      guard let base = bytes.baseAddress else { return EAI_FAIL }
      return unsafe getnameinfo(
        base.assumingMemoryBound(to: sockaddr.self), socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NAMEREQD)
    }
    return result == 0 ? String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}
