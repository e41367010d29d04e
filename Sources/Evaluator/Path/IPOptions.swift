import Wire
import XTables

/// Processes the IPv4 options of a packet at the receiving or forwarding host. Kernel: `ip_options`.
///
/// The kernel changes the options twice: after routing, and after FORWARD. The header checksum is outdated in between.
struct IPOptions {
  /// Offsets of the options to change, from the start of the packet; 0 if absent.
  private var recordRoute = 0, timestamp = 0, sourceRoute = 0
  private var recordsRoute = false, needsTimestampAddress = false
  private(set) var isStrict = false
  /// The next hop if this host was the current hop of a source route; otherwise nil.
  private var nextHop: IPv4Address?
  private var isChanged = false
  var hasSourceRoute: Bool { sourceRoute > 0 }

  /// A faulty option, with the offset of the first faulty byte from the start of the packet.
  struct Fault: Error { let offset: Int }

  private static let end: UInt8 = 0, noOperation: UInt8 = 1, record: UInt8 = 7, time: UInt8 = 68
  private static let looseRoute: UInt8 = 131, strictRoute: UInt8 = 137, routerAlert: UInt8 = 148

  /// Parses the options of a routed packet, and fills in this host's record route and timestamp entries. The corresponding kernel function is
  /// `__ip_options_compile`.
  /// - Parameters:
  ///   - own: this host's address towards the packet's source.
  ///   - milliseconds: milliseconds since midnight UTC.
  ///   - isUnicast: true for an address of another host.
  init(
    _ packet: inout Packet, own: IPv4Address, milliseconds: UInt32, isUnicast: (IPv4Address) -> Bool
  ) throws(Fault) {
    guard let header = packet.ipv4 else { return }
    var place = IPv4Header.minimumLength
    let limit = min(header.headerLength, packet.count)
    while place < limit {
      let kind = packet.bytes[place]
      if kind == IPOptions.end {
        for offset in (place + 1)..<max(limit, place + 1) where packet.bytes[offset] != 0 {
          packet.bytes[offset] = 0
          isChanged = true
        }
        return
      }
      if kind == IPOptions.noOperation {
        place += 1
        continue
      }
      guard place + 1 < limit, case let length = Int(packet.bytes[place + 1]), length >= 2, place + length <= limit else {
        throw Fault(offset: place)
      }
      switch kind {
      case IPOptions.looseRoute, IPOptions.strictRoute: try readRoute(packet.bytes, at: place, length)
      case IPOptions.record: try readRecord(&packet.bytes, at: place, length, own)
      case IPOptions.time: try readTime(&packet.bytes, at: place, length, own, milliseconds, isUnicast)
      case IPOptions.routerAlert: if length < 4 { throw Fault(offset: place + 1) }
      default: break
      }
      place += length
    }
  }

  private mutating func readRoute(_ bytes: [UInt8], at place: Int, _ length: Int) throws(Fault) {
    guard length >= 3 else { throw Fault(offset: place + 1) }
    guard bytes[place + 2] >= 4 else { throw Fault(offset: place + 2) }
    guard sourceRoute == 0 else { throw Fault(offset: place) }
    isStrict = bytes[place] == IPOptions.strictRoute
    sourceRoute = place
  }

  private mutating func readRecord(_ bytes: inout [UInt8], at place: Int, _ length: Int, _ own: IPv4Address) throws(Fault) {
    guard recordRoute == 0 else { throw Fault(offset: place) }
    guard length >= 3 else { throw Fault(offset: place + 1) }
    let pointer = Int(bytes[place + 2])
    guard pointer >= 4 else { throw Fault(offset: place + 2) }
    recordRoute = place
    guard pointer <= length else { return }
    guard pointer + 3 <= length else { throw Fault(offset: place + 2) }
    bytes.setUInt32(own.rawValue, at: place + pointer - 1)
    bytes[place + 2] += 4
    isChanged = true
    recordsRoute = true
  }

