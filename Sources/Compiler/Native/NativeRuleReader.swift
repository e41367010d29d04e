internal import Wire
package import XTables

/// Reads the expressions of a rule of nf_tables as what the rule tests and does. ``NativeRuleDecoder`` reads the rules of iptables.
///
/// What is not known becomes an unknown part at its place: behind a test, a later one still excludes packets with certainty; behind a statement that
/// may change something, nothing is certain.
package struct NativeRuleReader: Sendable {
  /// The sets of the table by name.
  private let sets: [String: NativeSetContent]
  private let fields: NativeFields
  private let families: [Family]
  private let interfaceName: @Sendable (UInt32) -> String?
  /// The named sets to which the rules refer, so far.
  package private(set) var usedSets: [String: NativeSet] = [:]

  /// - Parameters:
  ///   - fields: what can be compared.
  ///   - interfaceName: the name of an interface by its index; nil if there is none.
  package init(
    sets: [String: NativeSetContent], family: NativeTable.TableFamily, _ fields: NativeFields,
    interfaceName: @escaping @Sendable (UInt32) -> String? = { _ in nil }
  ) {
    (self.sets, self.fields, families, self.interfaceName) = (sets, fields, family.families, interfaceName)
  }

  /// The rule of expressions.
  package mutating func rule(_ expressions: [NativeExpression]) -> NativeRule {
    var reading = Reading(sets: sets, fields: fields, families: families, interfaceName: interfaceName)
    for expression in expressions { reading.take(expression) }
    usedSets.merge(reading.usedSets) { first, _ in first }
    return reading.finished()
  }

  /// Why an expression is not known.
  private struct Unknown: Error { let what: String }

  private struct Reading {
    /// What is in a register and the following ones.
    private struct Load {
      var content: Content
      var length: Int
    }

    private enum Content {
      /// `isSwapped` after a conversion to network byte order.
      case field(NativeTest.Subject, mask: [UInt8]?, flips: [UInt8]?, isSwapped: Bool)
      case constant([UInt8])
    }

    let sets: [String: NativeSetContent]
    let fields: NativeFields
    let families: [Family]
    let interfaceName: @Sendable (UInt32) -> String?
    var usedSets: [String: NativeSet] = [:]
    private var loads: [Int: Load] = [:]
    private var parts: [NativeRule.Part] = []
    private var end = NativeRule.End.next

    init(
      sets: [String: NativeSetContent], fields: NativeFields, families: [Family], interfaceName: @escaping @Sendable (UInt32) -> String?
    ) {
      (self.sets, self.fields, self.families, self.interfaceName) = (sets, fields, families, interfaceName)
    }

    mutating func take(_ expression: NativeExpression) {
      do throws(Unknown) {
        try read(expression)
      } catch {
        var isTest = expression.effect.isEmpty
        if case .verdict = expression { isTest = false }
        note(unknown: error.what, isTest: isTest)
        // Such an expression may have written a register.
        if case .other = expression { loads = [:] }
      }
    }

    /// Something unknown behind an unknown test is told as one with it.
    private mutating func note(unknown what: String, isTest: Bool) {
      switch parts.last {
      case .unknown: break
      case .unknownTest(let before):
        if !isTest { parts[parts.count - 1] = .unknown(before) }
      case .match, .limit, .log, .setMark, nil: parts.append(isTest ? .unknownTest(what) : .unknown(what))
      }
      if !isTest { forgetLoads() }
    }

    /// What was loaded of a packet may be something else after a change.
    private mutating func forgetLoads() {
      loads = loads.filter { if case .constant = $0.value.content { true } else { false } }
    }

    func finished() -> NativeRule {
      let first = parts.firstIndex { if case .unknownTest = $0 { true } else { false } } ?? parts.endIndex
      let changes = parts[first...].contains { part in
        switch part {
        case .setMark, .unknown: true
        case .match, .limit, .log, .unknownTest: false
        }
      }
      guard end == .next, !changes else { return NativeRule(parts, end) }
      // Nothing that the rule does depends on what is not known.
      return NativeRule(parts[..<first] + parts[first...].filter { if case .match = $0 { true } else { false } }, .next)
    }

    private mutating func read(_ expression: NativeExpression) throws(Unknown) {
      switch expression {
      case .meta(let key, let register): load(.meta(key), register)
      case .payload(let base, let offset, let length, let register):
        load(.payload(base: base, offset: offset, length: length), register)
      case .connection(let key, let register): load(.connection(key), register)
      case .addressType(let isSource, let register): load(.addressType(isSource: isSource), register)
      case .constant(let register, let bytes): put(Load(content: .constant(bytes), length: bytes.count), register)
      case .bitwise(let source, let register, let mask, let flips): try apply(mask, flips, source, register)
      case .byteOrder(let source, let register, let size): try swap(source, register, size)
      case .compare(let register, let comparison, let value): try compare(register, comparison, value, [])
      case .range(let register, let comparison, let low, let high): try compare(register, comparison, low, high)
      case .lookup(let set, let register, let isInverted, let isMap): try look(up: set, register, isInverted, isMap)
      case .counter, .passive: break
      case .limit(let rate, let unit, let burst): parts.append(.limit(NativeLimit(rate: rate, unit: unit, burst: burst)))
      case .overLimit(let rate, let unit, let burst):
        parts.append(.limit(NativeLimit(rate: rate, unit: unit, burst: burst, isOver: true)))
      case .log(let log): parts.append(.log(NativeLogging(.group(log.group), prefix: String(decoding: log.prefix, as: UTF8.self))))
      case .kernelLog(let log): parts.append(.log(log))
      case .setMeta(let key, let register): try setMeta(key, register)
      case .verdict(let code, let chain): try verdict(code, chain)
      case .reject(let kind): end = .reject(kind)
      case .queue(let number, let isBypassed): end = .queue(number, isBypassed: isBypassed)
      case .match(let name, _, _): throw Unknown(what: "the match \(name) of xtables")
      case .target(let name, _, _): throw Unknown(what: "the target \(name) of xtables")
      case .other(let name, _): throw Unknown(what: "the expression \(name)")
      }
    }

    // MARK: Registers

    /// The place of a register in words of 4 bytes: `NFT_REG_1` to `NFT_REG_4` have four words, `NFT_REG32_00` to `NFT_REG32_15` one.
    private static func place(_ register: UInt32) -> Int? {
      switch register {
      case 1...4: Int(register - 1) * 4
      case 8...23: Int(register) - 8
      default: nil
      }
    }

    private mutating func put(_ load: Load?, _ register: UInt32) {
      guard let place = Self.place(register) else { return }
      let words = max(1, ((load?.length ?? 4) + 3) / 4)
      for (at, old) in loads where at < place + words && at + max(1, (old.length + 3) / 4) > place { loads[at] = nil }
      loads[place] = load
    }

    private mutating func load(_ subject: NativeTest.Subject, _ register: UInt32) {
      guard let length = subject.length else { return put(nil, register) }
      put(Load(content: .field(subject, mask: nil, flips: nil, isSwapped: false), length: length), register)
    }

    private func field(_ register: UInt32) -> (load: Load, subject: NativeTest.Subject, mask: [UInt8]?, flips: [UInt8]?, isSwapped: Bool)? {
      guard let place = Self.place(register), let load = loads[place],
        case .field(let subject, let mask, let flips, let isSwapped) = load.content
      else { return nil }
      return (load, subject, mask, flips, isSwapped)
    }

    private mutating func apply(_ mask: [UInt8], _ flips: [UInt8], _ source: UInt32, _ register: UInt32) throws(Unknown) {
      guard case (let load, let subject, nil, nil, let isSwapped)? = field(source), mask.count == load.length, flips.count == load.length
      else {
        put(nil, register)
        throw Unknown(what: "such a bitwise operation")
      }
      let isFlipped = flips.contains { $0 != 0 }
      put(
        Load(content: .field(subject, mask: mask, flips: isFlipped ? flips : nil, isSwapped: isSwapped), length: load.length), register)
    }

    private mutating func swap(_ source: UInt32, _ register: UInt32, _ size: UInt32) throws(Unknown) {
      guard case (let load, let subject, let mask, nil, false)? = field(source), subject.isHostOrder, Int(size) == load.length else {
        put(nil, register)
        throw Unknown(what: "such a change of the byte order")
      }
      put(Load(content: .field(subject, mask: mask, flips: nil, isSwapped: true), length: load.length), register)
    }

    // MARK: Tests

    /// Numbers of the machine are little-endian.
    private static func number(_ bytes: some Collection<UInt8>, isHostOrder: Bool) -> UInt128 {
      isHostOrder ? bytes.reversed().reduce(0) { $0 << 8 | UInt128($1) } : bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    private func operand(_ subject: NativeTest.Subject, _ mask: [UInt8]?, isSwapped: Bool) throws(Unknown) -> NativeOperand {
      guard families.allSatisfy({ fields.field(subject, $0) != nil }) else { throw Unknown(what: Self.name(subject)) }
      // A mask is written for the byte order in which the field is when it is applied, which is always before a conversion.
      return NativeOperand(subject, mask: mask.map { Self.number($0, isHostOrder: subject.isHostOrder) })
    }

    private static func name(_ subject: NativeTest.Subject) -> String {
      switch subject {
      case .meta(let key): "the metadata of number \(key)"
      case .payload(let base, _, _): base == 0 ? "a test of the link-layer header" : "such a test of a header"
      case .connection(let key): "the property of number \(key) of connections"
      case .addressType: "the type of an address"
      }
    }

    private mutating func compare(
      _ register: UInt32, _ comparison: NativeTest.Comparison, _ value: [UInt8], _ upper: [UInt8]
    ) throws(Unknown) {
      guard let (load, subject, mask, flips, isSwapped) = field(register), flips == nil else {
        throw Unknown(what: "the comparison of a register")
      }
      if case .meta(let key) = subject, key == NativeFields.Meta.inputIndex || key == NativeFields.Meta.outputIndex {
        return try compareIndex(key == NativeFields.Meta.inputIndex, comparison, value)
      }
      let isHostOrder = subject.isHostOrder && !isSwapped
      guard value.count == load.length || value.count < load.length && !isHostOrder && comparison.isEquality,
        upper.isEmpty || upper.count == load.length
      else { throw Unknown(what: "a comparison with a value of another length") }
      // The order of bytes in memory is not that of such numbers.
      guard comparison.isEquality || !isHostOrder || load.length == 1 else { throw Unknown(what: "a comparison in memory order") }
      let rest = UInt128(8 * (load.length - value.count))
      let low = Self.number(value, isHostOrder: isHostOrder) << rest
      let greatest = load.length == 16 ? UInt128.max : (1 << UInt128(8 * load.length)) - 1
      let (range, isInverted): (ClosedRange<UInt128>?, Bool) =
        switch comparison {
        case .equal, .unequal: (low...(low | ((1 << rest) &- 1)), comparison == .unequal)
        case .less: (low == 0 ? nil : 0...low - 1, false)
        case .atMost: (0...low, false)
        case .greater: (low == greatest ? nil : low + 1...greatest, false)
        case .atLeast: (low...greatest, false)
        case .inRange, .outOfRange:
          (low <= Self.number(upper, isHostOrder: false) ? low...Self.number(upper, isHostOrder: false) : nil, comparison == .outOfRange)
        }
      let operand = try operand(subject, mask, isSwapped: isSwapped)
      guard let range else { return try test(NativeMatch([operand], isInverted: isInverted, .elements([]))) }
      let test = Self.plain(operand, range, isInverted: isInverted, isIPv4: ensures(2), isIPv6: ensures(10))
      if try narrows(test, isInverted) { return }
      try self.test(NativeMatch([test.operand], isInverted: isInverted, .elements([NativeElement([test.range])])))
    }

    /// Whether all packets that pass the parts so far are of a family, by its `NFPROTO_*` number.
    private func ensures(_ number: UInt128) -> Bool {
      families == [number == 2 ? .ipv4 : .ipv6] || parts.contains(.match(NativeMatch(.meta(NativeFields.Meta.family), equals: number)))
    }

    /// A test of a prefix as one of a range of addresses. nft(8) compares only the first bytes, or masks the others.
    private static func plain(
      _ operand: NativeOperand, _ range: ClosedRange<UInt128>, isInverted: Bool, isIPv4: Bool, isIPv6: Bool
    ) -> (operand: NativeOperand, range: ClosedRange<UInt128>) {
      guard case .payload(NativeTest.networkHeader, let offset, let length) = operand.subject else { return (operand, range) }
      let whole: UInt32 = isIPv4 && (offset == 12 || offset == 16) ? 4 : isIPv6 && (offset == 8 || offset == 24) ? 16 : 0
      guard length <= whole else { return (operand, range) }
      let full = NativeTest.Subject.payload(base: NativeTest.networkHeader, offset: offset, length: whole)
      let rest = UInt128(8 * (whole - length))
      guard let mask = operand.mask else {
        return (NativeOperand(full), (range.lowerBound << rest)...((range.upperBound << rest) | ((1 << rest) &- 1)))
      }
      let tail = ~mask & (whole == 16 ? .max : UInt128(UInt32.max))
      guard length == whole, range.lowerBound == range.upperBound, range.lowerBound & tail == 0, tail & (tail &+ 1) == 0 else {
        return (operand, range)
      }
      return (NativeOperand(full), range.lowerBound...(range.lowerBound | tail))
    }

    /// Narrows the range of the test before, if that is one of the same field: nft(8) compares the ends of a range one after the other.
    private mutating func narrows(
      _ test: (operand: NativeOperand, range: ClosedRange<UInt128>), _ isInverted: Bool
    ) throws(Unknown) -> Bool {
      guard !isInverted, case .match(var last)? = parts.last, last.operands == [test.operand], !last.isInverted,
        case .elements(let elements) = last.values, elements.count == 1, let old = elements[0].ranges.first,
        max(old.lowerBound, test.range.lowerBound) <= min(old.upperBound, test.range.upperBound)
      else { return false }
      let range = max(old.lowerBound, test.range.lowerBound)...min(old.upperBound, test.range.upperBound)
      last.values = .elements([NativeElement([range])])
      parts[parts.count - 1] = .match(last)
      return true
    }

    /// The index of an interface as its name, by which a description of the host knows it.
    private mutating func compareIndex(
      _ isInput: Bool, _ comparison: NativeTest.Comparison, _ value: [UInt8]
    ) throws(Unknown) {
      guard comparison.isEquality, value.count == 4,
        let name = interfaceName(UInt32(truncatingIfNeeded: Self.number(value, isHostOrder: true)))
      else { throw Unknown(what: "the index of an interface that does not exist") }
      let bytes = Array(name.utf8.prefix(16))
      let number = Self.number(bytes + [UInt8](repeating: 0, count: 16 - bytes.count), isHostOrder: false)
      let key = isInput ? NativeFields.Meta.inputName : NativeFields.Meta.outputName
      try test(
        NativeMatch(
          [NativeOperand(.meta(key))], isInverted: comparison == .unequal, .elements([NativeElement([number...number])])))
    }

    private mutating func test(_ match: NativeMatch) throws(Unknown) {
      if families.contains(.ipv6), !fields.canCompare(match, sets: usedSets) { throw Unknown(what: "the type of an IPv6 address") }
      parts.append(.match(match))
    }

    private mutating func look(up name: String, _ register: UInt32, _ isInverted: Bool, _ isMap: Bool) throws(Unknown) {
      guard let content = sets[name] else { throw Unknown(what: "the set \(name)") }
      if let obstacle = content.obstacle { throw Unknown(what: "the set \(name), \(obstacle)") }
      guard var place = Self.place(register) else { throw Unknown(what: "the register of a set") }
      // The fields of the key follow each other in the registers.
      var keys: [(operand: NativeOperand, range: Range<Int>, isHostOrder: Bool)] = []
      var at = 0
      while at < content.keyLength {
        guard let load = loads[place], case .field(let subject, let mask, nil, let isSwapped) = load.content,
          at + load.length <= content.keyLength, keys.count < 4
        else { throw Unknown(what: "what is looked up in the set \(name)") }
        let isHostOrder = subject.isHostOrder && !isSwapped
        guard !isHostOrder || !content.hasRanges || load.length == 1 else { throw Unknown(what: "ranges in the byte order of the machine") }
        keys.append((try operand(subject, mask, isSwapped: isSwapped), at..<(at + load.length), isHostOrder))
        place += (load.length + 3) / 4
        at += (load.length + 3) & ~3
      }
      var elements: [NativeElement] = []
      for element in content.elements {
        var ranges: [ClosedRange<UInt128>] = []
        for key in keys {
          guard key.range.upperBound <= element.low.count, key.range.upperBound <= element.high.count else {
            throw Unknown(what: "the elements of the set \(name)")
          }
          let low = Self.number(element.low[key.range], isHostOrder: key.isHostOrder)
          let high = Self.number(element.high[key.range], isHostOrder: key.isHostOrder)
          guard low <= high else { throw Unknown(what: "the elements of the set \(name)") }
          ranges.append(low...high)
        }
        elements.append(NativeElement(ranges))
      }
      let operands = keys.map(\.operand)
      guard !isMap else { return try decide(zip(elements, content.elements).map { ($0, $1.end) }, operands, name) }
      // The kernel gives the elements of most sets in an order of its own.
      elements.sort()
      if content.isAnonymous {
        try test(NativeMatch(operands, isInverted: isInverted, .elements(elements)))
      } else {
        if usedSets[name] == nil { usedSets[name] = NativeSet(operands, elements) }
        try test(NativeMatch(operands, isInverted: isInverted, .set(name)))
      }
    }

    private mutating func decide(
      _ elements: [(NativeElement, NativeRule.End?)], _ operands: [NativeOperand], _ name: String
    ) throws(Unknown) {
      // Something with a state before the map would be asked again for each element.
      let mayRepeat = parts.allSatisfy { part in
        switch part {
        case .match, .unknownTest, .unknown: true
        case .limit, .log, .setMark: false
        }
      }
      guard mayRepeat else { throw Unknown(what: "a map behind a limit or a log") }
      var choices: [NativeRule.Choice] = []
      for (element, end) in elements.sorted(by: { $0.0 < $1.0 }) {
        guard let end else { throw Unknown(what: "a verdict of the map \(name)") }
        choices.append(NativeRule.Choice(element, end))
      }
      end = .map(operands, choices)
    }

    // MARK: Statements

    private mutating func setMeta(_ key: UInt32, _ register: UInt32) throws(Unknown) {
      if key == NativeFields.Meta.trace { return }
      guard key == NativeFields.Meta.mark, let place = Self.place(register), let load = loads[place], load.length == 4 else {
        throw Unknown(what: "setting metadata of number \(key)")
      }
      switch load.content {
      case .constant(let bytes): parts.append(.setMark(mask: 0, value: UInt32(Self.number(bytes, isHostOrder: true))))
      case .field(.meta(NativeFields.Meta.mark), let mask?, let flips, false):
        parts.append(
          .setMark(mask: UInt32(Self.number(mask, isHostOrder: true)), value: UInt32(Self.number(flips ?? [], isHostOrder: true))))
      case .field: throw Unknown(what: "a mark that is computed")
      }
      forgetLoads()
    }

    private mutating func verdict(_ code: Int32, _ chain: String?) throws(Unknown) {
      guard let verdict = NativeRule.End(code, chain) else { throw Unknown(what: "verdict \(code)") }
      end = verdict
    }
  }
}

extension NativeTest.Comparison {
  fileprivate var isEquality: Bool { self == .equal || self == .unequal }
}
