import ArgumentParser
import Kernel
import Syntax
import Wire
import XTables

/// `-4` and `-6`.
struct FamilyOptions: ParsableArguments {
  @Flag(
    name: [.customShort("4"), .customLong("ipv4")], help: "Read the rules as IPv4 (iptables), regardless of the file's header and name.")
  var isIPv4 = false

  @Flag(
    name: [.customShort("6"), .customLong("ipv6")], help: "Read the rules as IPv6 (ip6tables), regardless of the file's header and name.")
  var isIPv6 = false

  func validate() throws {
    if isIPv4, isIPv6 { throw ValidationError("-4 and -6 exclude each other.") }
  }

  /// The requested family; without `-4` or `-6`, the one that the header of iptables-save names, else the one that follows from the
  /// file's name.
  ///
  /// - Parameter text: the file's text, or its beginning; nil if it is to be read from the file.
  func family(of path: String, text: [UInt8]? = nil) -> Family {
    if isIPv6 { return .ipv6 }
    if isIPv4 { return .ipv4 }
    return SaveHeader.family(of: text ?? HostFile.beginning(of: path, bytes: 4096)) ?? Self.family(named: path)
  }

  /// The family that follows from a file's name.
  static func family(named path: String) -> Family {
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    let marks = ["ip6tables", "_v6", ".v6", "-v6", ".rules6", "rules6."]
    return marks.contains { name.contains($0) } ? .ipv6 : .ipv4
  }
}