  private mutating func readTime(
    _ bytes: inout [UInt8], at place: Int, _ length: Int, _ own: IPv4Address, _ milliseconds: UInt32, _ isUnicast: (IPv4Address) -> Bool
  ) throws(Fault) {
    guard timestamp == 0 else { throw Fault(offset: place) }
    guard length >= 4 else { throw Fault(offset: place + 1) }
    let pointer = Int(bytes[place + 2])
    guard pointer >= 5 else { throw Fault(offset: place + 2) }
    timestamp = place
    let flag = bytes[place + 3] & 15
    guard pointer <= length else {
      // No room: the overflow counter is incremented, except with prespecified addresses.
      guard flag != 3 else { return }
      guard bytes[place + 3] >> 4 != 15 else { throw Fault(offset: place + 3) }
      bytes[place + 3] += 16
      isChanged = true
      return
    }
    guard pointer + 3 <= length else { throw Fault(offset: place + 2) }
    let slot = place + pointer - 1
    var timeAt: Int?
    switch flag {
    case 0:
      timeAt = slot
      bytes[place + 2] += 4
    case 1, 3:
      guard pointer + 7 <= length else { throw Fault(offset: place + 2) }
      if flag == 3 {
        guard let named = bytes.uint32(at: slot), !isUnicast(IPv4Address(rawValue: named)) else { return }
      } else {
        bytes.setUInt32(own.rawValue, at: slot)
        needsTimestampAddress = true
      }
      timeAt = slot + 4
      bytes[place + 2] += 8
    default: break
    }
    guard let timeAt else { return }
    bytes.setUInt32(milliseconds, at: timeAt)
    isChanged = true
  }

  // MARK: Source routes

  /// The reason why a source route cannot be followed.
  enum Refusal: Error {
    case silent
    case problem(offset: Int)
  }

  /// Follows a source route if this host is the current hop: the next hop becomes the destination, and `decide` routes it.
  /// The corresponding kernel function is `ip_options_rcv_srr`.
  /// - Returns: the new routing decision; nil if the old one holds.
  mutating func follow(_ packet: inout Packet, _ decide: (IPv4Address) -> InputDecision) throws(Refusal) -> InputDecision? {
    var pointer = Int(packet.bytes[sourceRoute + 2])
    let length = Int(packet.bytes[sourceRoute + 1])
    var latest: InputDecision?
    while pointer <= length {
      guard pointer + 3 <= length, let word = packet.bytes.uint32(at: sourceRoute + pointer - 1) else {
        throw .problem(offset: sourceRoute + 2)
      }
      let next = IPv4Address(rawValue: word)
      let decision = decide(next)
      switch decision {
      case .local:
        // The next hop is this host too: continue with the one after it.
        packet.setDestination(next)
        isChanged = true
      case .forward:
        nextHop = next
        isChanged = true
        return decision
      default: throw .silent
      }
      latest = decision
      pointer += 4
    }
    return latest
  }

  // MARK: Forwarding

  /// Fills in what is known only at output. The corresponding kernel function is `ip_forward_options`.
  /// - Parameter source: the source address of this host towards a destination.
  func conclude(_ packet: inout Packet, source: (IPv4Address) -> IPv4Address?) {
    var isChanged = isChanged
    if let destination = packet.ipv4?.destination, recordsRoute, let own = source(destination) {
      packet.bytes.setUInt32(own.rawValue, at: recordRoute + Int(packet.bytes[recordRoute + 2]) - 5)
      isChanged = true
    }
    if let nextHop, let own = source(nextHop) {
      var pointer = Int(packet.bytes[sourceRoute + 2])
      let length = Int(packet.bytes[sourceRoute + 1])
      while pointer + 3 <= length, packet.bytes.uint32(at: sourceRoute + pointer - 1) != nextHop.rawValue { pointer += 4 }
      if pointer + 3 <= length {
        packet.setDestination(nextHop)
        packet.bytes.setUInt32(own.rawValue, at: sourceRoute + pointer - 1)
        packet.bytes[sourceRoute + 2] = UInt8(truncatingIfNeeded: pointer + 4)
        isChanged = true
      }
      if needsTimestampAddress { packet.bytes.setUInt32(own.rawValue, at: timestamp + Int(packet.bytes[timestamp + 2]) - 9) }
    }
    if isChanged { packet.updateHeaderChecksum() }
  }
}

