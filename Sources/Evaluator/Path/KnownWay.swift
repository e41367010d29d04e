import Conntrack
import Netfilter
import Wire
import XTables

/// A way on which packets leave the host, with all that they hit.
///
/// A packet's way follows from the rules, the host, and what all packets of its direction of a connection have in common, if no rule has
/// read anything else (``PacketReads``) or changed anything. So the next packet need not be asked the same questions; nor need the first packet
/// of a connection that differs from an earlier one in its source port only, if no rule has read that (``BeginningWays``). Each packet is
/// tracked; packets that are fragments, have options or faults, or do not fit through the route go through the hooks.
final class KnownWay: Sendable {
  /// An entry of a table that packets hit.
  struct Hit: BitwiseCopyable, Hashable {
    let hit: HitLog.Hit
    /// Whether it is the first one in a pass of the table.
    let isFirst: Bool
  }

  let hits: [Hit]
  /// The name of the output interface.
  let output: String
  let frameDestination: MACAddress
  /// The longest packet that leaves whole.
  let mtu: Int
  /// Whether packets with other TCP flags may go another way.
  let readsFlags: Bool

  /// The way of a packet that has left; nil if others of its connection may go another way.
  init?(_ journey: borrowing Journey) {
    guard case .sent(let output) = journey.verdict, let frameDestination = journey.frameDestination, let route = journey.route,
      // Otherwise the sender may be told of a better way, and how often it was is remembered.
      route.output != journey.context.input
    else { return nil }
    self.output = output
    self.frameDestination = frameDestination
    hits = journey.wayHits
    mtu = route.mtu
    readsFlags = journey.context.reads.contains(.tcpFlags)
  }

  /// True if the packet leaves whole.
  @inline(__always)
  func takes(_ datagram: PlainDatagram) -> Bool { datagram.length <= mtu }
}

extension KnownWay: Hashable {
  static func == (left: KnownWay, right: KnownWay) -> Bool {
    left.hits == right.hits && left.output == right.output && left.frameDestination == right.frameDestination && left.mtu == right.mtu
      && left.readsFlags == right.readsFlags
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(hits)
    hasher.combine(frameDestination)
  }
}

/// The known ways of connections through one set of rules.
struct KnownWays {
  /// A way, and what the packets of a direction of a connection need for it besides. The connection table keeps its number plus ``base``.
  private struct Choice: BitwiseCopyable, Hashable {
    var way: UInt16
    var tos: UInt8
    var flags: UInt8
    var input: Int32
  }

  private var ways: [KnownWay] = []
  /// The number of ways that are forgotten.
  private var forgotten = 0
  private var numbers: [KnownWay: UInt16] = [:]
  private var choices: [Choice] = []
  private var choiceNumbers: [Choice: UInt16] = [:]
  /// The first number that connections keep for these choices. Lower ones are of choices that are forgotten; 0 is none.
  private var base = 1
  private var beginnings = BeginningWays()
  private var hostVersion = 0

  /// The number of different ways.
  var count: Int { ways.count }

  /// A way and its number, which is not used again.
  struct Numbered {
    let way: KnownWay
    let number: Int
  }

  /// The way of a packet of a settled connection; nil if none is known.
  ///
  /// - Parameter note: what is kept with its direction of the connection.
  @inline(__always)
  func way(_ note: UInt16, of datagram: PlainDatagram, on interface: Interface, _ version: Int) -> Numbered? {
    let place = Int(note) &- base
    guard place >= 0, place < choices.count, version == hostVersion else { return nil }
    let choice = choices[place]
    guard choice.input == interface.index, choice.tos == datagram.tos else { return nil }
    let way = ways[Int(choice.way)]
    guard way.takes(datagram), !way.readsFlags || datagram.tcpFlags == choice.flags else { return nil }
    return Numbered(way: way, number: forgotten &+ Int(choice.way))
  }

  /// Keeps the way that a packet of a settled connection has gone.
  ///
  /// - Returns: the number to be kept with its direction of the connection; nil if there are too many ways.
  mutating func keep(
    _ way: KnownWay, of datagram: PlainDatagram, on interface: Interface, _ version: Int, in table: ConntrackTable
  ) -> UInt16? {
    if version != hostVersion { forget(in: table, version) }
    guard let way = number(of: way) else { return nil }
    let choice = Choice(way: way, tos: datagram.tos, flags: datagram.tcpFlags, input: interface.index)
    if let number = choiceNumbers[choice] { return number }
    guard let number = UInt16(exactly: base + choices.count) else { return nil }
    choices.append(choice)
    choiceNumbers[choice] = number
    return number
  }

