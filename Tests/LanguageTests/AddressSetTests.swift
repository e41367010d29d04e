import Testing
import Wire
import XTables

/// The text of ipset save, and what it comes to.
@Suite struct AddressSetTests {
  @Test func rangesBecomeElements() throws {
    let sets = try AddressSets(
      saved: """
        create h hash:ip family inet hashsize 1024 maxelem 65536
        add h 10.0.0.1-10.0.0.4
        add h 10.0.1.0/30
        create n hash:net family inet
        add n 10.0.0.1-10.0.0.6
        create p hash:net,port family inet6
        add p 2001:db8::/32,tcp:80-82 comment "a b"
        """)
    #expect(sets["h"]?.count == 8)
    // 10.0.0.1, 10.0.0.2/31, 10.0.0.4/31, 10.0.0.6
    #expect(sets["n"]?.count == 4)
    #expect(sets["p"]?.count == 3)
    #expect(sets.index(of: "n") == 1)
  }

  @Test func theNarrowestNetworkDecides() throws {
    let sets = try AddressSets(saved: "create n hash:net\nadd n 10.0.0.0/8\nadd n 10.1.0.0/16 nomatch\nadd n 10.1.1.0/24\n")
    let set = try #require(sets["n"])
    func answer(_ text: String) throws -> AddressSet.Answer {
      let bits = try #require(IPAddress(text)).bits
      return set.lookUp([.network(bits, prefix: 32)], now: 0).answer
    }
    #expect(try answer("11.0.0.1") == .absent)
    guard case .present = try answer("10.2.0.1"), case .excepted = try answer("10.1.2.1"), case .present = try answer("10.1.1.1") else {
      Issue.record("a wider network decided")
      return
    }
  }

  @Test(arguments: [
    "create a hash:foo", "create a", "add a 1.2.3.4", "create a hash:ip\nadd a x", "create a hash:ip\nadd a 10.0.0.0/0",
    "create a hash:ip maxelem 1\nadd a 10.0.0.1-10.0.0.2", "create a hash:ip\ncreate a hash:ip", "frob a",
    "create a hash:ip,port\nadd a 10.0.0.1",
    "create a hash:net family inet6\nadd a ::/0-x", "create a hash:ip family inet6\nadd a ::/0", "create a bitmap:port range 9-8",
  ]) func mistakesAreToldByLine(_ text: String) {
    #expect(throws: AddressSetError.self) { try AddressSets(saved: text) }
  }
}
