package import Wire
package import XTables

/// Decodes a rule of nf_tables into the rule of iptables that does the same, if there is one.
///
/// The corresponding C function is `nft_rule_to_iptables_command_state`. It ignores what it does not know; this decoder then calls the rule
/// native and says why. A class: as a structure, its nine references would be counted for each rule.
package final class NativeRuleDecoder: Sendable {
  /// Why a rule is not one of iptables.
  package struct Native: Error, Sendable, Hashable {
    /// A phrase: `the expression ct is not one that iptables writes`.
    package let reason: String
  }

  private let registry: Registry
  private let family: Family
  private let matches: [Form]
  private let targets: [Form]
  private let interfaceName: @Sendable (UInt32) -> String?

  /// An extension with expressions of its own.
  private struct Form {
    let descriptor: ExtensionDescriptor
    let form: NativeFormDescriptor
    /// One of these must be the rule's protocol; nil for any protocol.
    let protocols: [UInt8]?
  }

  /// - Parameter interfaceName: the name of an interface by its index; nil if there is none.
  package init(_ registry: Registry, _ family: Family, interfaceName: @escaping @Sendable (UInt32) -> String? = { _ in nil }) {
    self.interfaceName = interfaceName
    self.registry = registry
    self.family = family
    let forms = registry.withNativeForm(family).compactMap { descriptor in
      descriptor.native.map { Form(descriptor: descriptor, form: $0, protocols: descriptor.scope(family).protocols) }
    }
    matches = forms.filter { $0.descriptor.kind == .match }
    targets = forms.filter { $0.descriptor.kind == .target }
  }

  /// - Parameter comment: the comment in the user data of the rule, without a NUL; nil if there is none.
  package func rule(_ expressions: [NativeExpression], comment: [UInt8]? = nil) throws(Native) -> Rule {
    try rule(comment: comment) { take throws(Native) in for expression in expressions { try take(expression) } }
  }

  /// - Parameter forEach: calls its argument with each expression.
  package func rule(
    comment: [UInt8]?, _ forEach: ((NativeExpression) throws(Native) -> Void) throws(Native) -> Void
  ) throws(Native) -> Rule {
    var reading = Reading(decoder: self)
    try forEach { expression throws(Native) in try reading.take(expression) }
    if let comment {
      guard let remark = registry.remark(family), comment.count < remark.size else {
        throw Native(reason: "its comment is longer than one of iptables")
      }
      var payload = remark.template
      for (index, byte) in comment.enumerated() { payload[index] = byte }
      reading.rule.matches.append(ExtensionUse(remark, payload: payload))
    }
    return try reading.finished()
  }

  /// A rule in the course of reading.
  private struct Reading {
    private enum Register {
      case loaded(NativeTest.Subject, mask: [UInt8]?)
      case constant([UInt8])
    }

    let decoder: NativeRuleDecoder
    var rule = Rule()
    /// What the registers hold that were written, which are one or two.
    private var registers: [(number: UInt32, content: Register)] = []
    /// `NFT_REG32_15` is 23.
    private static let registerCount = 24
    private var hasTarget = false
    /// True after something of the packet was loaded that no test has used yet.
    private var isLoadPending = false
    /// The indices of the matches that take further steps, by extension.
    private var open: [(descriptor: ExtensionDescriptor, index: Int)] = []

    init(decoder: NativeRuleDecoder) { self.decoder = decoder }

    mutating func take(_ expression: NativeExpression) throws(Native) {
      if hasTarget { throw Native(reason: "the expression \(expression.name) follows the verdict or target") }
      switch expression {
      case .meta(let key, let register): try load(.meta(key), register)
      case .payload(let base, let offset, let length, let register):
        try load(.payload(base: base, offset: offset, length: length), register)
        isLoadPending = true
      case .bitwise(let source, let register, let mask, let flips): try apply(mask: mask, source, register, flips)
      case .compare(let register, let comparison, let value): try test(register, comparison, value)
      case .range(let register, let comparison, let low, let high): try test(register, comparison, low, upper: high)
      case .counter(let packets, let bytes): rule.counters = Counters(packets: packets, bytes: bytes)
      case .constant(let register, let bytes):
        try write(.constant(bytes), to: register)
      case .verdict(let code, let chain): try verdict(code, chain)
      case .setMeta(let key, let register):
        guard case .constant(let value)? = try content(of: register) else { throw foreign(expression) }
        try target(.setMeta(key: key, value: value), expression)
      case .log(let log): try target(.log(log), expression)
      case .limit(let rate, let unit, let burst):
        guard try match(.limit(rate: rate, unit: unit, burst: burst)) else { throw foreign(expression) }
      case .match(let name, let revision, let bytes):
        rule.matches.append(try use(.match, name, revision, bytes))
      case .target(let name, let revision, let bytes):
        rule.target = .use(try use(.target, name, revision, bytes))
        hasTarget = true
      case .connection, .addressType, .lookup, .byteOrder, .overLimit, .kernelLog, .reject, .queue, .passive, .other:
        throw foreign(expression)
      }
    }

    func finished() throws(Native) -> Rule {
      if isLoadPending { throw Native(reason: "bytes of the packet are loaded and not compared") }
      return rule
    }

    private func foreign(_ expression: NativeExpression) -> Native {
      Native(reason: "iptables has no form of the expression \(expression.name)")
    }

    private func content(of register: UInt32) throws(Native) -> Register? {
      try check(register)
      for known in registers where known.number == register { return known.content }
      return nil
    }

    private mutating func write(_ content: Register, to register: UInt32) throws(Native) {
      try check(register)
      for index in registers.indices where registers[index].number == register {
        registers[index].content = content
        return
      }
      registers.append((register, content))
    }

    private func check(_ register: UInt32) throws(Native) {
      guard register < Self.registerCount else { throw Native(reason: "register \(register) does not exist") }
    }

    private mutating func load(_ subject: NativeTest.Subject, _ register: UInt32) throws(Native) {
      try check(register)
      if isLoadPending { throw Native(reason: "bytes of the packet are loaded and not compared") }
      try write(.loaded(subject, mask: nil), to: register)
    }

    private mutating func apply(mask: [UInt8], _ source: UInt32, _ register: UInt32, _ flips: [UInt8]) throws(Native) {
      let content = try content(of: source)
      try check(register)
      guard case .loaded(let subject, nil)? = content, flips.allSatisfy({ $0 == 0 }) else {
        throw Native(reason: "iptables has no form of this bitwise operation")
      }
      try write(.loaded(subject, mask: mask), to: register)
    }

    private mutating func test(
      _ register: UInt32, _ comparison: NativeTest.Comparison, _ value: [UInt8], upper: [UInt8] = []
    ) throws(Native) {
      guard case .loaded(let subject, let mask)? = try content(of: register) else {
        throw Native(reason: "a register is compared that was not loaded from the packet")
      }
      let test = NativeTest(subject, mask: mask, comparison, value, upper: upper)
      isLoadPending = false
      if try header(test) { return }
      guard try match(.test(test)) else { throw Native(reason: "iptables has no form of a test of \(Self.name(subject))") }
    }

    private static func name(_ subject: NativeTest.Subject) -> String {
      switch subject {
      case .meta(let key): return "metadata \(key)"
      case .payload(let base, let offset, let length):
        let header = ["the link-layer header", "the network header", "the transport header"]
        return "\(length) bytes at offset \(offset) of \(Int(base) < header.count ? header[Int(base)] : "header \(base)")"
      case .connection(let key): return "property \(key) of the connection"
      case .addressType: return "the type of an address"
      }
    }

    private mutating func verdict(_ code: Int32, _ chain: String?) throws(Native) {
      switch (code, chain) {
      case (NativeExpression.Code.accept, nil): rule.target = .verdict(.accept)
      case (NativeExpression.Code.drop, nil): rule.target = .verdict(.drop)
      case (NativeExpression.Code.return, nil): rule.target = .verdict(.return)
      case (NativeExpression.Code.jump, let chain?): rule.target = .jump(chain)
      case (NativeExpression.Code.goto, let chain?): rule.target = .goto(chain)
      default: throw Native(reason: "iptables has no form of verdict \(code)")
      }
      hasTarget = true
    }

    // MARK: Matches and targets

    private func use(_ kind: ExtensionDescriptor.Kind, _ name: String, _ revision: UInt8, _ bytes: [UInt8]) throws(Native) -> ExtensionUse {
      guard StructureBytes.canName(kind, name) else { throw Native(reason: "it contains a \(kind.rawValue) with an invalid name") }
      let padding = Payload.aligned(bytes.count) - bytes.count
      let padded = padding == 0 ? bytes : bytes + [UInt8](repeating: 0, count: padding)
      let found = decoder.registry.decode(kind, kernelName: name, revision: revision, padded, decoder.family)
      return ExtensionUse(found.descriptor, payload: found.payload)
    }

    private var site: NativeSite {
      let isGiven = rule.header.protocolNumber != 0 && !rule.header.inverted.contains(.protocol)
      return NativeSite(decoder.family, protocolNumber: isGiven ? rule.header.protocolNumber : nil)
    }

    /// Gives a step to the match that it belongs to; false if it belongs to none.
    private mutating func match(_ step: NativeStep) throws(Native) -> Bool {
      let site = site
      for candidate in decoder.matches where candidate.protocols.map({ $0.contains(site.protocolNumber ?? 0) }) ?? true {
        let (descriptor, form) = (candidate.descriptor, candidate.form)
        if let known = open.first(where: { $0.descriptor === descriptor }) {
          let payload = rule.matches[known.index].payload
          if let changed = form.decode(step, site, payload) {
            rule.matches[known.index] = ExtensionUse(descriptor, payload: changed)
            return true
          }
          guard form.decode(step, site, descriptor.template) == nil else {
            throw Native(reason: "a field is tested twice, which one match of iptables cannot do")
          }
        } else if let payload = form.decode(step, site, descriptor.template) {
          if form.accumulates { open.append((descriptor, rule.matches.count)) }
          rule.matches.append(ExtensionUse(descriptor, payload: payload))
          return true
        }
      }
      return false
    }

    private mutating func target(_ step: NativeStep, _ expression: NativeExpression) throws(Native) {
      for candidate in decoder.targets {
        let descriptor = candidate.descriptor
        guard let payload = candidate.form.decode(step, site, descriptor.template) else { continue }
        rule.target = .use(ExtensionUse(descriptor, payload: payload))
        hasTarget = true
        return
      }
      throw foreign(expression)
    }

    // MARK: The header

    /// Adds a test of addresses, interfaces or protocol to the header; false if it is another test.
    private mutating func header(_ test: NativeTest) throws(Native) -> Bool {
      let offsets = NativeRuleEncoder.Offsets(decoder.family)
      switch test.subject {
      case .meta(NativeRuleEncoder.Meta.inputName):
        rule.header.input = try interface(test, unless: rule.header.input, .input)
      case .meta(NativeRuleEncoder.Meta.outputName):
        rule.header.output = try interface(test, unless: rule.header.output, .output)
      case .meta(NativeRuleEncoder.Meta.inputIndex):
        rule.header.input = try interface(named(test), unless: rule.header.input, .input)
      case .meta(NativeRuleEncoder.Meta.outputIndex):
        rule.header.output = try interface(named(test), unless: rule.header.output, .output)
      case .meta(NativeRuleEncoder.Meta.transportProtocol): try protocolTest(test)
      case .payload(NativeTest.networkHeader, NativeRuleEncoder.Offsets.ipv4Protocol, 1) where decoder.family == .ipv4:
        try protocolTest(test)
      case .payload(NativeTest.networkHeader, offsets.source, let length):
        rule.header.source = try address(test, length, offsets, unless: rule.header.source, .source)
      case .payload(NativeTest.networkHeader, offsets.destination, let length):
        rule.header.destination = try address(test, length, offsets, unless: rule.header.destination, .destination)
      case .payload(NativeTest.networkHeader, NativeRuleEncoder.Offsets.fragment, 2) where decoder.family == .ipv4:
        guard test.mask == [0x1f, 0xff], test.value == [0, 0], test.isEquality, !rule.header.isFragment else { return false }
        rule.header.isFragment = true
        if test.comparison == .equal { rule.header.inverted.insert(.fragment) }
      default: return false
      }
      return true
    }

    private static let twice = Native(reason: "a field is tested twice, which a rule of iptables cannot do")

    private mutating func protocolTest(_ test: NativeTest) throws(Native) {
      guard test.mask == nil, test.isEquality, let number = test.number(UInt8.self), number != 0 else {
        throw Native(reason: "iptables has no form of this test of the protocol")
      }
      let isInverted = test.comparison == .unequal
      // A repeated test of the same protocol changes nothing.
      if rule.header.protocolNumber == number, rule.header.inverted.contains(.protocol) == isInverted { return }
      guard rule.header.protocolNumber == 0 else { throw Self.twice }
      rule.header.protocolNumber = number
      rule.header.isProtocolGiven = decoder.family == .ipv6
      if isInverted { rule.header.inverted.insert(.protocol) }
    }

    /// A test of an interface's index as one of its name. The corresponding C function is `parse_meta`.
    private func named(_ test: NativeTest) throws(Native) -> NativeTest {
      guard let index = test.value.word(UInt32.self, at: 0), test.value.count == 4, let name = decoder.interfaceName(index) else {
        throw Native(reason: "no interface has the index that it tests")
      }
      var test = test
      test.value = Array(name.utf8) + [0]
      return test
    }

    /// The corresponding C functions are `parse_ifname` and `parse_invalid_iface`.
    private mutating func interface(
      _ test: NativeTest, unless known: InterfacePattern, _ flag: RuleHeader.Inverted
    ) throws(Native) -> InterfacePattern {
      guard known == InterfacePattern() else { throw Self.twice }
      guard test.mask == nil, test.isEquality, !test.value.isEmpty, test.value.count <= 16 else {
        throw Native(reason: "iptables has no form of this test of the interface")
      }
      if test.comparison == .equal, test.value == NativeRuleEncoder.impossibleName {
        rule.header.inverted.insert(flag)
        return InterfacePattern([UInt8(ascii: "+")])
      }
      if test.comparison == .unequal { rule.header.inverted.insert(flag) }
      let name = test.value.prefix { $0 != 0 }
      let isWhole = name.count < test.value.count
      guard isWhole || test.value.count < 15 else { throw Native(reason: "iptables has no form of this test of the interface") }
      return InterfacePattern(ArraySlice(isWhole ? Array(name) : Array(name) + [UInt8(ascii: "+")]))
    }

    private mutating func address(
      _ test: NativeTest, _ length: UInt32, _ offsets: NativeRuleEncoder.Offsets, unless known: AddressMask, _ flag: RuleHeader.Inverted
    ) throws(Native) -> AddressMask {
      guard known == AddressMask(), !rule.header.inverted.contains(flag) else { throw Self.twice }
      guard test.isEquality, Int(length) <= offsets.length, test.value.count == Int(length),
        test.mask.map({ $0.count == Int(length) }) ?? true
      else { throw Native(reason: "iptables has no form of this test of the address") }
      let missing = UInt128(8 * (offsets.length - Int(length)))
      func bits(_ bytes: [UInt8]) -> UInt128 { bytes.reduce(0) { $0 << 8 | UInt128($1) } << missing }
      if test.comparison == .unequal { rule.header.inverted.insert(flag) }
      let whole = length == 0 ? 0 : (UInt128.max >> UInt128(128 - 8 * Int(length))) << missing
      return AddressMask(address: bits(test.value), mask: test.mask.map(bits) ?? whole)
    }
  }
}