extension Packet {
  /// Writes the destination without updating checksums.
  fileprivate mutating func setDestination(_ address: IPv4Address) {
    bytes.setUInt32(address.rawValue, at: IPv4Header.Offset.destination)
  }
}

extension Simulator {
  /// Parses the options of a routed packet, and follows a source route. Returns nil if the packet ends here.
  ///
  /// The corresponding kernel function is `ip_rcv_options`.
  func readOptions(_ journey: inout Journey, _ decision: InputDecision, _ flow: Flow) -> InputDecision? {
    let own: IPAddress?
    switch decision {
    case .local: own = host.addressType(flow.destination, on: nil) == .local ? flow.destination : nil
    case .forward: own = nil
    case .lost, .unreachable, .unknown, .undecided, .undecidedMembership: return decision
    }
    guard let source = flow.source, case .v4(let address)? = own ?? host.outputRoute(Flow(to: source))?.preferredSource else {
      return decision
    }
    let milliseconds = UInt32(world.now / 1_000_000 % 86_400_000)
    do throws(IPOptions.Fault) {
      journey.options = try IPOptions(&journey.context.packet, own: address, milliseconds: milliseconds) { [host] in
        host.addressType(.v4($0), on: nil) == .unicast
      }
    } catch {
      return object(&journey, at: error.offset)
    }
    return journey.options?.hasSourceRoute == true ? followSourceRoute(&journey, decision, flow) : decision
  }

  private func followSourceRoute(_ journey: inout Journey, _ decision: InputDecision, _ flow: Flow) -> InputDecision? {
    let name = flow.input?.name ?? ""
    let sysctls = host.sysctls.interface(.ipv4, name)
    let isAccepted = [sysctls.all["accept_source_route"], sysctls["accept_source_route"]].allSatisfy { $0 ?? 0 != 0 }
    guard isAccepted, journey.context.packet.type == .host, var options = journey.options else {
      _ = lose(&journey, "source routes are not accepted on \(name)")
      return nil
    }
    if case .forward = decision { return options.isStrict ? object(&journey, at: IPv4Header.Offset.destination) : decision }
    guard host.addressType(flow.destination, on: nil) == .local else {
      _ = lose(&journey, "the source route contains an address that is not unicast")
      return nil
    }
    let packet = journey.context.packet
    do throws(IPOptions.Refusal) {
      let then = try options.follow(&journey.context.packet) { [host] next in
        var flow = flow
        flow.destination = .v4(next)
        return host.inputRoute(flow, packet)
      }
      journey.options = options
      return then ?? decision
    } catch {
      if case .problem(let offset) = error { return object(&journey, at: offset) }
      _ = lose(&journey, "the source route leads to an unreachable address")
      return nil
    }
  }

  func conclude(_ options: IPOptions, _ journey: inout Journey) {
    let output = journey.route?.output
    options.conclude(&journey.context.packet) { [host] destination in
      guard case .v4(let own)? = host.outputRoute(Flow(to: .v4(destination), output: output))?.preferredSource else { return nil }
      return own
    }
  }

  /// Sends a parameter problem that points at the faulty byte.
  private func object(_ journey: inout Journey, at offset: Int) -> InputDecision? {
    answerError(&journey, type: 12, code: 0, information: UInt32(truncatingIfNeeded: offset) << 24)
    _ = lose(&journey, "the IP options are invalid")
    return nil
  }
}
