internal import Kernel

/// A sysctl of a network namespace, under `/proc/sys/net`.
struct LabSwitch {
  private let path: String
  private let value: String

  /// The parts of `net` whose sysctls belong to a network namespace. The kernel shows those of the machine only in the initial namespace, or
  /// refuses to write them elsewhere.
  private static let parts: Set<String> = ["core", "ipv4", "ipv6", "netfilter", "bridge"]

  /// - Parameters:
  ///   - name: the dotted name; a dot in an interface name is written as a slash, as in `sysctl(8)`.
  ///   - value: a number, or several separated by blanks, commas or hyphens. Other text is refused: it could name a module for the kernel to load.
  /// - Throws: `KernelError` for a name outside `/proc/sys/net`, or a value that is not a number.
  init(_ name: String, _ value: String) throws(KernelError) {
    let words = name.split(separator: ".", omittingEmptySubsequences: false).map { $0.replacing("/", with: ".") }
    guard words.count >= 3, words[0] == "net", LabSwitch.parts.contains(String(words[1])), words.allSatisfy({ LabSwitch.isWord($0) }) else {
      throw KernelError(.malformed("\(name) is not a sysctl of a network namespace"))
    }
    let numbers = value.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == "-" }
    guard (1...64).contains(numbers.count), value.utf8.count <= 1024, numbers.allSatisfy({ LabSwitch.isNumber($0) }) else {
      throw KernelError(.malformed("\(name): the value must be a number, or several numbers"))
    }
    path = "/proc/sys/" + words.joined(separator: "/")
    self.value = value
  }

  /// True for a decimal number, or a hexadecimal one after `0x`.
  private static func isNumber(_ text: Substring) -> Bool {
    let isHexadecimal = text.hasPrefix("0x")
    let digits = isHexadecimal ? text.dropFirst(2) : text
    return digits.utf8.first != UInt8(ascii: "+") && UInt64(digits, radix: isHexadecimal ? 16 : 10) != nil
  }

  /// True for a safe path component: no blanks, no control characters, and no `..`.
  private static func isWord(_ word: some StringProtocol) -> Bool {
    guard !word.isEmpty, word != ".", !word.contains(".."), word.utf8.count <= 64 else { return false }
    return word.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
  }

  func set() throws(KernelError) {
    // Some sysctls are read-only for a namespace; a snapshot's value then equals the present one.
    if let present = try? HostFile.read(path), present.split(whereSeparator: \.isWhitespace) == value.split(whereSeparator: \.isWhitespace)
    {
      return
    }
    // Without br_netfilter, bridged frames pass no rules, as 0 says.
    if value == "0", path.hasPrefix("/proc/sys/net/bridge/"), !HostFile.exists(path) { return }
    try HostFile.write(value, to: path)
  }
}
