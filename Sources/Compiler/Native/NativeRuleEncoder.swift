package import Wire
package import XTables

/// Encodes a rule in expressions of nf_tables, as iptables-nft 1.8.9 does.
///
/// The corresponding C functions are `nft_ipv4_add` and `nft_ipv6_add`.
package struct NativeRuleEncoder: Sendable {
  private let family: Family

  /// `NFT_META_*`.
  enum Meta {
    static let inputIndex: UInt32 = 4, outputIndex: UInt32 = 5
    static let inputName: UInt32 = 6, outputName: UInt32 = 7, transportProtocol: UInt32 = 16
  }

  /// The offsets of fields in the network header, in bytes.
  struct Offsets {
    let source: UInt32
    let destination: UInt32
    /// Of an address.
    let length: Int
    static let fragment: UInt32 = 6, ipv4Protocol: UInt32 = 9

    init(_ family: Family) { (source, destination, length) = family == .ipv4 ? (12, 16, 4) : (8, 24, 16) }
  }

  package init(_ family: Family) { self.family = family }

  /// Why a rule has no form in nf_tables.
  package struct Inexpressible: Error, Sendable {
    /// A sentence about the rule.
    package let reason: String
  }

  /// The expressions of a rule.
  package func expressions(_ rule: Rule) throws(Inexpressible) -> [NativeExpression] {
    var result: [NativeExpression] = []
    header(rule.header, &result)
    for match in rule.matches { try use(match, of: rule.header, &result) }
    result.append(.counter(packets: rule.counters.packets, bytes: rule.counters.bytes))
    switch rule.target {
    case .none: break
    case .verdict(.accept): result.append(.verdict(NativeExpression.Code.accept, chain: nil))
    case .verdict(.drop): result.append(.verdict(NativeExpression.Code.drop, chain: nil))
    case .verdict(.return): result.append(.verdict(NativeExpression.Code.return, chain: nil))
    case .verdict(.queue):
      throw Inexpressible(reason: "the verdict QUEUE does not exist in nf_tables' rules of iptables; name the queue with a target")
    case .jump(let chain): result.append(.verdict(NativeExpression.Code.jump, chain: chain))
    case .goto(let chain): result.append(.verdict(NativeExpression.Code.goto, chain: chain))
    case .use(let target): try use(target, of: rule.header, &result)
    }
    return result
  }

  private func use(_ use: ExtensionUse, of header: RuleHeader, _ result: inout [NativeExpression]) throws(Inexpressible) {
    if let steps = use.descriptor.native?.encode(use.payload) {
      // The kernel does not check the protocol of expressions, as it does for a match.
      if let protocols = use.descriptor.scope(family).protocols, !protocols.contains(header.protocolNumber) {
        let name = use.descriptor.name
        throw Inexpressible(reason: "\(name.uppercased()) match requires '-p \(name)'")
      }
      for step in steps { append(step, &result) }
      return
    }
    let bytes = Array(use.kernelBytes)
    switch use.descriptor.kind {
    case .match: result.append(.match(name: use.descriptor.kernelName, revision: use.descriptor.revision, bytes))
    case .target: result.append(.target(name: use.descriptor.kernelName, revision: use.descriptor.revision, bytes))
    }
  }

  private func append(_ step: NativeStep, _ result: inout [NativeExpression]) {
    let register = NativeExpression.register
    switch step {
    case .test(let test):
      switch test.subject {
      case .meta(let key): result.append(.meta(key: key, register: register))
      case .payload(let base, let offset, let length):
        result.append(.payload(base: base, offset: offset, length: length, register: register))
      case .connection(let key): result.append(.connection(key: key, register: register))
      case .addressType(let isSource): result.append(.addressType(isSource: isSource, register: register))
      }
      if let mask = test.mask {
        result.append(.bitwise(source: register, register: register, mask: mask, flips: [UInt8](repeating: 0, count: mask.count)))
      }
      if test.comparison == .inRange || test.comparison == .outOfRange {
        result.append(.range(register: register, test.comparison, test.value, test.upper))
      } else {
        result.append(.compare(register: register, test.comparison, test.value))
      }
    case .limit(let rate, let unit, let burst): result.append(.limit(rate: rate, unit: unit, burst: burst))
    case .log(let log): result.append(.log(log))
    case .setMeta(let key, let value):
      result.append(.constant(register: NativeExpression.constantRegister, value))
      result.append(.setMeta(key: key, register: NativeExpression.constantRegister))
    }
  }

  // MARK: The header

  private func header(_ header: RuleHeader, _ result: inout [NativeExpression]) {
    interface(header.input, Meta.inputName, header.inverted.contains(.input), &result)
    interface(header.output, Meta.outputName, header.inverted.contains(.output), &result)
    if header.protocolNumber != 0 {
      let comparison: NativeTest.Comparison = header.inverted.contains(.protocol) ? .unequal : .equal
      append(.test(NativeTest(.meta(Meta.transportProtocol), comparison, [header.protocolNumber])), &result)
    }
    let offsets = Offsets(family)
    address(header.source, at: offsets.source, header.inverted.contains(.source), &result)
    address(header.destination, at: offsets.destination, header.inverted.contains(.destination), &result)
    if header.isFragment {
      let subject = NativeTest.Subject.payload(base: NativeTest.networkHeader, offset: Offsets.fragment, length: 2)
      append(.test(NativeTest(subject, mask: [0x1f, 0xff], header.inverted.contains(.fragment) ? .equal : .unequal, [0, 0])), &result)
    }
  }

  /// The corresponding C functions are `add_iniface` and `add_outiface`. A test of any interface only loads the name; its inversion, which
  /// never matches, compares with a name that no interface has.
  private func interface(_ pattern: InterfacePattern, _ key: UInt32, _ isInverted: Bool, _ result: inout [NativeExpression]) {
    guard pattern.name != 0 || pattern.mask != 0 else { return }
    guard pattern.mask != 0 else {
      result.append(.meta(key: key, register: NativeExpression.register))
      if isInverted { result.append(.compare(register: NativeExpression.register, .equal, Self.impossibleName)) }
      return
    }
    let count = pattern.mask.nonzeroBitCount / 8
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: pattern.name >> UInt128(120 - 8 * $0)) }
    append(.test(NativeTest(.meta(key), isInverted ? .unequal : .equal, bytes)), &result)
  }

  static let impossibleName = Array("INVAL/D\0".utf8)

  /// The corresponding C function is `add_addr`. A mask of whole bytes compares as many bytes.
  private func address(_ value: AddressMask, at offset: UInt32, _ isInverted: Bool, _ result: inout [NativeExpression]) {
    guard value.address != 0 || value.mask != 0 || isInverted else { return }
    let length = Offsets(family).length
    func bytes(_ bits: UInt128) -> [UInt8] { (0..<length).map { UInt8(truncatingIfNeeded: bits >> UInt128(8 * (length - 1 - $0))) } }
    let mask = bytes(value.mask)
    let whole = mask.prefix { $0 == 0xff }.count
    let needsMask = mask[whole...].contains { $0 != 0 }
    let count = needsMask ? length : whole
    let subject = NativeTest.Subject.payload(base: NativeTest.networkHeader, offset: offset, length: UInt32(count))
    let test = NativeTest(
      subject, mask: needsMask ? mask : nil, isInverted ? .unequal : .equal, Array(bytes(value.address).prefix(count)))
    append(.test(test), &result)
  }
}
