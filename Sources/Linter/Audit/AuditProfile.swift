public import Netfilter
public import Wire

/// A list of controls that an audit decides.
public struct AuditProfile: Sendable {
  /// A control: what must hold of a ruleset.
  public struct Control: Sendable {
    /// The number of the control in its standard.
    public let id: String
    /// The control in a few words.
    public let title: String
    /// The families for which it is decided.
    public let families: [Family]
    /// What packets must show.
    public let expectations: [Expectation]
    /// A decision that needs more than packets; nil if there is none.
    public let decision: Decision?
    /// What a person must look at; a control without expectations and decision is decided by a person only.
    public let manual: String?

    /// Creates a control; parameters as the properties of the same names.
    public init(id: String, title: String, families: [Family], expectations: [Expectation], decision: Decision?, manual: String?) {
      (self.id, self.title, self.families) = (id, title, families)
      (self.expectations, self.decision, self.manual) = (expectations, decision, manual)
    }
  }

  /// Packets with the verdict that they must get.
  public struct Expectation: Sendable {
    /// Where the packets come from.
    public enum Sender: String, Sendable, CaseIterable {
      /// Any address of the internet, on each interface on which strangers' packets arrive.
      case stranger
      /// The loopback address on the interface lo.
      case loopback
      /// The loopback address on each interface on which strangers' packets arrive.
      case spoofer
      /// This host.
      case host
    }

    /// The ports that are tried.
    public enum Ports: Sendable {
      case listed([UInt16])
      /// A port that no rule names.
      case unused
      /// Ports at which a stranger should find nothing.
      case guarded
      /// The ports that a rule opens for everyone.
      case open
    }

    /// The hook: INPUT, FORWARD or OUTPUT.
    public let hook: Hook
    /// The sender.
    public let sender: Sender
    /// The protocols by number.
    public let protocols: [UInt8]
    /// The ports; ignored for protocols without ports.
    public let ports: Ports
    /// Whether the packets belong to an established connection.
    public let isEstablished: Bool
    /// Whether the packets must be accepted.
    public let isAccepted: Bool

    /// Creates an expectation; parameters as the properties of the same names.
    public init(hook: Hook, sender: Sender, protocols: [UInt8], ports: Ports, isEstablished: Bool, isAccepted: Bool) {
      (self.hook, self.sender, self.protocols, self.ports) = (hook, sender, protocols, ports)
      (self.isEstablished, self.isAccepted) = (isEstablished, isAccepted)
    }
  }

  /// A decision that needs more than single packets.
  public enum Decision: String, Sendable, CaseIterable {
    /// A rule, and not a policy, decides about packets to each port on which the host listens.
    case listeningPorts = "listening-ports"
    /// New connections to each port that is open for everyone are limited.
    case rateLimits = "rate-limits"
    /// What is open is listed as evidence for a person.
    case openPorts = "open-ports"
  }

  /// The name of the profile.
  public let name: String
  /// The standard.
  public let title: String
  /// The controls.
  public let controls: [Control]

  /// Creates a profile; parameters as the properties of the same names.
  public init(name: String, title: String, controls: [Control]) {
    (self.name, self.title, self.controls) = (name, title, controls)
  }
}
