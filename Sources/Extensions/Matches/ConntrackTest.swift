import CNetfilter
import Wire
import XTables

/// The tests of `-m conntrack` and `-m state`. The corresponding kernel structure is `xt_conntrack_mtinfo3`.
public struct ConntrackTest: BitwiseCopyable, Sendable {
  var originalSource = InetNetwork()
  var originalDestination = InetNetwork()
  var replySource = InetNetwork()
  var replyDestination = InetNetwork()
  /// Seconds.
  var expiry = NumberRange<UInt32>(0, 0)
  var protocolNumber: UInt16 = 0
  var ports = Ports()
  var matched: Subjects = []
  var inverted: Subjects = []
  var state: UInt16 = 0
  var status: UInt16 = 0
  var highPorts = Ports()

  struct Ports: BitwiseCopyable, Sendable {
    var originalSource: UInt16 = 0
    var originalDestination: UInt16 = 0
    var replySource: UInt16 = 0
    var replyDestination: UInt16 = 0

    /// The same ports with swapped bytes, as older revisions store them.
    var swapped: Ports {
      Ports(
        originalSource: originalSource.byteSwapped, originalDestination: originalDestination.byteSwapped,
        replySource: replySource.byteSwapped, replyDestination: replyDestination.byteSwapped)
    }
  }

  /// The bits of `match_flags` and `invert_flags`: `XT_CONNTRACK_*`.
  struct Subjects: OptionSet, BitwiseCopyable, Sendable, Hashable {
    let rawValue: UInt16

    static let state = Subjects(rawValue: 1 << 0)
    static let protocolNumber = Subjects(rawValue: 1 << 1)
    static let originalSource = Subjects(rawValue: 1 << 2)
    static let originalDestination = Subjects(rawValue: 1 << 3)
    static let replySource = Subjects(rawValue: 1 << 4)
    static let replyDestination = Subjects(rawValue: 1 << 5)
    static let status = Subjects(rawValue: 1 << 6)
    static let expiry = Subjects(rawValue: 1 << 7)
    static let originalSourcePort = Subjects(rawValue: 1 << 8)
    static let originalDestinationPort = Subjects(rawValue: 1 << 9)
    static let replySourcePort = Subjects(rawValue: 1 << 10)
    static let replyDestinationPort = Subjects(rawValue: 1 << 11)
    static let direction = Subjects(rawValue: 1 << 12)
    /// The rule was written with `-m state`.
    static let alias = Subjects(rawValue: 1 << 13)
  }

  /// The names of the states in the order in which iptables-save prints them.
  static let stateNames: [(name: String, bit: UInt16)] = [
    ("INVALID", ConntrackState.invalid), ("NEW", ConntrackState.new), ("RELATED", ConntrackState.related),
    ("ESTABLISHED", ConntrackState.established), ("UNTRACKED", ConntrackState.untracked),
    ("SNAT", ConntrackState.sourceNAT), ("DNAT", ConntrackState.destinationNAT),
  ]

  /// Comma-separated names. An abbreviation stands for the first name with that prefix.
  ///
  /// - Parameter hasSpaceMessage: whether an empty last name has a message of its own. The corresponding C functions are
  ///   `state_parse_states` of libxt_state and libxt_conntrack.
  static func states(_ names: [(name: String, bit: UInt16)], _ label: String, hasSpaceMessage: Bool = false) -> ValueSyntax<UInt16> {
    ValueSyntax(
      placeholder: "state[,state...]", grammar: "conntrack-state { \",\" conntrack-state }",
      samples: names.map(\.name) + ["RELATED,ESTABLISHED", "new,inv"], nearMisses: ["", "FOO", "NEW,", ",NEW"],
      parse: { token, _ throws(OptionError) in
        var mask: UInt16 = 0
        let parts = token.split(on: ",")
        for (index, part) in parts.enumerated() {
          // The shell makes two words of `NEW, ESTABLISHED`.
          if hasSpaceMessage, part.bytes.isEmpty, index == parts.count - 1 {
            throw OptionError(
              "bad-value", "\"--\(label)\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED", at: token.range)
          }
          guard !part.bytes.isEmpty, let found = names.first(where: { $0.name.beginsIgnoringCase(with: part) }) else {
            throw OptionError(
              "bad-value", "Bad \(label) \"\(token.rest(from: part))\"", at: part.range,
              hint: "the states are " + names.map(\.name).joined(separator: ", "))
          }
          mask |= found.bit
        }
        return mask
      },
      print: { mask, text in text.word(names.filter { mask & $0.bit != 0 }.map(\.name).joined(separator: ",")) })
  }
}

