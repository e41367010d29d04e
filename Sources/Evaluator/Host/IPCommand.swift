import Wire
import XTables

/// Why a host cannot be set up as told.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line, or the path in the document.
  public let place: String
  public let reason: String

  public init(_ place: String, _ reason: String) {
    self.place = place
    self.reason = reason
  }

  public var description: String { "\(place): \(reason)" }
}

/// A line for `ip -batch`, understood: a link, an address, a route, a routing rule or a neighbour that is added, changed or removed.
///
/// Host model and kernel are both set up from this value, so that nothing reaches the kernel that was not understood here. A word that
/// is not known is an error; the few that have no bearing on packets (`qlen`, `proto`, …) are read with their values and dropped.
public enum IPCommand: Sendable, Hashable {
  case link(IPLink)
  case address(IPInterfaceAddress)
  case route(IPRoute)
  case rule(IPRule)
  case neighbour(IPNeighbour)

  /// What is done with the thing that a command describes.
  public enum Verb: Sendable, Hashable { case add, replace, append, change, delete }

  /// - Throws: `HostError` with the line, for a verb, an object or a word that is not understood.
  public init(_ line: String) throws(HostError) {
    var words = IPWords(line)
    var family: Family?
    while let option = words.next(ifIn: ["-4", "-6"]) { family = option == "-6" ? .ipv6 : .ipv4 }
    guard let object = words.next() else { throw words.error("an object of ip is missing: link, addr, route, rule or neigh") }
    let verb = words.next() ?? "show"
    switch object {
    case "route", "r", "ro": self = .route(try IPRoute(verb, &words, family))
    case "rule", "ru": self = .rule(try IPRule(verb, &words, family))
    case "addr", "address", "a": self = .address(try IPInterfaceAddress(verb, &words))
    case "link", "l": self = .link(try IPLink(verb, &words))
    case "neigh", "neighbour", "neighbor", "n": self = .neighbour(try IPNeighbour(verb, &words))
    default: throw words.error("ip knows no \(object), or it is not understood here")
    }
  }

  /// The verb by its names, where it is one of those that the object takes.
  static func verb(_ name: String, of object: String, _ words: IPWords, among allowed: Set<Verb>) throws(HostError) -> Verb {
    let verb: Verb? =
      switch name {
      case "add", "a": .add
      case "replace": .replace
      case "append": .append
      case "change": .change
      case "del", "delete", "d": .delete
      default: nil
      }
    guard let verb, allowed.contains(verb) else { throw words.error("\(object) \(name) is not understood here") }
    return verb
  }
}

extension Host {
  /// Does what a line for `ip -batch` says: `route add default via 192.0.2.1 dev eth0`, `addr add`, `link set`, `rule add`.
  public func apply(ipCommand line: String) throws(HostError) { try apply(IPCommand(line), line) }

  /// - Parameter line: what an error names.
  func apply(_ command: IPCommand, _ line: String) throws(HostError) {
    switch command {
    case .link(let link): try apply(link, line)
    case .address(let address): try apply(address, line)
    case .route(let route): try apply(route, line)
    case .rule(let rule): try apply(rule, line)
    case .neighbour(let neighbour): try apply(neighbour, line)
    }
  }
}
