import Kernel
import Wire

/// Rules as the kernel is asked to take them.
enum Entries {
  static let plainSize: [Family: Int] = [.ipv4: 112, .ipv6: 168]

  /// A rule without matches whose target is the kernel's own.
  static func plain(_ family: Family, jump: String? = nil, goto: Bool = false) -> KernelRule {
    let size = plainSize[family] ?? 112
    var entry = [UInt8](repeating: 0, count: size + 40)
    let offsets = family == .ipv4 ? 88 : 140
    store(UInt16(size), at: offsets, in: &entry)
    store(UInt16(size + 40), at: offsets + 2, in: &entry)
    store(40, at: size, in: &entry)
    if goto { entry[family == .ipv4 ? 82 : 131] = family == .ipv4 ? 2 : 4 }
    return KernelRule(entry: entry, jump: jump)
  }

  /// A rule whose target is an extension.
  static func target(_ family: Family, _ name: String, revision: UInt8 = 0, data: [UInt8]) -> KernelRule {
    let size = plainSize[family] ?? 112
    let padded = data + [UInt8](repeating: 0, count: (8 - data.count % 8) % 8)
    var entry = [UInt8](repeating: 0, count: size + 32) + padded
    let offsets = family == .ipv4 ? 88 : 140
    store(UInt16(size), at: offsets, in: &entry)
    store(UInt16(entry.count), at: offsets + 2, in: &entry)
    store(UInt16(32 + padded.count), at: size, in: &entry)
    for (index, byte) in name.utf8.enumerated() { entry[size + 2 + index] = byte }
    entry[size + 31] = revision
    return KernelRule(entry: entry)
  }

  private static func store(_ value: UInt16, at offset: Int, in entry: inout [UInt8]) {
    entry[offset] = UInt8(truncatingIfNeeded: value)
    entry[offset + 1] = UInt8(value >> 8)
  }
}

/// What a program prints, run from the calling thread, so in its namespace.
func output(of program: String, _ arguments: [String] = []) throws -> String {
  try HostProcess.run(program, arguments).output
}
