import Wire
import XTables

/// The reason why a host cannot be set up as described.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line of `ip`, or the path in the document.
  public let place: String
  /// What is wrong.
  public let reason: String

  /// Creates an error from a place and a reason.
  public init(_ place: String, _ reason: String) {
    self.place = place
    self.reason = reason
  }

  /// `place: reason`.
  public var description: String { "\(place): \(reason)" }
}

/// A parsed line of `ip -batch` that adds, changes or removes a link, an address, a route, a routing rule or a neighbour.
///
/// Both the host model and the kernel are set up from this value, so nothing reaches the kernel unparsed. Unknown words are errors. The
/// words that have no effect on packets (`qlen`, `proto`, …) are parsed with their values and ignored.
public enum IPCommand: Sendable, Hashable {
  case link(IPLink)
  case address(IPInterfaceAddress)
  case route(IPRoute)
  case rule(IPRule)
  case neighbour(IPNeighbour)

  /// The operation of a command.
  public enum Verb: Sendable, Hashable { case add, replace, append, change, delete }

  /// Parses a line.
  ///
  /// - Throws: `HostError` with the line, for an unknown object, verb or word.
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
    default: throw words.error("`\(object)' is not supported")
    }
  }

  /// Parses a verb by its names; only verbs in `allowed` are accepted.
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
    guard let verb, allowed.contains(verb) else { throw words.error("`\(object) \(name)' is not supported") }
    return verb
  }
}

extension Host {
  /// Applies a line of `ip -batch`: `route add default via 192.0.2.1 dev eth0`, `addr add`, `link set`, `rule add`.
  ///
  /// - Throws: `HostError` if the line cannot be parsed or applied.
  public func apply(ipCommand line: String) throws(HostError) { try apply(IPCommand(line), line) }

  /// Applies a command.
  ///
  /// - Parameter line: the text used in errors.
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
