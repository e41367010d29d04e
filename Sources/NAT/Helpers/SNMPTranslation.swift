public import Conntrack
public import Netfilter
public import Wire

/// The NAT companion of the SNMP helpers. Translates values of type IpAddress that are the address of a translated host (RFC 2962,
/// the basic form).
extension HelperTranslation {
  /// The corresponding kernel functions are `help` and `snmp_translate` of `nf_nat_snmp_basic`.
  public func snmp(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard let header = UDPHeader(packet.bytes, at: offset), let connection = call.state else { return .accept }
    // Only responses and traps contain addresses.
    if header.sourcePort == 161, call.direction != .reply { return .accept }
    if header.destinationPort == 162, call.direction != .original { return .accept }
    if connection.status.isDisjoint(with: .natMask) { return .accept }
    guard header.length == packet.count - offset else { return .drop }
    let (own, other) = (connection.tuple(call.direction), connection.tuple(call.direction.opposite))
    let isOriginal = call.direction == .original
    let from = isOriginal ? own.sourceBits : other.sourceBits
    let to = isOriginal ? other.destinationBits : own.destinationBits
    if from == to { return .accept }
    var message = SNMPMessage(packet.bytes, from: offset + UDPHeader.length)
    let isSound = message.read()
    // The addresses before an error are already changed, but the packet is dropped.
    guard isSound else { return .drop }
    for place in message.addresses where packet.bytes.uint32(at: place) == UInt32(truncatingIfNeeded: from) {
      packet.bytes.setUInt32(UInt32(truncatingIfNeeded: to), at: place)
    }
    if header.checksum != 0 { packet.updateTransportChecksum() }
    return .accept
  }
}

/// Finds the addresses in an SNMP message of version 1 or 2c (RFC 1157, RFC 3416), encoded in BER.
///
/// Accepts the kernel's grammar, which has no Trap-PDU of version 1. The corresponding kernel function is `asn1_ber_decoder`.
struct SNMPMessage {
  private enum Tag {
    static let integer: UInt8 = 0x02, octets: UInt8 = 0x04, null: UInt8 = 0x05, object: UInt8 = 0x06, sequence: UInt8 = 0x30
    static let address: UInt8 = 0x40
    /// Counter32, Unsigned32, TimeTicks, Opaque, Counter64.
    static let numbers: Set<UInt8> = [0x41, 0x42, 0x43, 0x44, 0x46]
    /// noSuchObject, noSuchInstance, endOfMibView.
    static let exceptions: Set<UInt8> = [0x80, 0x81, 0x82]
    static let constructed: UInt8 = 0x20
  }

  private let bytes: [UInt8]
  private var place: Int
  private var end: Int
  /// The positions of the values of type IpAddress.
  private(set) var addresses: [Int] = []

  init(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    place = start
    end = bytes.count
  }

  /// Reads the message. False if it is not an SNMP message.
  mutating func read() -> Bool {
    readSequence(Tag.sequence) { message in
      guard let version = message.readPrimitive([Tag.integer]), version.count == 1, message.bytes[version.lowerBound] <= 1,
        message.readPrimitive([Tag.octets]) != nil, let kind = message.next,
        let pdu = [0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA6, 0xA7, 0xA8].first(where: { $0 == kind | Tag.constructed })
      else { return false }
      return message.readSequence(pdu) { $0.readBody() }
    }
  }

  private mutating func readBody() -> Bool {
    for _ in 0..<3 where readPrimitive([Tag.integer]) == nil { return false }
    return readSequence(Tag.sequence) { list in
      repeat {
        guard list.readSequence(Tag.sequence, { $0.readBinding() }) else { return false }
      } while !list.isAtEnd
      return true
    }
  }

  private mutating func readBinding() -> Bool {
    guard readPrimitive([Tag.object]) != nil, let kind = next else { return false }
    let known: Set<UInt8> = [Tag.integer, Tag.octets, Tag.object, Tag.address, Tag.null]
    guard let value = readPrimitive(known.union(Tag.numbers).union(Tag.exceptions)) else { return false }
    guard kind == Tag.address else { return true }
    guard value.count == 4 else { return false }
    addresses.append(value.lowerBound)
    return true
  }

  // MARK: Elements

  private var next: UInt8? { place < end ? bytes[place] : nil }

  /// True at the end of the surrounding element: at its length, or at an end-of-contents marker if its length is indefinite.
  private var isAtEnd: Bool { place >= end || (isIndefinite && bytes[place] == 0) }
  private var isIndefinite = false

  /// The content of an element that has one of these tags.
  private mutating func readPrimitive(_ tags: Set<UInt8>) -> Range<Int>? {
    guard end - place >= 2, tags.contains(bytes[place]) else { return nil }
    place += 1
    guard let length = readLength(), length != nil, let count = length else { return nil }
    let start = place
    place += count
    return start..<place
  }

  /// Reads a length. The inner nil is an indefinite length; the outer nil is an error.
  private mutating func readLength() -> Int?? {
    guard place < end else { return nil }
    var length = Int(bytes[place])
    place += 1
    if length == 0x80 { return end - place >= 2 ? .some(nil) : nil }
    if length > 0x80 {
      let count = length - 0x80
      guard count <= 7, count <= end - place else { return nil }
      length = 0
      for _ in 0..<count {
        length = length << 8 | Int(bytes[place])
        place += 1
      }
    }
    return length <= end - place ? length : nil
  }

  /// Reads a constructed element, which `body` must read to its end.
  private mutating func readSequence(_ tag: UInt8, _ body: (inout SNMPMessage) -> Bool) -> Bool {
    guard end - place >= 2, bytes[place] | Tag.constructed == tag else { return false }
    let isConstructed = bytes[place] & Tag.constructed != 0
    place += 1
    guard let length = readLength(), length != nil || isConstructed else { return false }
    let outer = (end, isIndefinite)
    isIndefinite = length == nil
    if let length { end = place + length }
    guard body(&self) else { return false }
    if isIndefinite {
      guard end - place >= 2, bytes[place] == 0, bytes[place + 1] == 0 else { return false }
      place += 2
    } else if place != end {
      return false
    }
    (end, isIndefinite) = outer
    return true
  }
}
