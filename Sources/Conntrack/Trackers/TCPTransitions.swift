/// The next state of a TCP connection, by direction, kind of segment and state.
struct TCPTransitions: Sendable {
  enum Outcome: Sendable, Equatable {
    case state(TCPConntrackState)
    /// Accepts the segment without a state change: this table and the ends may be out of sync.
    case ignore
    case invalid
  }

  /// Twelve rows, direction major and segment kind minor, of ten nibbles, lowest nibble first: the state, 0xE to ignore, 0xF invalid.
  private let rows: InlineArray<12, UInt64>

  /// The kernel's transitions.
  static let standard = TCPTransitions()

  /// A row in the order of the states: NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2.
  /// Each is written as its two letters, `..` for invalid, `ig` to ignore.
  private static func row(_ text: StaticString) -> UInt64 {
    let names = ["NO", "SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2"]
    var row: UInt64 = 0
    for (column, word) in text.description.split(separator: " ").enumerated() {
      let nibble = word == "ig" ? 0xE : UInt64(names.firstIndex(of: String(word)) ?? 0xF)
      row |= nibble << UInt64(4 * column)
    }
    return row
  }

  private init() {
    rows = [
      //         NO SS SR ES FW CW LA TW CL S2
      Self.row("SS SS ig ig ig ig ig SS SS S2"),  // original SYN: in doubt the ends know better
      Self.row(".. .. SR .. .. .. .. .. .. SR"),  // original SYN/ACK: only in a simultaneous open
      Self.row(".. .. FW FW LA LA LA TW CL .."),  // original FIN
      Self.row("ES .. ES ES CW CW TW TW CL .."),  // original ACK; from NONE it is a pick-up
      Self.row(".. CL CL CL CL CL CL CL CL CL"),  // original RST
      Self.row(".. .. .. .. .. .. .. .. .. .."),  // original, no flag that matters
      Self.row(".. S2 .. .. .. .. .. SS .. S2"),  // reply SYN: simultaneous open, or reopened with the roles changed
      Self.row(".. SR ig ig ig ig ig ig ig SR"),  // reply SYN/ACK
      Self.row(".. .. FW FW LA LA LA TW CL .."),  // reply FIN
      Self.row(".. ig SR ES CW CW TW TW CL ig"),  // reply ACK; half-open connections answer a SYN with it
      Self.row(".. CL CL CL CL CL CL CL CL CL"),  // reply RST
      Self.row(".. .. .. .. .. .. .. .. .. .."),  // reply, no flag that matters
    ]
  }

  @inline(__always)
  func next(_ state: TCPConntrackState, _ kind: TCPSegmentKind, _ direction: Direction) -> Outcome {
    let row = rows[Int(direction.rawValue) &* 6 &+ Int(kind.rawValue)]
    let nibble = UInt8(truncatingIfNeeded: row >> (UInt64(state.rawValue) &* 4)) & 0xF
    if let next = TCPConntrackState(rawValue: nibble) { return .state(next) }
    return nibble == 0xE ? .ignore : .invalid
  }
}
