import Netfilter
import Wire

extension ConntrackCore {
  /// The offset of a direction at a sequence number, in 32-bit two's complement.
  /// The corresponding kernel function is `nf_ct_seq_offset`.
  @inline(__always)
  func sequenceOffset(_ slot: Int, _ direction: Direction, sequence: UInt32) -> UInt32 {
    guard entries[slot].status.contains(.sequenceAdjust) else { return 0 }
    return Self.adjustment(slot, direction, in: extensions).offset(at: sequence)
  }

  /// Static, because a method would copy the table for each segment.
  private static func adjustment(
    _ slot: Int, _ direction: Direction, in extensions: [UInt32: ConnectionExtension]
  ) -> SequenceAdjustment {
    extensions[UInt32(slot)]?.sequenceAdjustments[Int(direction.rawValue)] ?? SequenceAdjustment()
  }

  /// Records that the payload of a segment grew by `difference` bytes. Later sequence numbers are moved by that amount.
  /// The corresponding kernel function is `nf_ct_seqadj_set`.
  mutating func noteSequence(_ handle: ConnectionHandle, _ direction: Direction, sequence: UInt32, grewBy difference: Int32) {
    guard difference != 0, let slot = slot(handle) else { return }
    entries[slot].status.insert(.sequenceAdjust)
    extend(slot) {
      let index = Int(direction.rawValue)
      var adjustment = $0.sequenceAdjustments[index]
      if adjustment.offsetBefore == adjustment.offsetAfter || adjustment.correctionPosition.isBefore(sequence) {
        adjustment.correctionPosition = sequence
        adjustment.offsetBefore = adjustment.offsetAfter
        adjustment.offsetAfter &+= difference
      }
      $0.sequenceAdjustments[index] = adjustment
    }
  }

  /// Adds the offset of the segment's direction to its sequence number, and subtracts the other direction's offset from its
  /// acknowledgments (ACK and SACK).
  /// The corresponding kernel function is `nf_ct_seq_adjust`.
  mutating func adjustSequence(
    _ packet: inout Packet, at offset: Int, _ handle: ConnectionHandle, _ direction: Direction
  ) -> NetfilterVerdict {
    guard let slot = slot(handle), entries[slot].status.contains(.sequenceAdjust) else { return .accept }
    if moveNumbers(&packet, at: offset, slot, direction) { return .accept }
    statistics.drop += 1
    return .drop
  }

  private mutating func moveNumbers(_ packet: inout Packet, at offset: Int, _ slot: Int, _ direction: Direction) -> Bool {
    guard let header = TCPHeader(packet.bytes, at: offset), let checksum = packet.bytes.uint16(at: offset + TCPHeader.Offset.checksum)
    else { return false }
    let own = Self.adjustment(slot, direction, in: extensions)
    let other = Self.adjustment(slot, direction.opposite, in: extensions)
    let sequence = header.sequence &+ own.offset(at: header.sequence)
    var sum = Checksum.updated(checksum, from: header.sequence, to: sequence)
    packet.bytes.setUInt32(sequence, at: offset + TCPHeader.Offset.sequence)
    if header.flags.contains(.ack) {
      let moved = header.acknowledgment &- other.ackOffset(at: header.acknowledgment)
      sum = Checksum.updated(sum, from: header.acknowledgment, to: moved)
      packet.bytes.setUInt32(moved, at: offset + TCPHeader.Offset.acknowledgment)
      adjustSelectiveAcks(&packet, header, at: offset, by: other, &sum)
    }
    return packet.bytes.setUInt16(sum, at: offset + TCPHeader.Offset.checksum)
  }

  private mutating func adjustSelectiveAcks(
    _ packet: inout Packet, _ header: TCPHeader, at offset: Int, by adjustment: SequenceAdjustment, _ sum: inout UInt16
  ) {
    guard header.dataOffset > TCPHeader.minimumLength, adjustment != SequenceAdjustment() else { return }
    for option in header.options(in: packet.bytes, at: offset)
    where option.kind == TCPOptionKind.sack && option.length >= 10 && (option.length - 2) % 8 == 0 {
      for edge in stride(from: option.offset + 2, to: option.offset + option.length, by: 4) {
        guard let old = packet.bytes.uint32(at: edge) else { continue }
        let new = old &- adjustment.ackOffset(at: old)
        // At an odd position the edge's bytes are swapped in the checksum.
        sum =
          (edge - offset) % 2 == 0
          ? Checksum.updated(sum, from: old, to: new)
          : Checksum.updated(sum.byteSwapped, from: old, to: new).byteSwapped
        packet.bytes.setUInt32(new, at: edge)
      }
    }
  }
}

extension SequenceAdjustment {
  /// The offset to add to a sequence number.
  func offset(at sequence: UInt32) -> UInt32 {
    UInt32(bitPattern: sequence.isAfter(correctionPosition) ? offsetAfter : offsetBefore)
  }

  /// The offset to subtract from an acknowledgment.
  func ackOffset(at ack: UInt32) -> UInt32 {
    let moved = ack &- UInt32(bitPattern: offsetBefore)
    return UInt32(bitPattern: moved.isAfter(correctionPosition) ? offsetAfter : offsetBefore)
  }
}
