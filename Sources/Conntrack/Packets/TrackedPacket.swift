public import Netfilter

/// What tracking has found out about a packet besides its attachment; see ``ConntrackTable/track(_:_:now:)``.
public struct TrackedPacket: Sendable {
  /// How the packet stands to a connection that has nothing unusual.
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// Anything else.
    case other
    /// It belongs to a connection with packets in both directions that is settled (see ``ConntrackTable/isSettled(_:)``) and not translated.
    case settled
    /// It belongs to such a connection whose packets are translated, perhaps to the address of an interface; see
    /// `ConntrackTable.translateSettled`.
    case translated
    /// It belongs to a connection without packets in the reply direction that is not expected and has neither extensions nor translation. It may
    /// be the first one; then its connection is to be confirmed.
    case beginning
  }

  /// `.accept`, or `.drop` if the table is full.
  public let verdict: NetfilterVerdict
  /// How the packet stands to its connection.
  public let kind: Kind
  /// The number that the caller keeps with the packet's direction of the connection; 0 if there is none.
  public let note: UInt16
}

extension ConntrackTable {
  /// Keeps a number with a direction of a connection, for ``TrackedPacket/note``. Does nothing if the connection was removed.
  public func keep(_ note: UInt16, with handle: ConnectionHandle, _ direction: Direction) {
    guard let slot = core.slot(handle) else { return }
    if direction == .original {
      core.entries[slot].originalNote = note
    } else {
      core.entries[slot].replyNote = note
    }
  }

  /// Forgets the numbers of all connections.
  public func forgetNotes() {
    for slot in 0..<core.entries.count { (core.entries[slot].originalNote, core.entries[slot].replyNote) = (0, 0) }
  }
}
