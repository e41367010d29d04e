internal import Kernel
internal import Lab

/// A sysctl of a network namespace, with its place under `/proc/sys/net`.
struct LabSwitch {
  private let path: String
  private let value: String

  /// The parts of `net` whose sysctls belong to a network namespace. The kernel shows those of the machine to the first namespace only,
  /// or refuses to write them in another.
  private static let parts: Set<String> = ["core", "ipv4", "ipv6", "netfilter", "bridge"]

  /// - Parameters:
  ///   - name: dotted; a dot within an interface's name is written as a slash, as `sysctl(8)` has it.
  ///   - value: a number, or several with blanks, commas or hyphens between them. A text could name a module that the kernel would load.
  /// - Throws: `KernelError` for a name that leads elsewhere than below `/proc/sys/net`, or a value that is no number.
  init(_ name: String, _ value: String) throws(KernelError) {
    let words = name.split(separator: ".", omittingEmptySubsequences: false).map { $0.replacing("/", with: ".") }
    guard words.count >= 3, words[0] == "net", LabSwitch.parts.contains(String(words[1])), words.allSatisfy({ LabSwitch.isWord($0) }) else {
      throw KernelError(.malformed("no sysctl of a network namespace: \(name)"))
    }
    let numbers = value.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == "-" }
    guard (1...64).contains(numbers.count), value.utf8.count <= 1024, numbers.allSatisfy({ LabSwitch.isNumber($0) }) else {
      throw KernelError(.malformed("\(name): a sysctl is set to a number here, or to several"))
    }
    path = "/proc/sys/" + words.joined(separator: "/")
    self.value = value
  }

  /// Decimal, or hexadecimal behind `0x`.
  private static func isNumber(_ text: Substring) -> Bool {
    let isHexadecimal = text.hasPrefix("0x")
    let digits = isHexadecimal ? text.dropFirst(2) : text
    return digits.utf8.first != UInt8(ascii: "+") && UInt64(digits, radix: isHexadecimal ? 16 : 10) != nil
  }

  /// A component of a path: no blank, no control character, and nothing that leads elsewhere.
  private static func isWord(_ word: some StringProtocol) -> Bool {
    guard !word.isEmpty, word != ".", !word.contains(".."), word.utf8.count <= 64 else { return false }
    return word.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
  }

  func set() throws(KernelError) {
    // Some are the machine's and can only be read; those of a snapshot are right as they are.
    if let present = try? HostFile.read(path), present.split(whereSeparator: \.isWhitespace) == value.split(whereSeparator: \.isWhitespace) { return }
    try HostFile.write(value, to: path)
  }
}
