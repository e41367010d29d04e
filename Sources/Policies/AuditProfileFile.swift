public import Diagnostics
import Documents
public import Linter
import Netfilter
import Wire

/// Reads profiles of `ferrule audit`: lists of controls in YAML or JSON.
public enum AuditProfileFile {
  /// Reads a profile.
  ///
  /// - Throws: a diagnostic at the first mistake.
  public static func read(_ file: SourceFile) throws(PolicyError) -> AuditProfile {
    do throws(ScenarioFileError) {
      return try profile(FileObject(FileDocument(file).root(of: .auditProfile), .auditProfile))
    } catch {
      throw PolicyError(error, in: file)
    }
  }

  private static func profile(_ object: FileObject) throws(ScenarioFileError) -> AuditProfile {
    var controls: [AuditProfile.Control] = []
    for element in try object["controls"]?.list() ?? [] { controls.append(try control(FileObject(element, .auditControl))) }
    guard !controls.isEmpty else { throw object.node.error("a profile needs controls") }
    return AuditProfile(name: try text("name", of: object), title: try text("title", of: object), controls: controls)
  }

  private static func text(_ name: String, of object: FileObject) throws(ScenarioFileError) -> String {
    guard let node = object[name] else { throw object.node.error("`\(name)' is missing") }
    return try node.text()
  }

  private static func control(_ object: FileObject) throws(ScenarioFileError) -> AuditProfile.Control {
    var families: [Family] = []
    for element in try object["families"]?.oneOrMore() ?? [] {
      guard let family = ["ipv4": Family.ipv4, "ipv6": .ipv6][try element.text()] else {
        throw element.error("expected ipv4 or ipv6, found \(element.kind)")
      }
      families.append(family)
    }
    var expectations: [AuditProfile.Expectation] = []
    for element in try object["packets"]?.list() ?? [] { expectations.append(try expectation(FileObject(element, .auditPackets))) }
    let decision = try object["decide"].map { (node) throws(ScenarioFileError) in
      guard let decision = AuditProfile.Decision(rawValue: try node.text()) else {
        throw node.error(
          "there is no decision \(node.kind)",
          hint: "the decisions are " + AuditProfile.Decision.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return decision
    }
    return AuditProfile.Control(
      id: try text("id", of: object), title: try text("title", of: object), families: families.isEmpty ? [.ipv4, .ipv6] : families,
      expectations: expectations, decision: decision,
      manual: try object["manual"].map { (node) throws(ScenarioFileError) in try node.text() })
  }

  private static func expectation(_ object: FileObject) throws(ScenarioFileError) -> AuditProfile.Expectation {
    let hookName = try text("hook", of: object)
    guard let hook = Hook(name: hookName), [.input, .forward, .output].contains(hook) else {
      throw object.key("hook").error("expected INPUT, FORWARD or OUTPUT, found `\(hookName)'")
    }
    let senderName = try text("from", of: object)
    guard let sender = AuditProfile.Expectation.Sender(rawValue: senderName) else {
      let names = AuditProfile.Expectation.Sender.allCases.map(\.rawValue).joined(separator: ", ")
      throw object.key("from").error("expected one of \(names), found `\(senderName)'")
    }
    var protocols: [UInt8] = []
    for element in try object["protocols"]?.oneOrMore() ?? [] {
      let word = try element.text()
      let known: [String: UInt8] = ["icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132]
      if let number = known[word] {
        protocols.append(number)
      } else {
        protocols.append(try element.integer(UInt8.self))
      }
    }
    let verdict = try text("verdict", of: object)
    guard verdict == "accept" || verdict == "drop" else { throw object.key("verdict").error("expected accept or drop, found `\(verdict)'") }
    return AuditProfile.Expectation(
      hook: hook, sender: sender, protocols: protocols.isEmpty ? [6, 17] : protocols, ports: try ports(object["ports"]),
      isEstablished: try object["established"]?.bool() ?? false, isAccepted: verdict == "accept")
  }

  private static func ports(_ node: FileNode?) throws(ScenarioFileError) -> AuditProfile.Expectation.Ports {
    guard let node else { return .unused }
    if !node.isList {
      switch try node.text() {
      case "unused": return .unused
      case "guarded": return .guarded
      case "open": return .open
      default: break
      }
    }
    var ports: [UInt16] = []
    for element in try node.oneOrMore() { ports.append(try element.integer(UInt16.self)) }
    return .listed(ports)
  }

  /// The names of the profiles that are built in.
  public static let names = ["cis", "pci", "stig"]

  /// The text of a profile that is built in, as in `Grammar/profiles`; nil for another name.
  public static func text(named name: String) -> String? {
    switch name {
    case "cis": cisProfile
    case "pci": pciProfile
    case "stig": stigProfile
    default: nil
    }
  }

  /// The JSON Schema of such files, generated from the reader's shapes; stored in `Grammar/audit-profile.schema.json`.
  public static var schema: String {
    ShapeSchema.text("Ferrule audit profile", root: FileShape.auditProfile.name, [.auditProfile, .auditControl, .auditPackets])
  }
}

extension FileShape {
  static let auditProfile = FileShape(
    name: "profile", title: "a profile of ferrule audit",
    members: [
      Member("name", .text, "the name of the profile"), Member("title", .text, "the standard and its version"),
      Member("controls", .list(.object("control")), "the controls"),
    ], required: ["name", "title", "controls"])

  static let auditControl = FileShape(
    name: "control", title: "a control",
    members: [
      Member("id", .either([.text, .seconds]), "the number of the control"), Member("title", .text, "the control in a few words"),
      Member("families", .oneOrMore(.choice(["ipv4", "ipv6"])), "the families for which it is decided; both unless given"),
      Member("packets", .list(.object("packets")), "packets, and the verdicts that they must get"),
      Member("decide", .choice(AuditProfile.Decision.allCases.map(\.rawValue)), "a decision that needs more than packets"),
      Member("manual", .text, "what a person must look at"),
    ], required: ["id", "title"])

  static let auditPackets = FileShape(
    name: "packets", title: "packets with a verdict",
    members: [
      Member("hook", .choice(["INPUT", "FORWARD", "OUTPUT"]), "the hook"),
      Member("from", .choice(AuditProfile.Expectation.Sender.allCases.map(\.rawValue)), "the sender"),
      Member("protocols", .oneOrMore(.either([.text, .integer(0...255)])), "names or numbers of protocols; tcp and udp unless given"),
      Member(
        "ports", .either([.choice(["unused", "guarded", "open"]), .oneOrMore(.integer(0...65535))]),
        "destination ports; unused: one that no rule names, guarded: those of services that strangers should not reach, open: those that rules open"
      ),
      Member("established", .boolean, "whether the packets belong to an established connection"),
      Member("verdict", .choice(["accept", "drop"]), "the verdict that they must get"),
    ], required: ["hook", "from", "verdict"])
}
