import XTables

/// The ports of TCP and UDP as tests of the transport header.
///
/// The corresponding C functions are `add_nft_tcpudp`, and for reading `nft_parse_transport` and `port_match_single_to_range`.
struct NativePorts {
  var source: PortRange
  var destination: PortRange
  var isSourceInverted: Bool
  var isDestinationInverted: Bool

  /// The tests of both ports. Two single ports that are inverted alike are one test of four bytes.
  var steps: [NativeStep] {
    if source.low != 0, source.low == source.high, destination.low != 0, destination.low == destination.high,
      isSourceInverted == isDestinationInverted
    {
      let bytes = Self.bytes(source.low) + Self.bytes(destination.low)
      return [Self.step(offset: 0, isSourceInverted ? .unequal : .equal, bytes)]
    }
    return [Self.step(source, offset: 0, isSourceInverted), Self.step(destination, offset: 2, isDestinationInverted)].compactMap(\.self)
  }

  private static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }

  private static func step(
    offset: UInt32, _ comparison: NativeTest.Comparison, _ value: [UInt8], upper: [UInt8] = []
  ) -> NativeStep {
    let subject = NativeTest.Subject.payload(base: NativeTest.transportHeader, offset: offset, length: UInt32(value.count))
    return .test(NativeTest(subject, comparison, value, upper: upper))
  }

  /// The corresponding C function is `expr_gen_range_cmp16`. Nil for all ports.
  private static func step(_ range: PortRange, offset: UInt32, _ isInverted: Bool) -> NativeStep? {
    if range.low == 0, range.high == .max { return nil }
    if range.low == range.high { return step(offset: offset, isInverted ? .unequal : .equal, bytes(range.low)) }
    if range.low == 0 { return step(offset: offset, isInverted ? .greater : .atMost, bytes(range.high)) }
    return step(offset: offset, isInverted ? .outOfRange : .inRange, bytes(range.low), upper: bytes(range.high))
  }

  /// Adds what a test says.
  ///
  /// - Returns: false if the test is not one of ports.
  mutating func take(_ test: NativeTest) -> Bool {
    guard case .payload(NativeTest.transportHeader, let offset, let length) = test.subject, test.mask == nil else { return false }
    if offset == 0, length == 4, let both = test.number(UInt32.self), test.isEquality {
      let isInverted = test.comparison == .unequal
      source = PortRange(UInt16(both >> 16), UInt16(both >> 16))
      destination = PortRange(UInt16(both & 0xffff), UInt16(both & 0xffff))
      (isSourceInverted, isDestinationInverted) = (isInverted, isInverted)
      return true
    }
    guard length == 2, let port = test.number(UInt16.self) else { return false }
    switch offset {
    case 0: return Self.take(test, port, into: &source, &isSourceInverted)
    case 2: return Self.take(test, port, into: &destination, &isDestinationInverted)
    default: return false
    }
  }

  private static func take(_ test: NativeTest, _ port: UInt16, into range: inout PortRange, _ isInverted: inout Bool) -> Bool {
    // nft(8) tests the two ends of a range one after the other. Other tests of the same port cannot be joined.
    let isFirst =
      switch test.comparison {
      case .less, .atMost: range.high == .max && !isInverted
      case .greater, .atLeast: range.low == 0 && !isInverted
      default: range == .all && !isInverted
      }
    switch test.comparison {
    case .equal, .unequal: range = PortRange(port, port)
    case .less where port > 0: range.high = port - 1
    case .atMost: range.high = port
    case .greater where port < .max: range.low = port + 1
    case .atLeast: range.low = port
    case .inRange, .outOfRange:
      guard test.upper.count == 2 else { return false }
      range = PortRange(port, UInt16(test.upper[0]) << 8 | UInt16(test.upper[1]))
    case .less, .greater: return false
    }
    isInverted = test.comparison == .unequal || test.comparison == .outOfRange
    return isFirst
  }
}

extension NativeTest {
  /// The value of a test of one byte at an offset of a header; nil for other tests.
  func byte(base: UInt32, at offset: UInt32) -> UInt8? {
    guard subject == .payload(base: base, offset: offset, length: 1), mask == nil else { return nil }
    return number(UInt8.self)
  }
}

extension HopLimitTest {
  /// The form in expressions: a test of the byte at an offset of the network header. iptables-nft only reads it.
  ///
  /// The corresponding C function is `nft_parse_hl`.
  static func native(at offset: UInt32) -> NativeForm<HopLimitTest> {
    NativeForm { step, _, info in
      guard case .test(let test) = step, let limit = test.byte(base: NativeTest.networkHeader, at: offset) else { return nil }
      return HopLimitTest(test.comparison, limit)
    }
  }
}

extension ICMPType {
  /// The type, with or without a code, that a test compares; nil for other tests.
  ///
  /// The corresponding C function is `nft_parse_icmp`.
  init?(_ test: NativeTest) {
    guard case .payload(NativeTest.transportHeader, 0, _) = test.subject, test.mask == nil, test.isEquality else { return nil }
    switch test.value.count {
    case 1: self.init(type: test.value[0])
    case 2: self.init(type: test.value[0], lowCode: test.value[1], highCode: test.value[1])
    default: return nil
    }
  }
}
