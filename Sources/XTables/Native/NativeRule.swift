public import Wire

/// A rule of nf_tables as what it tests and does, without registers.
///
/// ``init(text:in:)`` and ``text(in:)`` read and write it in the words of nft(8).
public struct NativeRule: Sendable, Hashable {
  /// A part of a rule, in its order. The rule ends at a part that fails.
  public enum Part: Sendable, Hashable {
    /// A comparison with constants.
    case match(NativeMatch)
    /// A token bucket of packets.
    case limit(NativeLimit)
    /// A line in the kernel's log, or a copy to a netlink group.
    case log(NativeLogging)
    /// Changes the packet mark to `(mark & mask) ^ value`.
    case setMark(mask: UInt32, value: UInt32)
    /// A test whose result is not known. The text says what it is: `the expression socket`.
    case unknownTest(String)
    /// A statement of which is not known what it changes, or whether the packet goes on. What follows it is not known either.
    case unknown(String)
  }

  /// What the rule does with packets that pass all its parts.
  public enum End: Sendable, Hashable {
    /// The packet continues at the next rule.
    case next
    /// The packet leaves the base chain. Later base chains of the hook still see it.
    case accept
    case drop
    /// The packet returns to the calling chain, or gets the policy of the base chain.
    case `return`
    case jump(String)
    case goto(String)
    /// The packet waits for a program; with `isBypassed` it continues if no program listens.
    case queue(UInt16, isBypassed: Bool)
    case reject(NativeReject)
    /// The verdict of the element that the packet equals; without such an element the rule fails.
    case map([NativeOperand], [Choice])
  }

  /// An element of a map of verdicts.
  public struct Choice: Sendable, Hashable {
    /// What the packet has to equal.
    public var element: NativeElement
    /// Its verdict: no map, queue or answer.
    public var end: End

    /// Creates an element.
    public init(_ element: NativeElement, _ end: End) { (self.element, self.end) = (element, end) }
  }

  /// The parts in order.
  public var parts: [Part]
  /// What the rule does with packets that pass all parts.
  public var end: End

  /// Creates a rule.
  public init(_ parts: [Part] = [], _ end: End = .next) { (self.parts, self.end) = (parts, end) }
}

/// A comparison of parts of the packet with constants.
public struct NativeMatch: Sendable, Hashable {
  /// The constants.
  public enum Values: Sendable, Hashable {
    /// One value, one range, or several between braces.
    case elements([NativeElement])
    /// Those of a set of the table.
    case set(String)
  }

  /// What is compared: one part, or several that are compared with the parts of each element.
  public var operands: [NativeOperand]
  /// Whether the packet must equal none of the constants.
  public var isInverted: Bool
  /// The constants.
  public var values: Values

  /// Creates a comparison.
  public init(_ operands: [NativeOperand], isInverted: Bool = false, _ values: Values) {
    (self.operands, self.isInverted, self.values) = (operands, isInverted, values)
  }

  /// A comparison of one part with one value.
  public init(_ subject: NativeTest.Subject, equals value: UInt128) {
    self.init([NativeOperand(subject)], .elements([NativeElement([value...value])]))
  }
}

/// A part of the packet or its metadata as a number, of which a mask may leave some bits.
public struct NativeOperand: Sendable, Hashable {
  /// What is read.
  public var subject: NativeTest.Subject
  /// The bits that are compared; nil for all.
  public var mask: UInt128?

  /// Creates an operand.
  public init(_ subject: NativeTest.Subject, mask: UInt128? = nil) { (self.subject, self.mask) = (subject, mask) }
}

/// A range of values for each operand.
public struct NativeElement: Sendable, Hashable {
  /// The ranges, as many as there are operands.
  public var ranges: [ClosedRange<UInt128>]

  /// Creates an element.
  public init(_ ranges: [ClosedRange<UInt128>]) { self.ranges = ranges }
}

extension NativeElement: Comparable {
  /// Orders elements by their lower ends, the first operand first.
  public static func < (left: NativeElement, right: NativeElement) -> Bool {
    left.ranges.lazy.map(\.lowerBound).lexicographicallyPrecedes(right.ranges.lazy.map(\.lowerBound))
  }
}

/// A token bucket of packets. The corresponding kernel expression is `limit`.
public struct NativeLimit: Sendable, Hashable {
  /// The packets in each `unit` seconds.
  public var rate: UInt64
  /// The time for which the rate is given, in seconds.
  public var unit: UInt64
  /// The packets that pass at once.
  public var burst: UInt32
  /// Whether the packets beyond the limit match, and not those within it.
  public var isOver: Bool

