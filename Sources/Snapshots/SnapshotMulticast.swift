import Evaluator
public import Wire

extension SnapshotReader {
  /// Parses the multicast groups of a family.
  ///
  /// - Parameters:
  ///   - groups: `/proc/net/igmp` or `/proc/net/igmp6`.
  ///   - filters: `/proc/net/mcfilter` or `/proc/net/mcfilter6`.
  public mutating func read(multicast groups: String, filters: String, _ family: Family) {
    let filtered = Set(
      filters.split(separator: "\n").dropFirst().compactMap { line -> Membership? in
        // The name of the interface may end within a word: only its number is whole.
        let words = line.split(separator: " ")
        guard words.count > 3, let index = Int(words[0]), let bits = Self.bits(words[2]) else { return nil }
        return Membership(index: index, bits: bits)
      })
    var found = snapshot.multicast ?? [:]
    var place: (index: Int, name: String)?
    for line in groups.split(separator: "\n") {
      var words = line.split { $0 == " " || $0 == "\t" }
      if let index = words.first.flatMap({ Int($0) }), words.count > 1, line.first?.isWhitespace == false {
        // A colon follows a long name at once.
        place = (index, String(words[1].hasSuffix(":") ? words[1].dropLast() : words[1]))
        guard family == .ipv6 else { continue }
        words.removeFirst(2)
      } else if family == .ipv6 || place == nil {
        continue
      }
      guard let place, let first = words.first, let bits = Self.bits(first) else { continue }
      // IPv4 addresses are printed as numbers of this machine, whose bytes are in the other order.
      let address: IPAddress =
        family == .ipv4 ? .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: bits).byteSwapped)) : .v6(IPv6Address(rawValue: bits))
      let membership = Membership(index: place.index, bits: address.bits)
      guard !Self.isJoinedByAll(address), let group = MulticastGroup(address, isFiltered: filtered.contains(membership)) else { continue }
      found[place.name, default: []].append(group.description)
    }
    snapshot.multicast = found
  }

  private struct Membership: Hashable {
    let index: Int
    let bits: UInt128
  }

  private static func bits(_ word: Substring) -> UInt128? { UInt128(word.hasPrefix("0x") ? word.dropFirst(2) : word, radix: 16) }

  /// Whether the kernel makes every interface a member.
  private static func isJoinedByAll(_ group: IPAddress) -> Bool {
    ["224.0.0.1", "ff01::1", "ff02::1"].contains(group.description)
  }
}
