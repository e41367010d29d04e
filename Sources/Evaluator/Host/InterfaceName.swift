/// The rules for interface names.
public enum InterfaceName {
  /// True if the kernel accepts the name as it is: 1 to 15 bytes without blanks, control characters, `/`, `:` and `%` (a placeholder for a
  /// number), and neither `.` nor `..`. The corresponding kernel function is `dev_valid_name`.
  public static func isValid(_ name: some StringProtocol) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...15).contains(bytes.count), bytes != [UInt8(ascii: ".")], bytes != Array("..".utf8) else { return false }
    return bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "%") }
  }
}
