import Diagnostics
public import Wire
public import XTables

/// Encodes a rule as the kernel's entry: `ipt_entry` or `ip6t_entry`, the matches, the target.
public struct EntryEncoder: Sendable {
  /// The family, which decides the layout of the entry.
  public let family: Family

  /// Creates an encoder for entries of one family.
  public init(family: Family) { self.family = family }

  /// The bytes of the rule's entry, without what depends on its place in the table: the verdict of a jump, and of a rule without a
  /// target, is 0.
  public func entry(_ rule: Rule) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size(rule))
    append(rule, to: &bytes)
    return bytes
  }

  /// Appends the entry of a rule to `bytes`.
  func append(_ rule: Rule, to bytes: inout [UInt8]) {
    let layout = EntryLayout(family)
    let start = bytes.count
    bytes.append(contentsOf: layout.blankEntry)
    encode(rule, layout, &bytes, at: start)
    for match in rule.matches { append(match, to: &bytes) }
    bytes.put(UInt16(truncatingIfNeeded: bytes.count - start), at: start + layout.targetOffset)
    switch rule.target {
    case .none, .jump, .goto: appendStandard(0, to: &bytes)
    case .verdict(let verdict): appendStandard(verdict.code, to: &bytes)
    case .use(let use): append(use, to: &bytes)
    }
    bytes.put(UInt16(truncatingIfNeeded: bytes.count - start), at: start + layout.nextOffset)
    bytes.put(rule.counters.packets, at: start + layout.counters.lowerBound)
    bytes.put(rule.counters.bytes, at: start + layout.counters.lowerBound + 8)
  }

  /// The size of the rule's entry in bytes. More than 65,535 do not fit into `next_offset`; ``TableValidator`` reports such a rule.
  public func size(_ rule: Rule) -> Int {
    let matches = rule.matches.reduce(0) { $0 + EntryLayout.extensionHeader + $1.descriptor.size }
    let target =
      if case .use(let use) = rule.target { EntryLayout.extensionHeader + use.descriptor.size } else { EntryLayout.standardTarget }
    return EntryLayout(family).size + matches + target
  }

  /// A mask of the bytes of the rule's entry: 0 at the end of a match's or target's structure, where the kernel keeps data of its own, and
  /// 0xff elsewhere. Nil if there are no such bytes.
  package func mask(_ rule: Rule) -> [UInt8]? {
    var uses = rule.matches
    if case .use(let use) = rule.target { uses.append(use) }
    guard uses.contains(where: { $0.descriptor.userSize < $0.descriptor.size }) else { return nil }
    var mask = [UInt8](repeating: 0xff, count: EntryLayout(family).size)
    for use in uses {
      mask += [UInt8](repeating: 0xff, count: EntryLayout.extensionHeader + use.descriptor.userSize)
      mask += [UInt8](repeating: 0, count: use.descriptor.size - use.descriptor.userSize)
    }
    if case .use = rule.target { return mask }
    return mask + [UInt8](repeating: 0xff, count: EntryLayout.standardTarget)
  }

  /// An entry with an `xt_error_target`: the head of a user chain, or the end of the table.
  func errorEntry(_ name: String) -> [UInt8] {
    let layout = EntryLayout(family)
    var bytes = [UInt8](repeating: 0, count: layout.size)
    bytes.put(UInt16(layout.size), at: layout.targetOffset)
    bytes.put(UInt16(layout.size + EntryLayout.errorTarget), at: layout.nextOffset)
    bytes.append(contentsOf: ExtensionDescriptor.entryHeader(name: "ERROR", revision: 0, size: EntryLayout.errorTarget))
    var data = [UInt8](repeating: 0, count: EntryLayout.errorTarget - EntryLayout.extensionHeader)
    for (index, byte) in name.utf8.enumerated() where index < 29 { data[index] = byte }
    return bytes + data
  }

  /// The unconditional entry that ends a chain: its policy, or RETURN.
  func policyEntry(_ verdict: StandardVerdict, _ counters: Counters) -> [UInt8] {
    entry(Rule(target: .verdict(verdict), counters: counters))
  }

  private func encode(_ rule: Rule, _ layout: EntryLayout, _ bytes: inout [UInt8], at start: Int) {
    let header = rule.header
    let length = family == .ipv4 ? 4 : 16
    bytes.put(header.source.address, bytes: length, at: start)
    bytes.put(header.destination.address, bytes: length, at: start + length)
    bytes.put(header.source.mask, bytes: length, at: start + 2 * length)
    bytes.put(header.destination.mask, bytes: length, at: start + 3 * length)
    var at = start + 4 * length
    for bits in [header.input.name, header.output.name, header.input.mask, header.output.mask] {
      bytes.put(bits, bytes: 16, at: at)
      at += 16
    }
    bytes.put(UInt16(header.protocolNumber), at: at)
    var isGoto = false
    if case .goto = rule.target { isGoto = true }
    switch family {
    case .ipv4:
      bytes[at + 2] = (header.isFragment ? 0x01 : 0) | (isGoto ? 0x02 : 0)
      bytes[at + 3] = header.inverted.rawValue
    case .ipv6:
      // at + 2 is the traffic class (`tos`). No option sets it.
      bytes[at + 3] = (header.isProtocolGiven ? 0x01 : 0) | (isGoto ? 0x04 : 0)
      bytes[at + 4] = header.inverted.rawValue
    }
  }

  private func append(_ use: ExtensionUse, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: use.descriptor.entryHeader)
    bytes.append(contentsOf: use.kernelBytes)
  }

  private func appendStandard(_ verdict: Int32, to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(contentsOf: EntryLayout.blankStandardTarget)
    bytes.put(verdict, at: start + EntryLayout.extensionHeader)
  }
}
