internal import Glibc
package import XTables

/// Memory into which the kernel writes the counters of replaced entries, within the call that replaces them. It may be that of a file: what
/// the kernel wrote is then known after the process was killed.
@safe package struct CounterMemory {
  private let base: UnsafeMutableRawPointer
  /// The number of entries.
  package let count: Int
  /// The bytes of one entry's counters, `xt_counters`.
  package static let entrySize = 16

  /// - Parameter base: the address of `count` times ``entrySize`` bytes, which outlive this value.
  init(_ base: UnsafeMutableRawPointer, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// The address, as the kernel gets it.
  package var address: UInt { unsafe UInt(bitPattern: base) }

  /// Marks the memory as not written: no counter of the kernel has this value.
  func clear() { unsafe memset(base, 0xff, count * Self.entrySize) }

  /// Whether the kernel wrote into the memory since ``clear()``. A table has at least one entry.
  package var isWritten: Bool { unsafe count > 0 && base.load(as: UInt64.self) != .max }

  /// The counters in the order of the entries.
  package var counters: [Counters] {
    (0..<count).map { index in
      unsafe Counters(
        packets: base.load(fromByteOffset: index * Self.entrySize, as: UInt64.self),
        bytes: base.load(fromByteOffset: index * Self.entrySize + 8, as: UInt64.self))
    }
  }
}
