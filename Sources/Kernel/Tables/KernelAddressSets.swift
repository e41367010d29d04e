internal import CNetfilter
internal import Glibc
internal import Wire
import XTables

/// Looks up ipsets as iptables does: through the socket option `SO_IP_SET`.
enum KernelAddressSets {
  /// `SO_IP_SET` and the operations of `ip_set.h`.
  private enum Number {
    static let option: Int32 = 83
    static let version: UInt32 = 0x100
    static let byIndex: UInt32 = 0x07
    static let byNameWithFamily: UInt32 = 0x08
    static let nameLength = 32
    static let noIndex: UInt16 = 0xffff
  }

  /// Looks up a set by name. The answer is unknown if the kernel has no ipset support or denies access.
  @Sendable static func find(_ name: String) -> NameDatabase.AddressSetAnswer {
    var request = [UInt8](repeating: 0, count: 12 + Number.nameLength)
    for (place, byte) in name.utf8.prefix(Number.nameLength - 1).enumerated() { request[12 + place] = byte }
    guard let answer = ask(Number.byNameWithFamily, request) else { return .unknown }
    let index = UInt16(answer[12]) | UInt16(answer[13]) << 8
    guard index != Number.noIndex else { return .missing }
    return .found(index, Family(rawValue: answer[8]))
  }

  @Sendable static func name(_ index: UInt16) -> String? {
    var request = [UInt8](repeating: 0, count: 8 + Number.nameLength)
    request[8] = UInt8(truncatingIfNeeded: index)
    request[9] = UInt8(truncatingIfNeeded: index >> 8)
    guard let answer = ask(Number.byIndex, request) else { return nil }
    let name = answer[8...].prefix { $0 != 0 }
    return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
  }

  /// Sends a request and returns the kernel's answer. Fills in the first two words of the request.
  private static func ask(_ operation: UInt32, _ request: [UInt8]) -> [UInt8]? {
    let descriptor = socket(AF_INET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_RAW))
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var version = [UInt8](repeating: 0, count: 8)
    put(Number.version, in: &version, at: 0)
    guard option(descriptor, &version) else { return nil }
    var message = request
    put(operation, in: &message, at: 0)
    message.replaceSubrange(4..<8, with: version[4..<8])
    return option(descriptor, &message) ? message : nil
  }

  private static func option(_ descriptor: Int32, _ message: inout [UInt8]) -> Bool {
    var length = socklen_t(message.count)
    return unsafe message.withUnsafeMutableBytes { buffer in
      unsafe getsockopt(descriptor, Int32(IPPROTO_IP), Number.option, buffer.baseAddress, &length)
    } == 0
  }

  private static func put(_ word: UInt32, in bytes: inout [UInt8], at offset: Int) {
    for place in 0..<4 { bytes[offset + place] = UInt8(truncatingIfNeeded: word >> UInt32(8 * place)) }
  }
}
