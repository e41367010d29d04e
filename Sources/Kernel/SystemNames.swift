import Glibc
public import XTables

extension NameDatabase {
  /// The names this machine's databases know: `/etc/protocols`, `/etc/services`, users and groups, realms.
  public static let system = NameDatabase(
    protocolNumber: SystemNames.protocolNumber, protocolName: SystemNames.protocolName, port: SystemNames.port,
    userID: SystemNames.userID, groupID: SystemNames.groupID, realm: { RouteTableNames.number(of: $0, in: "rt_realms") })
}

/// Look-ups in the C library's name databases, with buffers of their own so that threads do not meet.
private enum SystemNames {
  private static let bufferSize = 16384

  @Sendable static func protocolNumber(_ name: String) -> UInt8? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe protoent()
      var found: UnsafeMutablePointer<protoent>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getprotobyname_r(name, &entry, text, bufferSize, &found) == 0, unsafe found != nil else { return nil }
      return unsafe UInt8(exactly: entry.p_proto)
    }
  }

  @Sendable static func protocolName(_ number: UInt8) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe protoent()
      var found: UnsafeMutablePointer<protoent>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getprotobynumber_r(Int32(number), &entry, text, bufferSize, &found) == 0, unsafe found != nil else {
        return nil
      }
      return unsafe entry.p_name.map { unsafe String(cString: $0) }
    }
  }

  @Sendable static func port(_ service: String, _ protocolName: String?) -> UInt16? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe servent()
      var found: UnsafeMutablePointer<servent>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getservbyname_r(service, protocolName, &entry, text, bufferSize, &found) == 0, unsafe found != nil else {
        return nil
      }
      return unsafe UInt16(truncatingIfNeeded: entry.s_port).byteSwapped
    }
  }

  @Sendable static func userID(_ name: String) -> UInt32? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getpwnam_r(name, &entry, text, bufferSize, &found) == 0, unsafe found != nil else { return nil }
      return unsafe entry.pw_uid
    }
  }

  @Sendable static func groupID(_ name: String) -> UInt32? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe group()
      var found: UnsafeMutablePointer<group>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getgrnam_r(name, &entry, text, bufferSize, &found) == 0, unsafe found != nil else { return nil }
      return unsafe entry.gr_gid
    }
  }
}

/// The tables of names that iproute2 keeps, one `number name` a line.
enum RouteTableNames {
  static func number(of name: String, in table: String) -> UInt32? {
    for folder in ["/etc/iproute2/", "/usr/share/iproute2/", "/usr/lib/iproute2/"] {
      guard let text = try? HostFile.read(folder + table) else { continue }
      for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        if words.count >= 2, words[1] == name, let number = UnsignedText.parse(ArraySlice(words[0].utf8)) {
          return UInt32(exactly: number)
        }
      }
    }
    return nil
  }
}