  private mutating func number(of way: KnownWay) -> UInt16? {
    if let known = numbers[way] { return known }
    guard let number = UInt16(exactly: ways.count), number < BeginningWays.hopeless else { return nil }
    ways.append(way)
    numbers[way] = number
    return number
  }

  /// The way of a packet that may begin a connection, and otherwise whether its way is to be kept.
  @inline(__always)
  mutating func beginning(
    _ datagram: PlainDatagram, on interface: Interface, _ version: Int, in table: ConntrackTable
  ) -> (found: Numbered?, isWanted: Bool) {
    if version != hostVersion { forget(in: table, version) }
    switch beginnings.answer(datagram, on: interface) {
    case .wanted: return (nil, true)
    case .unwanted: return (nil, false)
    case .known(let place):
      let way = ways[Int(place)]
      guard way.takes(datagram), !way.readsFlags || datagram.isTCP else { return (nil, false) }
      return (Numbered(way: way, number: forgotten &+ Int(place)), false)
    }
  }

  /// The way with a number. It must not be forgotten.
  @inline(__always)
  subscript(_ number: Int) -> KnownWay { ways[number - forgotten] }

  /// Keeps the way that a packet has gone which began a connection; nil if others like it may go another way.
  mutating func keepBeginning(_ way: KnownWay?, of datagram: PlainDatagram, on interface: Interface) {
    beginnings.keep(way.flatMap { number(of: $0) } ?? BeginningWays.hopeless, datagram, on: interface)
  }

  /// Forgets all ways, because rules or host have changed.
  ///
  /// - Parameter table: where numbers of ways are kept.
  mutating func forget(in table: ConntrackTable?, _ version: Int) {
    base += choices.count
    forgotten += ways.count
    if base > Int(UInt16.max) / 2 {
      table?.forgetNotes()
      base = 1
    }
    (ways, numbers) = ([], [:])
    (choices, choiceNumbers) = ([], [:])
    beginnings = BeginningWays()
    hostVersion = version
  }
}

/// The ways of the first packets of connections, by what these have in common with later connections: everything but the source port. Which rules
/// read that is known when the first one is on its way.
struct BeginningWays {
  enum Answer: BitwiseCopyable {
    /// The place of the way among those that are known.
    case known(UInt16)
    /// There is no way, and the packet's is to be kept.
    case wanted
    /// There is no way, and it is not worth while to find out.
    case unwanted
  }

  private struct Key: BitwiseCopyable, Equatable {
    let addresses: UInt64
    let input: Int32
    let destinationPort: UInt16
    let proto: UInt8
    let tos: UInt8
    /// 0 for UDP.
    let flags: UInt8

    @inline(__always)
    init(_ datagram: PlainDatagram, on interface: Interface) {
      (addresses, destinationPort, tos) = (datagram.addresses, datagram.destinationPort, datagram.tos)
      input = interface.index
      proto = datagram.isTCP ? 6 : 17
      flags = datagram.isTCP ? datagram.tcpFlags : 0
    }

    /// The place of the key's line.
    @inline(__always)
    var line: Int {
      let rest =
        UInt64(destinationPort) << 32 | UInt64(tos) << 24 | UInt64(flags) << 16 | UInt64(proto) << 8 ^ UInt64(UInt32(bitPattern: input))
      let product = (addresses ^ rest &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      return Int(truncatingIfNeeded: product.high ^ product.low) & (lineCount &- 1)
    }
  }

  /// A packet replaces another one with the same line: this is only a cache.
  private struct Line: BitwiseCopyable {
    let key: Key
    var way: UInt16
  }

  /// In place of a number: other packets may go other ways.
  static let hopeless = UInt16.max
  /// In place of a number: one such packet was seen. Only from the second one on it is worth while to note a way.
  private static let seen = UInt16.max - 1
  private static let lineCount = 1 << 12

  /// Empty before the first packet.
  private var lines: [Line?] = []

  @inline(__always)
  mutating func answer(_ datagram: PlainDatagram, on interface: Interface) -> Answer {
    let key = Key(datagram, on: interface)
    if lines.isEmpty { lines = [Line?](repeating: nil, count: Self.lineCount) }
    guard let line = lines[key.line], line.key == key else {
      lines[key.line] = Line(key: key, way: Self.seen)
      return .unwanted
    }
    switch line.way {
    case Self.hopeless: return .unwanted
    case Self.seen: return .wanted
    default: return .known(line.way)
    }
  }

