/// How much Ferrule reads, keeps and shows of one input. Docs/Limits.md lists the same numbers for users.
public enum Limits {
  // MARK: Inputs

  /// Bytes of a ruleset, a listing of connections, or any other text that is held in memory as a whole. Places in a text are
  /// kept in 32 bits.
  public static let textBytes = Int(Int32.max)

  /// Bytes of a scenario file, of a snapshot, and of a description of a host: their YAML and JSON become trees of many times
  /// their size.
  public static let documentBytes = 64 << 20

  /// Values of such a document, lists and mappings among them; a text that may have more is refused before it is parsed. Twice as
  /// many are looked at, those behind several aliases each time.
  public static let documentValues = 1_000_000

  /// Bytes of a file that a scenario file or a snapshot names.
  public static let namedFileBytes = 256 << 20

  /// Bytes of an `ipset save` text.
  public static let addressSetBytes = 256 << 20

  /// Elements that networks and ranges of one `ipset save` text may stand for, beside the first of each line.
  public static let rangedSetElements = 1 << 20

  /// Bytes of a capture whose packets are held in memory as a whole, as a scenario file holds them. `run --pcap` reads packet
  /// by packet, and has no limit.
  public static let heldCaptureBytes = 256 << 20

  /// Bytes of one line of packet notation: the largest packet in hexadecimal, and its words.
  public static let packetLineBytes = 256 << 10

  // MARK: What is kept of a packet's way

  /// Rules, policies and returns that a packet's report lists. Of further ones it tells how many there were.
  public static let traceEntries = 4096

  /// Entries that all packets of a scenario's steps list together, in the lab and in tests; then each lists
  /// ``traceEntriesOfLaterPackets``.
  public static let traceEntriesOfScenario = 1_000_000

  /// See ``traceEntriesOfScenario``.
  public static let traceEntriesOfLaterPackets = 16

  /// TCP flows whose sequence numbers are remembered for the packets to come; up to as many again that were seen before them.
  public static let followedFlows = 131_072

  /// Log lines, messages to log groups and notes that are kept for one packet.
  public static let recordsOfPacket = 1000

  /// Packets the host makes because of one packet that its report lists.
  public static let packetsOfReport = 1000

  /// Jumps to chains that one packet may make in one table. More take the kernel minutes, in which it does nothing else: the
  /// verdict is then unknown.
  public static let jumpsOfPacket = 1 << 30

  // MARK: What is shown

  /// Bytes of a line of input that are shown below a message, or quoted in it.
  public static let quotedBytes = 160

  /// Ways of packets that a report shows under one failed step.
  public static let waysOfStep = 20

  /// Mistakes in lines of packet notation that are told.
  public static let shownMistakes = 1000

  /// Names and rules that a message lists.
  public static let listedNames = 100
}