extension ConntrackTest {
  /// The corresponding C function is `conntrack_dump`.
  func list(to text: inout RuleText, numeric: Bool) {
    let states = Self.stateNames.filter { state & $0.bit != 0 }.map(\.name).joined(separator: ",")
    item(.state, matched.contains(.alias) ? "state" : "ctstate", &text) { if !states.isEmpty { $0.word(states) } }
    item(.protocolNumber, "ctproto", &text) { $0.word(String(protocolNumber)) }
    let networks: [(Subjects, String, InetNetwork)] = [
      (.originalSource, "ctorigsrc", originalSource), (.originalDestination, "ctorigdst", originalDestination),
      (.replySource, "ctreplsrc", replySource), (.replyDestination, "ctrepldst", replyDestination),
    ]
    for (subject, name, network) in networks { item(subject, name, &text) { $0.network(network, numeric: numeric) } }
    let portRanges: [(Subjects, String, UInt16, UInt16)] = [
      (.originalSourcePort, "ctorigsrcport", ports.originalSource, highPorts.originalSource),
      (.originalDestinationPort, "ctorigdstport", ports.originalDestination, highPorts.originalDestination),
      (.replySourcePort, "ctreplsrcport", ports.replySource, highPorts.replySource),
      (.replyDestinationPort, "ctrepldstport", ports.replyDestination, highPorts.replyDestination),
    ]
    for (subject, name, low, high) in portRanges {
      item(subject, name, &text) { $0.word(high == 0 || high == low ? "\(low)" : "\(low):\(high)") }
    }
    item(.status, "ctstatus", &text) { ConntrackMatch.status.print(status, &$0) }
    item(.expiry, "ctexpire", &text) { $0.word(expiry.low == expiry.high ? "\(expiry.low)" : "\(expiry.low):\(expiry.high)") }
    if matched.contains(.direction) { text.word("ctdir \(inverted.contains(.direction) ? "REPLY" : "ORIGINAL")") }
  }

  private func item(_ subject: Subjects, _ name: String, _ text: inout RuleText, _ write: (inout RuleText) -> Void) {
    guard matched.contains(subject) else { return }
    text.option(name, inverted: inverted.contains(subject))
    write(&text)
  }
}

extension ConntrackTest {
  /// The corresponding kernel structure is `xt_conntrack_mtinfo1`; revision 2 has wider masks.
  private struct Older<Mask: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable {
    var originalSource: InetNetwork
    var originalDestination: InetNetwork
    var replySource: InetNetwork
    var replyDestination: InetNetwork
    var expiry: NumberRange<UInt32>
    var protocolNumber: UInt16
    var ports: Ports
    var matched: Subjects
    var inverted: Subjects
    var state: Mask
    var status: Mask

    var upgraded: ConntrackTest {
      ConntrackTest(
        originalSource: originalSource, originalDestination: originalDestination, replySource: replySource,
        replyDestination: replyDestination, expiry: expiry, protocolNumber: protocolNumber, ports: ports.swapped,
        matched: matched, inverted: inverted, state: UInt16(state), status: UInt16(status), highPorts: ports.swapped)
    }

    /// Nil if the test has a range of ports, or a mask that does not fit.
    init?(_ test: ConntrackTest) {
      guard let state = Mask(exactly: test.state), let status = Mask(exactly: test.status),
        test.ports.originalSource == test.highPorts.originalSource,
        test.ports.originalDestination == test.highPorts.originalDestination,
        test.ports.replySource == test.highPorts.replySource, test.ports.replyDestination == test.highPorts.replyDestination
      else { return nil }
      originalSource = test.originalSource
      originalDestination = test.originalDestination
      replySource = test.replySource
      replyDestination = test.replyDestination
      expiry = test.expiry
      protocolNumber = test.protocolNumber
      ports = test.ports.swapped
      matched = test.matched
      inverted = test.inverted
      self.state = state
      self.status = status
    }
  }

  static let layouts = [
    Layout<ConntrackTest>(
      revision: 1, Older<UInt8>.self, abiSize: MemoryLayout<xt_conntrack_mtinfo1>.size, upgrade: { $0.upgraded },
      downgrade: { Older<UInt8>($0) }),
    Layout<ConntrackTest>(
      revision: 2, Older<UInt16>.self, abiSize: MemoryLayout<xt_conntrack_mtinfo2>.size, upgrade: { $0.upgraded },
      downgrade: { Older<UInt16>($0) }),
    Layout<ConntrackTest>(revision: 3, abiSize: MemoryLayout<xt_conntrack_mtinfo3>.size),
  ]

  /// The corresponding kernel function is `conntrack_mt`.
  func condition(_ family: Family) -> Condition {
    var tests: [Condition] = [.equals(.connectionExists, 1)]
    func add(_ subject: Subjects, _ test: Condition) {
      if matched.contains(subject) { tests.append(test.inverted(inverted.contains(subject))) }
    }
    func network(_ field: Field, _ network: InetNetwork) -> Condition {
      let mask = network.mask.bits(family)
      return .masked(field, network.address.bits(family) & mask, mask: mask)
    }
    add(.direction, .equals(.connectionDirection, 0))
    add(.originalSource, network(.originalSource, originalSource))
    add(.originalDestination, network(.originalDestination, originalDestination))
    add(.replySource, network(.replySource, replySource))
    add(.replyDestination, network(.replyDestination, replyDestination))
    add(.protocolNumber, .equals(.connectionProtocol, protocolNumber))
    add(.originalSourcePort, .inRange(.originalSourcePort, ports.originalSource, highPorts.originalSource))
    add(.originalDestinationPort, .inRange(.originalDestinationPort, ports.originalDestination, highPorts.originalDestination))
    add(.replySourcePort, .inRange(.replySourcePort, ports.replySource, highPorts.replySource))
    add(.replyDestinationPort, .inRange(.replyDestinationPort, ports.replyDestination, highPorts.replyDestination))
    add(.status, .not(.masked(.connectionStatus, 0, mask: status)))
    add(.expiry, .inRange(.connectionExpiry, expiry.low, expiry.high))
    guard matched.contains(.state) else { return .all(tests) }
    // As the kernel: for a packet without a connection only the state is tested; all other tests are skipped.
    let stateTest = Condition.not(.masked(.connectionState, 0, mask: state)).inverted(inverted.contains(.state))
    return .all([stateTest, .any([.equals(.connectionExists, 0), .all(tests)])])
  }
}
