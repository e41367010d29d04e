import Wire

/// The text of a set, as `ipset save` prints it.
extension AddressSet {
  /// The line that creates the set and the lines that add its elements, each with its newline. The elements are in the order of their text.
  ///
  /// - Parameter now: the current time in nanoseconds; remaining timeouts count from it.
  public func saved(now: UInt64 = 0) -> String {
    var lines = ["create \(name) \(type.name)\(form)\n"]
    lines += members.map { "add \(name) \($0.name)\(options(of: ([.set($0.name)], $0.entry), now))\n" }
    lines += elements.map { "add \(name) \(text(of: $0.values))\(options(of: $0, now))\n" }.sorted()
    return lines.joined()
  }

  /// The options of the line that creates the set, each after a blank.
  private var form: String {
    var text = ""
    if let family { text += " family \(family == .ipv6 ? "inet6" : "inet")" }
    if let range = rangeText { text += " range \(range)" }
    if let size { text += type.isList ? " size \(size)" : " hashsize \(size)" }
    if type.method == "hash" { text += " maxelem \(capacity)" }
    if markMask != .max { text += " markmask \(markMask)" }
    if mask != .max, let family {
      let length = (0...family.addressBits).first { AddressMask.mask(prefix: $0, family) == mask }
      text += length.map { " netmask \($0)" } ?? " bitmask \(IPAddress(family: family, bits: mask))"
    }
    if let timeout { text += " timeout \(timeout)" }
    for (isSet, word) in [
      (countsPackets, "counters"), (keepsComments, "comment"), (forcesAdding, "forceadd"), (carriesPacketInfo, "skbinfo"),
    ] where isSet { text += " \(word)" }
    return text
  }

  private var rangeText: String? {
    guard type.method == "bitmap" else { return nil }
    if type.dimensions[0] == .port { return "\(range.lowerBound)-\(range.upperBound)" }
    let ends = [range.lowerBound, min(range.upperBound, 0xFFFF_FFFF)].map { "\(IPAddress(family: .ipv4, bits: $0))" }
    return ends.joined(separator: "-")
  }

  /// The values of an element, such as `10.0.0.0/8,tcp:80`.
  public func text(of values: [AddressSetValue]) -> String { values.map(text).joined(separator: ",") }

  private func text(_ value: AddressSetValue) -> String {
    switch value {
    case .network(let bits, let prefix):
      let family = family ?? .ipv4
      return "\(IPAddress(family: family, bits: bits))\(prefix == family.addressBits ? "" : "/\(prefix)")"
    case .port(let proto, let number):
      if type.method == "bitmap" { return "\(number)" }
      let name = BuiltinProtocol.savedName(proto) ?? "\(proto)"
      return proto == 1 || proto == 58 ? "\(name):\(number >> 8)/\(number & 0xff)" : "\(name):\(number)"
    case .hardwareAddress(let address): return "\(MACAddress(rawValue: address))"
    case .interface(let name): return name
    case .mark(let mark): return "\(mark)"
    case .set(let name): return name
    }
  }

  /// The options of the line that adds an element, each after a blank.
  private func options(of element: (values: [AddressSetValue], entry: Entry), _ now: UInt64) -> String {
    let entry = element.entry
    var text = ""
    if timeout != nil { text += " timeout \(entry.secondsLeft(now))" }
    if entry.isException { text += " nomatch" }
    if entry.isWildcard { text += " wildcard" }
    if countsPackets { text += " packets \(entry.packets) bytes \(entry.bytes)" }
    if let comment = comments[element.values] { text += " comment \"\(comment)\"" }
    if carriesPacketInfo {
      text += " skbmark \(entry.mark)/\(entry.markMask)"
      text += " skbprio \(String(entry.priority >> 16, radix: 16)):\(String(entry.priority & 0xffff, radix: 16)) skbqueue \(entry.queue)"
    }
    return text
  }
}

extension AddressSet.Entry {
  /// The whole seconds until the element expires, at least 1; 0 if it does not, as the kernel counts.
  public func secondsLeft(_ now: UInt64) -> UInt64 {
    guard let expires else { return 0 }
    return expires > now ? max(1, (expires - now) / 1_000_000_000) : 1
  }
}