  mutating func keep(_ way: UInt16, _ datagram: PlainDatagram, on interface: Interface) {
    let key = Key(datagram, on: interface)
    guard !lines.isEmpty else { return }
    lines[key.line] = Line(key: key, way: way)
  }
}

/// What is known of a packet before its journey.
struct JourneyStart {
  /// What connection tracking found out, if it has seen the packet.
  var attachment = Attachment.none
  /// The verdict of connection tracking; nil if it has not seen the packet.
  var verdict: NetfilterVerdict?
  /// Set if the packet may go, or found, a known way.
  var datagram: PlainDatagram?
  /// True if the packet's connection has had no answer; it may have to be confirmed.
  var isBeginning = false
  /// True if the packets of the connection are translated.
  var isTranslated = false
}

extension Journey {
  /// Begins where a packet is that may have been tracked already.
  @inline(__always)
  mutating func begin(_ start: borrowing JourneyStart) {
    guard let verdict = start.verdict else { return }
    earlyVerdict = verdict
    context.attachment = start.attachment
    keepsWay = start.datagram != nil
  }
}

/// The fields of a TCP or UDP datagram over IPv4 that is whole, has no options of IP, no wrong checksum of its header and no bytes too many,
/// may be forwarded, and has at least twenty bytes behind the network header.
struct PlainDatagram: BitwiseCopyable {
  let tos: UInt8
  let ttl: UInt8
  /// The byte of the TCP flags; another one if it is not TCP.
  let tcpFlags: UInt8
  let length: Int
  let isTCP: Bool
  /// The source in the upper half.
  let addresses: UInt64
  let destinationPort: UInt16

  /// True for a segment with SYN.
  @inline(__always)
  var isSyn: Bool { isTCP && TCPFlags(rawValue: tcpFlags).contains(.syn) }

  @inline(__always)
  init?(_ packet: borrowing Packet) {
    guard let first = packet.bytes.uint32(at: 0), let second = packet.bytes.uint32(at: 4), let third = packet.bytes.uint32(at: 8),
      let source = packet.bytes.uint32(at: 12), let destination = packet.bytes.uint32(at: 16), let flags = packet.bytes.uint8(at: 33),
      let destinationPort = packet.bytes.uint16(at: 22),
      packet.bytes.count >= 40, first >> 24 == 0x45, Int(first & 0xFFFF) == packet.bytes.count, second & 0x3FFF == 0,
      packet.fragmentMaximumSize == 0
    else { return nil }
    let proto = third >> 16 & 0xFF
    let sum = UInt64(first) &+ UInt64(second) &+ UInt64(third) &+ UInt64(source) &+ UInt64(destination)
    guard proto == 17 || proto == 6, third >> 24 > 1, Checksum.fold(sum) == 0xFFFF else { return nil }
    tos = UInt8(truncatingIfNeeded: first >> 16)
    ttl = UInt8(truncatingIfNeeded: third >> 24)
    tcpFlags = flags
    length = packet.bytes.count
    isTCP = proto == 6
    addresses = UInt64(source) << 32 | UInt64(destination)
    self.destinationPort = destinationPort
  }
}

/// Notes the entries hit for a ``KnownWay``, and for the packet's ``HitLog``.
struct WayLogger: TableObserver {
  /// A way with more entries is not kept.
  private static let limit = 64

  var logger: HitLogger
  private(set) var hits: [KnownWay.Hit] = []
  /// False if a target has run, which may change anything.
  private(set) var isRepeatable = true

  init(_ logger: HitLogger) { self.logger = logger }

  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    logger.hit(entry, of: program, context)
    guard program.entries[entry].action != .target, hits.count < Self.limit else {
      isRepeatable = false
      return
    }
    hits.append(
      KnownWay.Hit(hit: HitLog.Hit(table: logger.table, entry: Int32(truncatingIfNeeded: entry)), isFirst: hits.isEmpty))
  }
}

extension HitLog {
  /// Notes what a packet hits on a known way.
  mutating func note(_ way: KnownWay) {
    for hit in way.hits {
      if hit.isFirst {
        end()
        begin()
      }
      note(hit.hit)
    }
    end()
    leftFirst = true
  }
}
