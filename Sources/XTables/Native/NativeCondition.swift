internal import Wire

extension NativeStep {
  /// The meaning of steps that only test the transport header. It differs from that of the match which they stand for where a packet is too
  /// short: an expression that cannot load its bytes ends the rule, and drops nothing.
  ///
  /// - Returns: nil if a step is another one.
  public static func condition(_ steps: [NativeStep]) -> Condition? {
    var parts: [Condition] = []
    for step in steps {
      guard case .test(let test) = step, case .payload(NativeTest.transportHeader, let offset, let length) = test.subject, length <= 16
      else {
        return nil
      }
      parts.append(test.condition(on: .transportBytes(at: Int(offset), count: Int(length))))
    }
    return .all(parts)
  }
}

extension NativeTest {
  fileprivate func condition(on field: Field) -> Condition {
    func number(_ bytes: [UInt8]) -> UInt128 { bytes.reduce(0) { $0 << 8 | UInt128($1) } }
    let constant = number(value)
    if let mask {
      let masked = Condition.masked(field, constant, mask: number(mask))
      return isEquality ? masked.inverted(comparison == .unequal) : .opaque
    }
    switch comparison {
    case .equal, .unequal: return Condition.equals(field, constant).inverted(comparison == .unequal)
    case .less: return constant == 0 ? .never : .inRange(field, 0, constant - 1)
    case .atMost: return .inRange(field, 0, constant)
    case .greater: return Condition.inRange(field, 0, constant).inverted(true)
    case .atLeast: return .inRange(field, constant, field.greatest)
    case .inRange, .outOfRange: return Condition.inRange(field, constant, number(upper)).inverted(comparison == .outOfRange)
    }
  }
}

extension Field {
  /// Bytes of the transport header as one number; absent if the packet ends before, or is a later fragment.
  ///
  /// The corresponding kernel function is `nft_payload_eval`.
  static func transportBytes(at offset: Int, count: Int) -> Field {
    Field("transport.\(offset).\(count)", bits: 8 * count, FieldTraits(.packet, [.value, .absent, .unknown])) { context in
      guard let transport = context.packet.transport, transport.fragmentOffset == 0, !transport.isChainBroken else { return .absent }
      let start = transport.offset + offset
      guard start + count <= context.packet.bytes.count else { return .absent }
      return context.number(start..<start + count)
    }
  }
}
