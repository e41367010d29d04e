import Extensions
import Netfilter
import Testing
import Wire
import XTables

/// What fields declare of themselves, against what is read.
@Suite struct FieldTests {
  static let seed: UInt64 = 4711

  @Test func everyFieldDeclaresWhatItRestsOn() {
    #expect(Catalogue.fields.count > 80)
    for field in Catalogue.fields {
      if case .undeclared = field.traits.basis { Issue.record("\(field.name) does not") }
    }
  }

  /// No field is known by two names, nor two by one: what stands for itself is declared once.
  @Test func oneNameStandsForOneProperty() {
    #expect(!Catalogue.fields.contains { $0.name == "ecn.tcpflags" })
    var widths: [String: Int] = [:]
    for match in Catalogue.matches {
      for field in match.use.condition(match.family).fields {
        #expect(widths.updateValue(field.bits, forKey: field.name) ?? field.bits == field.bits, "\(field.name)")
      }
    }
  }

  @Test func readingGivesNoMoreThanIsDeclared() throws {
    var draw = try DrawnContexts(seed: Self.seed)
    var seen: [String: FieldOutcomes] = [:]
    for _ in 0..<3000 {
      let family = draw.pick([Family.ipv4, .ipv6])
      guard let packet = draw.context(family, at: draw.pick(Hook.allCases)) else { continue }
      for field in Catalogue.fields {
        var copy = packet
        let value = field.read(&copy)
        #expect(field.traits.outcomes.contains(FieldOutcomes(value)), "\(field.name) is \(value)")
        seen[field.name, default: []].insert(FieldOutcomes(value))
        guard case .value(let number) = value else { continue }
        #expect(number <= field.greatest, "\(field.name) is \(number)")
        // A flag of the context that a target for other hooks sets is not drawn here.
        #expect(
          field.values(at: packet.hook, family).contains { $0.contains(number) },
          "\(field.name) is \(field.text(number)) at \(packet.hook.name)")
      }
    }
    #expect(seen.values.contains { $0.contains(.malformed) } && seen.values.contains { $0.contains(.doomed) })
  }

  /// A packet that is given a value has it.
  @Test func whatIsSetIsRead() throws {
    var draw = try DrawnContexts(seed: Self.seed + 1)
    var set: Set<String> = []
    for _ in 0..<6000 {
      let family = draw.pick([Family.ipv4, .ipv6])
      let protocols: [IPProtocol] = [.tcp, .udp, .sctp, .dccp, .esp, .ah, family == .ipv4 ? .icmp : .icmpv6, IPProtocol(rawValue: 108)]
      let any = IPAddress(family: family, bits: 1)
      let field = draw.pick(Catalogue.fields)
      let hook = draw.pick(Hook.allCases)
      let isOwn = hook == .output || hook == .postrouting && draw.chance(0.5)
      var draft = PacketDraft(PacketFields(any, any, proto: draw.pick(protocols)), input: isOwn ? nil : "eth0")
      if hook != .prerouting, hook != .input { draft.output = "eth1" }
      let range = draw.pick(field.values(at: hook, family))
      let value = draw.pick([range.lowerBound, range.upperBound, min(range.upperBound, range.lowerBound + UInt128(draw.number(0...2000)))])
      // The name of an interface is one that a kernel has: text that ends in zeros.
      if case .interface = field.form, value != 0 { continue }
      guard field.set(value, in: &draft) else { continue }
      var context = try draft.context(at: hook, in: draw.world)
      let read = field.read(&context)
      #expect(read == .value(value), "\(field.name) = \(value) at \(hook.name) with protocol \(draft.fields.proto)")
      set.insert(field.name)
    }
    #expect(
      set.isSuperset(of: [
        "ip.src", "ip.dst", "ip.ttl", "ip.tos", "ip.length", "ip.protocol", "ip.fragment", "meta.mark", "tcp.flags", "tcp.mss",
        "transport.sport", "transport.dport", "icmp.typecode", "esp.spi", "ah.spi", "owner.uid", "link.src",
      ]), "\(set.sorted())")
  }

  @Test func interfacesBelongToHooks() throws {
    for (hook, input, output) in [(Hook.prerouting, true, false), (.input, true, false), (.forward, true, true), (.output, false, true)] {
      #expect((Field.inputInterface.values(at: hook, .ipv4) == [0...0]) == !input)
      #expect((Field.outputInterface.values(at: hook, .ipv4) == [0...0]) == !output)
      var header = RuleHeader()
      header.input = InterfacePattern(ArraySlice("eth0".utf8))
      #expect(header.condition(.ipv4).truth(at: hook, .ipv4) == (input ? .unknown : .never))
      header = RuleHeader()
      header.output = InterfacePattern(ArraySlice("eth+".utf8))
      #expect(header.condition(.ipv4).truth(at: hook, .ipv4) == (output ? .unknown : .never))
    }
  }

  @Test func valuesAreWrittenAsPeopleWriteThem() throws {
    #expect(Field.protocolNumber.text(6) == "tcp" && Field.protocolNumber.text(200) == "200")
    #expect(Field.tcpFlags.text(0x12) == "SYN,ACK" && Field.tcpFlags.text(0) == "none")
    #expect(Field.mark.text(ValueTest.masked(value: 0x10, mask: 0xf0)) == "0x10/0xf0")
    #expect(Field.sourceAddress.text(ValueTest.masked(value: 0x0a00_0000, mask: 0xff00_0000)) == "10.0.0.0/8")
    #expect(
      Field.inputInterface.text(
        ValueTest.masked(
          value: InterfacePattern(ArraySlice("eth+".utf8)).name & InterfacePattern(ArraySlice("eth+".utf8)).mask,
          mask: InterfacePattern(ArraySlice("eth+".utf8)).mask)) == "eth+")
    let state = try #require(Catalogue.fields.first { $0.name == "ct.state" })
    #expect(state.text(8) == "NEW" && state.text(0x42) == "ESTABLISHED,SNAT")
  }
}
