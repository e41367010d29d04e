import Diagnostics
internal import Glibc
public import XTables

extension NameDatabase {
  /// The names in this machine's databases: `/etc/protocols`, `/etc/services`, users and groups, realms, connection labels. No kernel is
  /// asked, so the kernel's ipsets are unknown.
  public static let offline = NameDatabase(
    protocolNumber: LibraryNames.protocolNumber, protocolName: LibraryNames.protocolName, port: LibraryNames.port,
    userID: LibraryNames.userID, groupID: LibraryNames.groupID, serviceName: LibraryNames.serviceName,
    userName: LibraryNames.userName, groupName: LibraryNames.groupName,
    routeName: { number, table in NumberedNames.name(of: number, in: NumberedNames.routeTables(table)) },
    routeNumber: { name, table in NumberedNames.number(of: name, in: NumberedNames.routeTables(table)) },
    connectionLabel: { NumberedNames.number(of: $0, in: NumberedNames.labels).flatMap { UInt16(exactly: $0) } },
    connectionLabelName: { NumberedNames.name(of: UInt32($0), in: NumberedNames.labels) })
}

/// Look-ups in the C library's name databases. Each call uses its own buffer, so it is safe with threads.
private enum LibraryNames {
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

  @Sendable static func serviceName(_ port: UInt16, _ protocolName: String?) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe servent()
      var found: UnsafeMutablePointer<servent>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getservbyport_r(Int32(port.byteSwapped), protocolName, &entry, text, bufferSize, &found) == 0,
        unsafe found != nil
      else { return nil }
      return unsafe entry.s_name.map { unsafe String(cString: $0) }
    }
  }

  @Sendable static func userName(_ number: UInt32) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getpwuid_r(number, &entry, text, bufferSize, &found) == 0, unsafe found != nil else { return nil }
      return unsafe entry.pw_name.map { unsafe String(cString: $0) }
    }
  }

  @Sendable static func groupName(_ number: UInt32) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: bufferSize, alignment: 8) { buffer in
      var entry = unsafe group()
      var found: UnsafeMutablePointer<group>?
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      guard unsafe getgrgid_r(number, &entry, text, bufferSize, &found) == 0, unsafe found != nil else { return nil }
      return unsafe entry.gr_name.map { unsafe String(cString: $0) }
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

/// Files with a number and a name in each line: the tables of `iproute2` and the connection labels.
private enum NumberedNames {
  static func routeTables(_ table: String) -> String { "/etc/iproute2/" + table }
  static let labels = "/etc/xtables/connlabel.conf"

  static func number(of name: String, in file: String) -> UInt32? { lines(file).first { $0.name == name }?.number }

  static func name(of number: UInt32, in file: String) -> String? { lines(file).first { $0.number == number }?.name }

  private static func lines(_ file: String) -> [(number: UInt32, name: String)] {
    text(file).split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count >= 2, let number = UnsignedText.parse(ArraySlice(words[0].utf8)) else { return nil }
      return UInt32(exactly: number).map { ($0, String(words[1])) }
    }
  }

  /// The text of a file; empty if it cannot be read or is longer than the limit for texts.
  private static func text(_ path: String) -> String {
    guard let file = unsafe fopen(path, "re") else { return "" }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while case let count = unsafe fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
      guard bytes.count <= Limits.textBytes else { return "" }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
