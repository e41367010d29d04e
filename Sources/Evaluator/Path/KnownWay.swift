import Conntrack
import Netfilter
import Wire
import XTables

/// A way on which packets of a settled connection leave the host, with all that they hit.
///
/// A packet's way follows from the rules, the host, and what all packets of its direction of the connection have in common, if no rule has
/// read anything else (``PacketReads``) or changed anything. So the next packet need not be asked the same questions. Each packet is tracked;
/// packets that are fragments, have options or faults, or do not fit through the route go through the hooks.
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
  /// The way of one direction of a connection.
  private struct Entry: BitwiseCopyable {
    var generation: UInt32
    var way: UInt16
    var tos: UInt8
    var flags: UInt8
    var input: Int32

    static let none = Entry(generation: 0, way: .max, tos: 0, flags: 0, input: 0)
  }

  private var ways: [KnownWay] = []
  private var numbers: [KnownWay: UInt16] = [:]
  /// Two for each slot of the connection table.
  private var entries: [Entry] = []
  private var hostVersion = 0

  /// The number of different ways.
  var count: Int { ways.count }

  /// The way of a packet; nil if none is known.
  func way(from start: borrowing JourneyStart, on interface: Interface, _ version: Int) -> KnownWay? {
    guard case .connection(let handle, let info) = start.attachment, let datagram = start.datagram else { return nil }
    let place = Int(handle.index) << 1 | Int(info.direction.rawValue)
    guard place < entries.count, version == hostVersion else { return nil }
    let entry = entries[place]
    guard entry.generation == handle.generation, entry.input == interface.index, entry.tos == datagram.tos, Int(entry.way) < ways.count
    else { return nil }
    let way = ways[Int(entry.way)]
    return datagram.length <= way.mtu && (!way.readsFlags || datagram.tcpFlags == entry.flags) ? way : nil
  }

  /// Keeps the way that a packet has gone.
  mutating func keep(_ way: KnownWay, from start: JourneyStart, on interface: Interface, _ version: Int) {
    guard case .connection(let handle, let info) = start.attachment, let datagram = start.datagram else { return }
    if version != hostVersion {
      self = KnownWays()
      hostVersion = version
    }
    let number = numbers[way] ?? UInt16(clamping: ways.count)
    guard number < .max else { return }
    if number == ways.count {
      ways.append(way)
      numbers[way] = number
    }
    let place = Int(handle.index) << 1 | Int(info.direction.rawValue)
    while entries.count <= place { entries.append(.none) }
    entries[place] = Entry(
      generation: handle.generation, way: number, tos: datagram.tos, flags: datagram.tcpFlags, input: interface.index)
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
/// may be forwarded, has at least twenty bytes behind the network header, and is no SYN, which begins a connection.
struct PlainDatagram: BitwiseCopyable {
  let tos: UInt8
  let ttl: UInt8
  /// The byte of the TCP flags; another one if it is not TCP.
  let tcpFlags: UInt8
  let length: Int

  @inline(__always)
  init?(_ packet: borrowing Packet) {
    guard let first = packet.bytes.uint32(at: 0), let second = packet.bytes.uint32(at: 4), let third = packet.bytes.uint32(at: 8),
      let source = packet.bytes.uint32(at: 12), let destination = packet.bytes.uint32(at: 16), let flags = packet.bytes.uint8(at: 33),
      packet.bytes.count >= 40, first >> 24 == 0x45, Int(first & 0xFFFF) == packet.bytes.count, second & 0x3FFF == 0,
      packet.fragmentMaximumSize == 0
    else { return nil }
    let proto = third >> 16 & 0xFF
    let sum = UInt64(first) &+ UInt64(second) &+ UInt64(third) &+ UInt64(source) &+ UInt64(destination)
    guard proto == 17 || proto == 6 && !TCPFlags(rawValue: flags).contains(.syn), third >> 24 > 1, Checksum.fold(sum) == 0xFFFF else {
      return nil
    }
    tos = UInt8(truncatingIfNeeded: first >> 16)
    ttl = UInt8(truncatingIfNeeded: third >> 24)
    tcpFlags = flags
    length = packet.bytes.count
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
