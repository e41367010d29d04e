public import XTables

/// A change of the kernel's tables that was interrupted, for example by SIGKILL, or whose confirmation nobody waits for any more.
public enum InterruptedChange {
  /// Takes it back.
  ///
  /// - Parameters:
  ///   - wait: seconds to wait for the lock. The process that holds it may be about to finish the change.
  ///   - registry: knows which bytes of a match or target the kernel uses for itself.
  ///   - report: gets a sentence for the user on what was done.
  /// - Throws: `KernelError` if another process holds the lock, or the change cannot be taken back.
  public static func finish(
    in state: StateDirectory, wait: Double, _ registry: Registry, report: (String) -> Void
  ) throws(KernelError) {
    guard state.hasPending || state.isDeserted else { return }
    let lock = try XtablesLock(wait: wait)
    try finish(in: state, holding: lock, registry, report: report)
    _ = consume lock
  }

  /// The same with the lock that the caller holds.
  public static func finish(
    in state: StateDirectory, holding lock: borrowing XtablesLock, _ registry: Registry, report: (String) -> Void
  ) throws(KernelError) {
    if let recovery = try state.recover(registry) { report(recovery.description) }
    // The process that waits for the confirmation was killed.
    if state.isDeserted, let awaiting = try state.awaiting() {
      try state.rollBack(awaiting.change, registry)
      report("change \(awaiting.change.number) was not confirmed, and the process that waited for it has ended; it was taken back now")
    }
  }
}
