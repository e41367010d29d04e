import Testing
import Wire
import XTables

@Suite struct AddressTests {
  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("::1.2.3.4", "::1.2.3.4"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("fe80::0001", "fe80::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"), ("1:2:3:4:5:6::", "1:2:3:4:5:6::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
  ])
  func ipv6Canonical(text: String, canonical: String) {
    #expect(IPv6Address(text)?.description == canonical)
  }

  @Test(arguments: [
    "", ":", ":::", "1:", ":1", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "g::", "::1.2.3", "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:8::", "::1%eth0", " ::1",
  ])
  func ipv6Refused(text: String) { #expect(IPv6Address(text) == nil) }

  @Test(arguments: ["", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.", ".1.2.3", "01.2.3.4", "1..2.3", "1.2.3.4 ", "a.b.c.d"])
  func malformedIPv4AddressesAreRefused(text: String) { #expect(IPv4Address(text) == nil) }

  @Test func ipv4AddressesSurviveTheirText() {
    for text in ["0.0.0.0", "255.255.255.255", "10.0.0.1", "192.0.2.200"] {
      #expect(IPv4Address(text)?.description == text)
    }
    #expect(IPv4Address.mask(prefixLength: 20).description == "255.255.240.0")
    #expect(IPv4Address.mask(prefixLength: 0) == .any)
    #expect(IPv6Address.mask(prefixLength: 65).description == "ffff:ffff:ffff:ffff:8000::")
  }

  @Test func macAddressesAreReadOrRefused() {
    #expect(MACAddress("02:AA:0:0:0:1")?.description == "02:aa:00:00:00:01")
    for text in ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:", "100:2:3:4:5:6", "x:2:3:4:5:6"] {
      #expect(MACAddress(text) == nil)
    }
    #expect(MACAddress([1, 2, 3, 4, 5]) == nil)
    #expect(MACAddress([1, 2, 3, 4, 5, 6])?.isMulticast == true)
  }

  @Test func everyAddressSurvivesItsText() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<2000 {
      var bits = UInt128(random.next()) << 64 | UInt128(random.next())
      for group in 0..<8 where random.next() & 1 == 0 { bits &= ~(UInt128(0xFFFF) << UInt128(16 * group)) }
      let address = IPv6Address(rawValue: bits)
      #expect(IPv6Address(address.description) == address)
    }
  }
}
