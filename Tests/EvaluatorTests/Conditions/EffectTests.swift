import Conntrack
import Extensions
import Testing
import Wire
import XTables

/// What extensions say that they write, against what they write.
@Suite struct EffectTests {
  static let seed: UInt64 = 99

  private static func values(_ packet: PacketContext) -> [FieldValue] {
    Catalogue.fields(of: packet.family).map { field in
      var copy = packet
      return field.read(&copy)
    }
  }

  @Test(arguments: Catalogue.targets) func aTargetChangesNoFieldItDoesNotDeclare(_ target: Catalogue.Use) throws {
    guard case .target(let behaviour) = target.use.descriptor.behaviour else { return }
    var draw = try DrawnContexts(seed: Self.seed)
    let act = behaviour.action(target.use.payload)
    for _ in 0..<40 {
      let hook = draw.pick(target.hooks)
      guard var packet = draw.context(target.family, at: hook) else { continue }
      let effects = target.use.descriptor.effects(target.use.payload, EffectSite(family: target.family, hook: hook))
      let before = Self.values(packet)
      let applies = effects.map { effect in
        var copy = packet
        guard case .change(_, _, let condition) = effect else { return true }
        return condition.outcome(&copy) == .matched
      }
      let outcome = act(&packet)
      let after = Self.values(packet)
      let writes = FieldWrites(effects)
      for (index, field) in Catalogue.fields(of: packet.family).enumerated() where before[index] != after[index] {
        #expect(writes.changes(field), "\(field.name) was \(before[index]) and is \(after[index])")
      }
      check(behaviour.ending, outcome)
      // Connections are set up by NAT targets, and packets rewritten behind the table.
      if outcome == .proceed, target.table != .nat { check(zip(effects, applies), packet.family, before, after) }
    }
  }

  private func check(_ ending: TargetEnding, _ outcome: TargetOutcome) {
    switch (ending, outcome) {
    case (.never, .verdict), (.always, .proceed), (.always, .pause): Issue.record("\(outcome) from a target that ends \(ending)")
    default: break
    }
  }

  private func value(_ field: Field, _ family: Family, _ values: [FieldValue]) -> UInt128? {
    guard let index = Catalogue.fields(of: family).firstIndex(of: field), case .value(let value) = values[index] else { return nil }
    return value
  }

  /// Where an effect says which value a field has, it has that value.
  private func check(_ effects: Zip2Sequence<[FieldEffect], [Bool]>, _ family: Family, _ before: [FieldValue], _ after: [FieldValue]) {
    for case (.change(let field, let change, _), let applies) in effects {
      guard let was = self.value(field, family, before), let value = self.value(field, family, after) else { continue }
      guard applies else {
        #expect(value == was, "\(field.name) changed where it is said not to")
        continue
      }
      switch change {
      case .masked(let keep, let flip): #expect(value == was & keep ^ flip, "\(field.name)")
      case .copied(let source, let mask, let shift, let keep, let flip):
        guard let from = self.value(source, family, before) else { continue }
        let moved = shift < 0 ? (from & mask) >> UInt128(-shift) : (from & mask) << UInt128(shift)
        #expect(value == (was & keep ^ moved ^ flip) & field.greatest, "\(field.name)")
      case .added(let amount, let range):
        let sum = Int(was) + amount
        #expect(value == UInt128(min(max(sum, Int(range.lowerBound)), Int(range.upperBound))), "\(field.name)")
      case .range(let range): #expect(range.contains(value), "\(field.name)")
      case .bits(let mask): #expect(value & ~mask == was & ~mask, "\(field.name)")
      case .ownAddress, .unknown: break
      }
    }
  }

  @Test(arguments: Catalogue.matches) func aMatchChangesNoFieldItDoesNotDeclare(_ match: Catalogue.Use) throws {
    guard case .match(let behaviour) = match.use.descriptor.behaviour else { return }
    var draw = try DrawnContexts(seed: Self.seed)
    var program = MatchProgram()
    let start = program.add([(behaviour, match.use.payload)], match.family, firstSlot: 0)
    match.use.descriptor.start(match.use.payload, match.family, in: draw.world)
    for _ in 0..<25 {
      let hook = draw.pick(match.hooks)
      guard var packet = draw.context(match.family, at: hook) else { continue }
      let writes = FieldWrites(match.use.descriptor.effects(match.use.payload, EffectSite(family: match.family, hook: hook)))
      let before = Self.values(packet)
      _ = program.run(from: start, &packet, TransportPlace(packet.packet.transport))
      let after = Self.values(packet)
      for (index, field) in Catalogue.fields(of: packet.family).enumerated() where before[index] != after[index] {
        #expect(writes.changes(field), "\(field.name) was \(before[index]) and is \(after[index])")
      }
    }
  }

  /// The targets of which the issue speaks, by the names of what they write.
  @Test func whatTheKnownTargetsWrite() throws {
    func fields(_ name: String) -> Set<String> {
      Catalogue.targets.filter { $0.use.descriptor.name == name }
        .reduce(into: []) { $0.formUnion($1.use.descriptor.writes($1.use.payload, $1.family).fields.map(\.name)) }
    }
    #expect(fields("MARK") == ["meta.mark"])
    #expect(fields("TCPMSS") == ["tcp.mss", "tcp.option.2", "ip.length"])
    #expect(fields("TCPOPTSTRIP").isSuperset(of: ["tcp.option.1"]))
    #expect(fields("SNPT") == ["ip.src"] && fields("DNPT") == ["ip.dst"])
    #expect(fields("TTL") == ["ip.ttl"] && fields("HL") == ["ip.ttl"])
    #expect(fields("DSCP") == ["ip.tos"] && fields("TOS") == ["ip.tos"])
    #expect(fields("NOTRACK") == ["ct.state"])
    #expect(fields("DNAT").isSuperset(of: ["ip.dst", "transport.dport", "ct.status"]))
    #expect(fields("LOG") == [] && fields("REJECT") == [])
  }

  @Test func whatIsComputedFromAFieldChangesWithIt() throws {
    func field(_ prefix: String) throws -> Field { try #require(Catalogue.fields.first { $0.name.hasPrefix(prefix) }, "\(prefix)") }
    #expect(try field("addrtype.dst").isChanged(byWriting: .destinationAddress))
    #expect(try !field("addrtype.dst").isChanged(byWriting: .sourceAddress))
    #expect(try field("u32.").isChanged(byWriting: .hopLimit) && field("string").isChanged(byWriting: .tcpFlags))
    #expect(try !field("u32.").isChanged(byWriting: .mark))
    #expect(try field("rpfilter.").isChanged(byWriting: .mark))
    #expect(!Field.tcpFlags.isChanged(byWriting: .hopLimit))
  }
}