  /// Creates a limit.
  public init(rate: UInt64, unit: UInt64, burst: UInt32, isOver: Bool = false) {
    (self.rate, self.unit, self.burst, self.isOver) = (rate, unit, burst, isOver)
  }
}

/// Where a log expression writes. The corresponding kernel attributes are `NFTA_LOG_*`.
public struct NativeLogging: Sendable, Hashable {
  /// Where the message goes.
  public enum Place: Sendable, Hashable {
    /// To the kernel's log, with a level of syslog.
    case kernel(level: UInt8, LogContent)
    /// To a netlink group.
    case group(UInt16)
  }

  /// Where the message goes.
  public var place: Place
  /// The start of the message.
  public var prefix: String

  /// Creates settings.
  public init(_ place: Place, prefix: String) { (self.place, self.prefix) = (place, prefix) }
}

/// How a packet is refused.
public enum NativeReject: Sendable, Hashable {
  /// A TCP reset.
  case reset
  /// An ICMP or ICMPv6 error with a code, by the family of the packet. Kernel: `NFT_REJECT_ICMP_UNREACH`.
  case unreachable(UInt8)
  /// An error whose code depends on the family. Kernel: `NFT_REJECT_ICMPX_UNREACH`, `nft_reject_icmp_code`.
  case anyFamily(UInt8)
}

/// A set of constant elements.
public struct NativeSet: Sendable, Hashable {
  /// What its elements are compared with in a rule, which gives them their text.
  public var operands: [NativeOperand]
  /// The elements.
  public var elements: [NativeElement]

  /// Creates a set.
  public init(_ operands: [NativeOperand], _ elements: [NativeElement]) { (self.operands, self.elements) = (operands, elements) }
}

/// A table of nf_tables as far as a dry run evaluates it.
public struct NativeTable: Sendable, Hashable {
  /// The family of a table whose chains see IP packets, as nft(8) writes it.
  public enum TableFamily: String, Sendable, Hashable, CaseIterable {
    case inet, ip, ip6

    /// The families whose packets its chains see.
    public var families: [Family] {
      switch self {
      case .inet: [.ipv4, .ipv6]
      case .ip: [.ipv4]
      case .ip6: [.ipv6]
      }
    }
  }

  /// A chain.
  public struct NativeChain: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its rules in order.
    public var rules: [NativeRule]

    /// Creates a chain.
    public init(name: String, rules: [NativeRule]) { (self.name, self.rules) = (name, rules) }
  }

  /// The family.
  public var family: TableFamily
  /// Its name.
  public var name: String
  /// Its chains that packets can reach.
  public var chains: [NativeChain] = []
  /// The sets to which its rules refer, by name.
  public var sets: [String: NativeSet] = [:]

  /// Creates a table without chains.
  public init(_ family: TableFamily, _ name: String) { (self.family, self.name) = (family, name) }

  /// The indices of the chains that packets can reach from a chain, with its own; empty if the table does not have it.
  public func reach(from name: String) -> Set<Int> {
    let numbers = Dictionary(chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
    var waiting = numbers[name].map { [$0] } ?? []
    var reached = Set(waiting)
    while let index = waiting.popLast() {
      for next in chains[index].rules.flatMap(\.chains).compactMap({ numbers[$0] }) where reached.insert(next).inserted {
        waiting.append(next)
      }
    }
    return reached
  }

  /// Family and name as nft(8) writes them.
  public var title: String { "\(family.rawValue) \(name)" }
}

extension NativeRule {
  /// Whether a dry run may not know what the rule does.
  public var hasUnknown: Bool {
    parts.contains { part in
      switch part {
      case .unknown, .unknownTest: true
      case .match, .limit, .log, .setMark: false
      }
    }
  }

  /// Whether the rule itself may drop, change or log packets.
  public var hasEffect: Bool {
    let ends: [End]
    if case .map(_, let choices) = end { ends = choices.map(\.end) } else { ends = [end] }
    return ends.contains { end in
      switch end {
      case .drop, .queue, .reject: true
      case .next, .accept, .return, .jump, .goto, .map: false
      }
    }
      || parts.contains { part in
        switch part {
        case .log, .setMark, .unknown: true
        case .match, .limit, .unknownTest: false
        }
      }
  }

  /// The chains to which the rule leads.
  public var chains: [String] {
    switch end {
    case .jump(let chain), .goto(let chain): [chain]
    case .map(_, let choices): choices.flatMap { NativeRule([], $0.end).chains }
    case .next, .accept, .drop, .return, .queue, .reject: []
    }
  }
}
