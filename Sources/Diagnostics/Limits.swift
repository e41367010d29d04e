/// The limits on what Ferrule reads, keeps and shows of one input. `Docs/Limits.md` lists the same numbers for users.
public enum Limits {
  // MARK: Inputs

  /// Bytes of a ruleset, a connection listing, or any other text that is kept in memory as a whole. Places in a text have 32 bits.
  public static let textBytes = Int(Int32.max)

  /// Bytes of such a text that has no length before it is read, because it comes from a pipe or a device: one that never ends is refused
  /// within a second.
  public static let streamBytes = 512 << 20

  /// Bytes of a scenario file, a snapshot, or a host description. Their YAML and JSON trees take many times the size of the text.
  public static let documentBytes = 64 << 20

  /// Values of such a document, lists and mappings included. A text that may have more is refused before it is parsed. At most
  /// twice as many values are visited; a value behind several aliases counts once for each.
  public static let documentValues = 1_000_000

  /// Bytes of a file that a scenario file or a snapshot names.
  public static let namedFileBytes = 256 << 20

  /// Bytes of an `ipset save` text.
  public static let addressSetBytes = 256 << 20

  /// Elements that the networks and ranges of one `ipset save` text may expand to, in addition to the first of each line.
  public static let rangedSetElements = 1 << 20

  /// Bytes of a capture whose packets are all kept in memory, such as one that a scenario file names. `run --pcap` reads packet by
  /// packet and has no limit.
  public static let heldCaptureBytes = 256 << 20

  /// Bytes of one line of packet notation: the largest packet in hexadecimal, and its keywords.
  public static let packetLineBytes = 256 << 10

  // MARK: What is kept of a packet's way

  /// Rules, policies and returns that the report of one packet lists. The report counts the ones beyond.
  public static let traceEntries = 4096

  /// Outcomes of one packet that `run --all-outcomes` follows.
  public static let outcomesOfPacket = 256

  /// Trace entries of all packets of a scenario together, in the lab and in tests. Beyond that, each packet lists
  /// ``traceEntriesOfLaterPackets``.
  public static let traceEntriesOfScenario = 1_000_000

  /// Trace entries of each packet beyond ``traceEntriesOfScenario``.
  public static let traceEntriesOfLaterPackets = 16

  /// TCP flows whose sequence numbers are remembered. Up to as many older flows are kept beside them.
  public static let followedFlows = 131_072

  /// Log lines, messages to log groups and notes that are kept for one packet.
  public static let recordsOfPacket = 1000

  /// Packets in the report of one packet that the host sent because of it.
  public static let packetsOfReport = 1000

  /// Jumps to chains that one packet may make in one table. Beyond that the verdict is unknown; the kernel would be busy for
  /// minutes.
  public static let jumpsOfPacket = 1 << 30

  // MARK: What is shown

  /// Bytes of an input line that are shown below a message or quoted in it.
  public static let quotedBytes = 160

  /// Packet traces that a report shows under one failed step.
  public static let waysOfStep = 20

  /// Mistakes in packet notation that are reported.
  public static let shownMistakes = 1000

  /// Names and rules that one message lists.
  public static let listedNames = 100
}
