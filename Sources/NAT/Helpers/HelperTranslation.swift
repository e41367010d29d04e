public import Conntrack
import Wire

/// The NAT companions of the conntrack helpers. Kernel: `nf_nat_ftp`, `nf_nat_tftp`, `nf_nat_irc`, `nf_nat_amanda`, `nf_nat_pptp`,
/// `nf_nat_sip`.
public final class HelperTranslation: HelperNAT {
  var random: SeededRandom

  /// - Parameter seed: the seed for choosing a port if the requested one is taken.
  public init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// Translates an expected connection as its master: the source to the address that the master's other end sends to, the destination to
  /// the end that requested the connection.
  /// The corresponding kernel function is `nf_nat_follow_master`.
  public func expected(_ connection: ConnectionHandle, by expectation: Expectation, in table: ConntrackTable, now: Instant) {
    guard let master = table[expectation.master] else { return }
    switch expectation.function {
    case .pptp:
      pptpExpected(connection, expectation, master, in: table, now: now)
    case .natCallForwarding:
      forwardedCallExpected(connection, expectation, in: table, now: now)
    case .natSIP:
      sipExpected(connection, expectation, master, in: table, now: now)
    default:
      let other = master.tuple(expectation.direction.opposite)
      table.setUpNAT(connection, NATRange(address: other.destination), .source, random: &random, now: now)
      table.setUpNAT(
        connection, NATRange(address: other.source, port: expectation.savedID), .destination, random: &random, now: now)
    }
  }

  /// Adds an expectation at the requested port or, if that is taken, at the next free port above it. Nil if none is free.
  /// The corresponding kernel function is `nf_nat_exp_find_port`.
  func findPort(_ expectation: Expectation, _ call: HelperCall) -> (port: UInt16, handle: ExpectationHandle)? {
    let wanted = expectation.tuple.destinationID
    let range = UInt32(UInt16.max - wanted)
    var attempt = expectation
    for _ in 0...min(Int(range), 128) {
      do throws(ExpectationError) {
        return (attempt.tuple.destinationID, try call.table.expect(attempt, now: call.now))
      } catch {
        guard error == .clash, range > 0 else { return nil }
        attempt.tuple.destinationID = wanted &+ UInt16(truncatingIfNeeded: random.next() % UInt64(range))
      }
    }
    return nil
  }

  /// Replaces a part of a TCP payload and records the change of the sequence numbers. The corresponding kernel function is
  /// `nf_nat_mangle_tcp_packet`.
  func mangleTCP(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ range: Range<Int>, with replacement: [UInt8]
  ) -> Bool {
    guard let sequence = TCPHeader(packet.bytes, at: offset)?.sequence,
      let growth = packet.replaceTCPPayload(at: offset, range, with: replacement)
    else { return false }
    call.table.noteSequence(call.connection, call.direction, sequence: sequence, grewBy: Int32(growth))
    return true
  }
}
