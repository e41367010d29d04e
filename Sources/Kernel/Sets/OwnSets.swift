internal import Glibc
internal import XTables

extension StateDirectory {
  private func ownSetsPath() throws(KernelError) -> String { try pendingPath().replacingSuffix(".change", with: ".sets") }

  /// The names of the ipsets that changes in this network namespace created; none after another boot.
  func ownSets() -> Set<String> {
    guard let place = try? ownSetsPath(), let bytes = try? read(place) else { return [] }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.first == ChangeRecord.currentBoot else { return [] }
    return Set(lines.dropFirst().filter { !$0.isEmpty })
  }

  /// Notes which ipsets are those of changes. Written before they are created.
  func noteOwnSets(_ names: Set<String>) throws(KernelError) {
    guard names != ownSets() else { return }
    let lines = [ChangeRecord.currentBoot] + names.sorted()
    try write(Array((lines.joined(separator: "\n") + "\n").utf8), to: try ownSetsPath())
  }

  /// Notes which ipsets are those of changes after one was undone without a file.
  func settleOwnSets(after record: ChangeRecord) {
    guard !record.sets.steps.isEmpty, let loaded = try? KernelSets.loaded() else { return }
    try? noteOwnSets(ownSets().union(record.sets.steps.map(\.name)).intersection(loaded.map(\.name)))
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
    hasSuffix(suffix) ? dropLast(suffix.count) + other : self
  }
}
