import Glibc
import SystemNames
public import XTables

extension NameDatabase {
  /// The names in this machine's databases, and in the running kernel: ipsets and pinned objects.
  public static let system = NameDatabase.offline.with(
    addressSet: KernelAddressSets.find, addressSetName: KernelAddressSets.name, isPinned: { unsafe access($0, F_OK) == 0 })
}
