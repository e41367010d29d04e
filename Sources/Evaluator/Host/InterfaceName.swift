/// What an interface may be called.
public enum InterfaceName {
  /// Whether the kernel takes the name as it stands: 1 to 15 bytes, no blank, no control character, none of `/`, `:` and `%` (which is
  /// a place for a number), neither `.` nor `..`. The corresponding kernel function is `dev_valid_name`.
  public static func isValid(_ name: some StringProtocol) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...15).contains(bytes.count), bytes != [UInt8(ascii: ".")], bytes != Array("..".utf8) else { return false }
    return bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "%") }
  }
}
