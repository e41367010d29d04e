internal import Compiler
internal import Glibc

/// How far a change has come: for each table what was done, and the counters that the kernel gave at that moment. The memory is that of a
/// file, so that it survives the process.
@safe package final class ChangeProgress {
  /// What was done with a table in one direction. The calls of the kernel stand between two of them.
  enum Phase: UInt32 {
    case untouched, replaced, adding, added
  }

  /// The phases of all tables in one direction, in the memory.
  @safe struct Phases {
    fileprivate let base: UnsafeMutableRawPointer
    fileprivate let offsets: [Int]

    /// An unknown number, as a damaged file has, counts as replaced: the table is then compared.
    subscript(index: Int) -> Phase {
      get { unsafe Phase(rawValue: base.load(fromByteOffset: offsets[index], as: UInt32.self)) ?? .replaced }
      nonmutating set { unsafe base.storeBytes(of: newValue.rawValue, toByteOffset: offsets[index], as: UInt32.self) }
    }
  }

  private let base: UnsafeMutableRawPointer
  private let size: Int
  private let offsets: [Int]
  private let counts: [(before: Int, after: Int)]
  private static let headerSize = 8

  private init(_ base: UnsafeMutableRawPointer, _ size: Int, _ record: ChangeRecord) {
    unsafe self.base = unsafe base
    self.size = size
    counts = Self.counts(record)
    var offsets: [Int] = []
    var at = 0
    for count in counts {
      offsets.append(at)
      at += Self.headerSize + (count.before + count.after) * CounterMemory.entrySize
    }
    self.offsets = offsets
  }

  private static func counts(_ record: ChangeRecord) -> [(before: Int, after: Int)] {
    record.steps.map { ($0.before.entryCount, $0.after.entryCount) }
  }

  private static func size(_ record: ChangeRecord) -> Int {
    max(1, counts(record).reduce(0) { $0 + headerSize + ($1.before + $1.after) * CounterMemory.entrySize })
  }

  /// The progress of a change that has not begun.
  ///
  /// - Parameter path: the file to create; nil to keep it in memory only.
  /// - Throws: `KernelError` if the file or its space is not to be had.
  convenience init(of record: ChangeRecord, at path: String?) throws(KernelError) {
    let size = Self.size(record)
    guard let path else {
      try self.init(mapping: -1, size, record)
      clear()
      return
    }
    _ = unsafe unlink(path)
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .call("creating \(path)") }
    defer { close(descriptor) }
    // Without space for every page, a later write to the memory would end the process.
    let failure = posix_fallocate(descriptor, 0, off_t(size))
    guard failure == 0 else { throw .call("writing \(path)", SystemError(number: failure)) }
    try self.init(mapping: descriptor, size, record)
    clear()
  }

  /// The progress of a change that was begun; nil if its file is missing or has another size.
  convenience init?(continuing record: ChangeRecord, at path: String) {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, Int(facts.st_size) == Self.size(record) else {
      return nil
    }
    do throws(KernelError) { try self.init(mapping: descriptor, Self.size(record), record) } catch { return nil }
  }

  private convenience init(mapping descriptor: Int32, _ size: Int, _ record: ChangeRecord) throws(KernelError) {
    let flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    guard let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, 0), unsafe base != MAP_FAILED else {
      throw .call("mapping the progress of the change")
    }
    // The kernel writes here while the process may already have been killed: the pages must be present.
    if descriptor >= 0 { _ = unsafe mlock(base, size) }
    unsafe self.init(base, size, record)
  }

  deinit { _ = unsafe munmap(base, size) }

  private func clear() {
    for index in offsets.indices {
      forward[index] = .untouched
      backward[index] = .untouched
      counters(forward: index).clear()
      counters(backward: index).clear()
    }
  }

  /// What was done to replace each table.
  var forward: Phases { unsafe Phases(base: base, offsets: offsets) }

  /// What was done to put each table back.
  var backward: Phases { unsafe Phases(base: base + 4, offsets: offsets) }

  /// Whether a table was replaced, even if the process was killed before it could say so.
  func wasReplaced(_ index: Int) -> Bool { forward[index] != .untouched || counters(forward: index).isWritten }

  /// The counters of the old table's entries when it was replaced.
  func counters(forward index: Int) -> CounterMemory {
    unsafe CounterMemory(base + offsets[index] + Self.headerSize, count: counts[index].before)
  }

  /// The counters of the new table's entries when the old one was put back.
  func counters(backward index: Int) -> CounterMemory {
    unsafe CounterMemory(
      base + offsets[index] + Self.headerSize + counts[index].before * CounterMemory.entrySize, count: counts[index].after)
  }
}
