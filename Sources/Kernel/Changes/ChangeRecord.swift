package import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// What a change of tables does: the tables before and after. It is written to a file before the first table changes, so that another
/// process can undo the change.
package struct ChangeRecord: Sendable, Equatable {
  /// Where the counters of a new entry come from.
  package enum Origin: Sendable, Equatable {
    case zero
    /// The counters that the entry itself has.
    case given
    /// The counters of an entry of the old table, by its position.
    case entry(Int)
  }

  /// One table.
  package struct Step: Sendable, Equatable {
    /// The table before; one without rules if there was none.
    package let before: TableBlob
    package let after: TableBlob
    /// The origins of the counters, for each entry of `after`.
    package let origins: [Origin]
    /// False if there was no such table, which is possible in nf_tables only.
    package let existed: Bool

    package init(before: TableBlob, after: TableBlob, origins: [Origin], existed: Bool = true) {
      self.before = before
      self.after = after
      self.origins = origins
      self.existed = existed
    }
  }

  /// The tables in the order in which they are replaced.
  package let steps: [Step]
  /// The ipsets that change with them.
  package let sets: ChangedSets
  /// The part of the kernel that holds the tables.
  package let backend: Backend
  /// When the change began, in seconds since 1970.
  package let time: Int
  /// The process that makes the change.
  package let process: Int32
  /// `/proc/sys/kernel/random/boot_id`: after another boot, the tables of the record are gone.
  package let boot: String

  package init(
    steps: [Step], of backend: Backend = .legacy, sets: ChangedSets = ChangedSets(), time: Int = HostClock.seconds,
    process: Int32 = getpid(), boot: String = ChangeRecord.currentBoot
  ) {
    self.steps = steps
    self.sets = sets
    self.backend = backend
    self.time = time
    self.process = process
    self.boot = boot
  }

  /// The number of this boot; empty if the kernel does not tell it.
  package static var currentBoot: String {
    ((try? HostFile.read("/proc/sys/kernel/random/boot_id")) ?? "").split(separator: "\n").first.map(String.init) ?? ""
  }

  // MARK: Bytes

  private static let magic = Array("FERRULE2".utf8)
  /// Magic, length and checksum of the rest; then time, process, number of steps, boot, and the backend's number.
  private static let (checked, headerSize) = (24, 92)
  private static let (bootAt, bootSize, backendAt) = (40, 48, 88)
  /// The family, whether there was a table, and the sizes of the tables before and after.
  private static let stepSize = 16
  private static let (noEntry, ownCounters): (UInt32, UInt32) = (.max, .max - 1)

  /// The bytes of the file.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    let tables = steps.reduce(0) { $0 + $1.before.replaceSize + $1.after.replaceSize + 4 * $1.origins.count + Self.stepSize }
    bytes.reserveCapacity(Self.headerSize + tables)
    bytes += Self.magic + [UInt8](repeating: 0, count: 16)
    bytes.appendHostWord(UInt64(bitPattern: Int64(time)))
    bytes.appendHostWord(process)
    bytes.appendHostWord(UInt32(steps.count))
    let name = Array(boot.utf8.prefix(Self.bootSize))
    bytes += name + [UInt8](repeating: 0, count: Self.bootSize - name.count)
    bytes.appendHostWord(UInt32(backend == .nft ? 1 : 0))
    for step in steps {
      bytes.appendHostWord(UInt32(step.before.family.rawValue))
      bytes.appendHostWord(UInt32(step.existed ? 1 : 0))
      bytes.appendHostWord(UInt32(step.before.replaceSize))
      bytes.appendHostWord(UInt32(step.after.replaceSize))
      for table in [step.before, step.after] {
        bytes += table.replaceHeader
        bytes += table.entries
      }
      for origin in step.origins {
        switch origin {
        case .zero: bytes.appendHostWord(Self.noEntry)
        case .given: bytes.appendHostWord(Self.ownCounters)
        case .entry(let index): bytes.appendHostWord(UInt32(index))
        }
      }
    }
    bytes += sets.bytes
    bytes.setHostWord(UInt64(bytes.count), at: 8)
    bytes.setHostWord(Self.checksum(bytes[Self.checked...]), at: 16)
    return bytes
  }

  /// FNV-1a, 64 bits: finds a file that was cut off or damaged, not one that was forged.
  package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Reads a file. Nothing in it is trusted: every size is checked against the bytes that are there.
  ///
  /// - Throws: `KernelError` with what is wrong with the file.
  package init(_ bytes: [UInt8], from path: String) throws(KernelError) {
    func damaged(_ what: String) -> KernelError {
      KernelError(
        .malformed("\(path): \(what). Compare the loaded rules with what they should be (ferrule save), then delete the file"))
    }
    guard bytes.count >= Self.headerSize, Array(bytes[..<8]) == Self.magic else { throw damaged("this is no record of a change") }
    guard bytes.hostWord(UInt64.self, at: 8) == UInt64(bytes.count),
      bytes.hostWord(UInt64.self, at: 16) == Self.checksum(bytes[Self.checked...])
    else { throw damaged("the record is cut off or damaged") }
    guard let time = bytes.hostWord(UInt64.self, at: 24), let process = bytes.hostWord(Int32.self, at: 32),
      let count = bytes.hostWord(UInt32.self, at: 36), let boot = bytes.text(at: Self.bootAt, length: Self.bootSize),
      let backend = bytes.hostWord(UInt32.self, at: Self.backendAt), backend < 2
    else { throw damaged("the record has no header") }
    var at = Self.headerSize
    var steps: [Step] = []
    for _ in 0..<count {
      guard let step = Self.step(bytes, &at) else { throw damaged("the table at offset \(at) of the record is not whole") }
      guard !steps.contains(where: { $0.after.name == step.after.name && $0.after.family == step.after.family }) else {
        throw damaged("the record has a table twice")
      }
      steps.append(step)
    }
    guard let sets = ChangedSets(bytes[at...]) else { throw damaged("the sets at offset \(at) of the record are not whole") }
    self.init(
      steps: steps, of: backend == 1 ? .nft : .legacy, sets: sets, time: Int(Int64(bitPattern: time)), process: process, boot: boot)
  }

  private static func step(_ bytes: [UInt8], _ at: inout Int) -> Step? {
    guard let number = bytes.hostWord(UInt32.self, at: at), let family = UInt8(exactly: number).flatMap(Family.init(rawValue:)),
      let existed = bytes.hostWord(UInt32.self, at: at + 4), existed < 2,
      let sizes = bytes.hostWord(UInt32.self, at: at + 8).flatMap({ before in
        bytes.hostWord(UInt32.self, at: at + 12).map { (Int(before), Int($0)) }
      })
    else { return nil }
    var end = at + stepSize
    func table(_ size: Int) -> TableBlob? {
      guard size <= bytes.count - end, let blob = TableBlob(replaceBytes: Array(bytes[end..<end + size]), family: family) else {
        return nil
      }
      end += size
      return blob.isWhole ? blob : nil
    }
    guard let before = table(sizes.0), let after = table(sizes.1), before.name == after.name,
      after.entryCount <= (bytes.count - end) / 4
    else { return nil }
    var origins: [Origin] = []
    for index in 0..<after.entryCount {
      switch bytes.hostWord(UInt32.self, at: end + 4 * index) ?? noEntry {
      case noEntry: origins.append(.zero)
      case ownCounters: origins.append(.given)
      case let source:
        guard source < UInt32(before.entryCount) else { return nil }
        origins.append(.entry(Int(source)))
      }
    }
    at = end + 4 * after.entryCount
    return Step(before: before, after: after, origins: origins, existed: existed == 1)
  }
}

extension TableBlob {
  /// Whether the entries are as many as the header says, and form chains.
  fileprivate var isWhole: Bool {
    var count = 0
    guard (try? forEachEntry(in: nil, { _ in count += 1 })) != nil else { return false }
    return count == entryCount && (try? chains()) != nil
  }

  /// The counters of all entries, in order.
  var allCounters: [Counters] {
    var counters: [Counters] = []
    counters.reserveCapacity(entryCount)
    try? forEachEntry(in: nil) { counters.append(layout.counters(of: $0, in: entries)) }
    return counters
  }

  /// Whether another table read from the kernel has the same bytes but for the counters and `comefrom`.
  func hasSameEntries(as other: TableBlob) -> Bool {
    guard entryCount == other.entryCount, entries.count == other.entries.count, hookEntries == other.hookEntries else { return false }
    var isSame = true
    try? forEachEntry(in: nil) { place in
      guard isSame else { return }
      for range in [
        0..<layout.comeFrom.lowerBound, layout.comeFrom.upperBound..<layout.counters.lowerBound, layout.size..<place.end - place.start,
      ] {
        let there = range.lowerBound + place.start..<range.upperBound + place.start
        if entries[there] != other.entries[there] { isSame = false }
      }
    }
    return isSame
  }
}
