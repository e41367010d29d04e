public import Wire
import XTables

/// `ip neighbour add`, `replace`, `change`, `append` and `del`.
public struct IPNeighbour: Sendable, Hashable {
  /// `add`, `replace`, `change`, `append` or `delete`.
  public var verb: IPCommand.Verb
  /// The name of the interface.
  public var device: String
  /// The neighbour's IP address.
  public var address: IPAddress
  /// The neighbour's hardware address, `lladdr`; nil if not given.
  public var hardwareAddress: MACAddress?
  /// The state of the entry, `nud`.
  public var state = State.permanent

  /// The state of an entry. Raw values are the kernel's `NUD_*`.
  public enum State: UInt16, Sendable, Hashable {
    case none = 0
    case incomplete = 1
    case reachable = 2
    case stale = 4
    case delay = 8
    case probe = 0x10
    case failed = 0x20
    case noarp = 0x40
    case permanent = 0x80

    init?(name: String) {
      switch name {
      case "none": self = .none
      case "incomplete": self = .incomplete
      case "reachable": self = .reachable
      case "stale": self = .stale
      case "delay": self = .delay
      case "probe": self = .probe
      case "failed": self = .failed
      case "noarp": self = .noarp
      case "permanent": self = .permanent
      default: return nil
      }
    }

    /// True if no neighbour answers for the address.
    var isAbsent: Bool { self == .none || self == .incomplete || self == .failed }
  }

  init(_ verb: String, _ words: inout IPWords) throws(HostError) {
    self.verb = try IPCommand.verb(verb, of: "neigh", words, among: [.add, .replace, .change, .append, .delete])
    var address: IPAddress?
    var device: String?
    while let word = words.next() {
      switch word {
      case "lladdr":
        let value = try words.value(word)
        guard let given = MACAddress(value) else { throw words.error("\(value) is not a MAC address") }
        hardwareAddress = given
      case "dev": device = try words.interface(word)
      case "nud":
        let name = try words.value(word)
        guard let state = State(name: name) else { throw words.error("\(name) is not a neighbour state") }
        self.state = state
      case "protocol": _ = try words.value(word)
      case "router", "use", "managed", "extern_learn", "to": continue
      default:
        guard address == nil, let given = IPAddress(word) else { throw words.error("\(word) is not an address") }
        address = given
      }
    }
    guard let address, let device else { throw words.error("neigh needs an address and dev NAME") }
    self.address = address
    self.device = device
  }
}

extension Host {
  func apply(_ neighbour: IPNeighbour, _ line: String) throws(HostError) {
    guard let device = interface(named: neighbour.device) else { throw HostError(line, "there is no interface \(neighbour.device)") }
    if neighbour.verb == .delete {
      neighbours.forget(neighbour.address, on: device)
    } else {
      neighbours.set(neighbour.address, on: device, neighbour.state.isAbsent ? nil : neighbour.hardwareAddress)
    }
  }
}
