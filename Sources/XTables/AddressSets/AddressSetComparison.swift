/// What differs between two versions of a set.
extension AddressSet {
  /// Whether another set has the same type, family and options. What it begins with, the size of its hash table, is ignored.
  public func hasSameForm(as other: AddressSet) -> Bool {
    type == other.type && family == other.family && mask == other.mask && markMask == other.markMask && timeout == other.timeout
      && countsPackets == other.countsPackets && keepsComments == other.keepsComments && carriesPacketInfo == other.carriesPacketInfo
      && forcesAdding == other.forcesAdding && (type.method != "hash" || capacity == other.capacity)
      && (type.method != "bitmap" || storedRange == other.storedRange)
  }

  private var storedRange: ClosedRange<UInt128> {
    type.dimensions[0] == .port ? range : range.lowerBound...min(range.upperBound, 0xFFFF_FFFF)
  }

  /// The elements that another version has and this has not, in the order of their text, as `ipset save` prints them. An element that
  /// differs in an option that a program gave counts as another; one that counted packets, or whose time has run, does not.
  public func elements(missingIn other: AddressSet) -> [String] {
    if type.isList {
      // The order of members decides which of them a packet is in.
      if memberNames != other.memberNames, Set(memberNames) == Set(other.memberNames) { return memberNames }
      return members.filter { member in !other.members.contains { isSame(member, as: $0, in: other) } }.map(\.name)
    }
    var missing: [String] = []
    for (values, entry) in elements {
      if let there = other.entry(values), entry.isSame(as: there), comments[values] == other.comments[values] { continue }
      missing.append(text(of: values))
    }
    return missing.sorted()
  }

  private func isSame(_ member: Member, as there: Member, in other: AddressSet) -> Bool {
    member.name == there.name && member.entry.isSame(as: there.entry)
      && comments[[.set(member.name)]] == other.comments[[.set(member.name)]]
  }

  /// Whether another version has the same form and the same elements.
  public func isSame(as other: AddressSet) -> Bool {
    hasSameForm(as: other) && count == other.count && memberNames == other.memberNames && elements(missingIn: other).isEmpty
  }

  /// The set with what the same elements of a loaded version have counted, and the time that they have left.
  public func carrying(from loaded: AddressSet) -> AddressSet {
    var set = self
    for (values, entry) in elements {
      guard let there = loaded.entry(values), entry.isSame(as: there) else { continue }
      set.insert(values, entry.carrying(from: there))
    }
    for (place, member) in members.enumerated() {
      guard let there = loaded.members.first(where: { $0.name == member.name })?.entry, member.entry.isSame(as: there) else { continue }
      set.members[place].entry = member.entry.carrying(from: there)
    }
    return set
  }

  /// The same set under another name.
  public func named(_ name: String) -> AddressSet {
    var set = self
    set.name = name
    return set
  }
}

extension AddressSet.Entry {
  fileprivate func carrying(from loaded: Self) -> Self {
    var entry = self
    (entry.packets, entry.bytes, entry.expires) = (loaded.packets, loaded.bytes, loaded.expires)
    return entry
  }

  /// Whether another element has the same options. Counters and the time that is left are ignored.
  func isSame(as other: AddressSet.Entry) -> Bool {
    (expires == nil) == (other.expires == nil) && isException == other.isException && isWildcard == other.isWildcard
      && mark == other.mark && markMask == other.markMask && priority == other.priority && queue == other.queue
  }
}
