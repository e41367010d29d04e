public import Wire

/// Something besides the rules and the packet's bytes on which a verdict may depend.
///
/// An input can leave a fact out. A result that depends on it is then *unknown*, with a reason that names the input that states it.
/// A scenario states all of them: what it omits has the documented default.
public enum HostFact: UInt8, Sendable, Hashable, CaseIterable {
  /// The addresses of this host.
  case addresses
  /// The routes and routing rules.
  case routes
  /// The sysctls that were not set.
  case sysctls
  /// The sockets that listen.
  case sockets
  /// The multicast groups that programs have joined.
  case multicastGroups
  /// The IPsec policies and associations.
  case policies
  /// The groups of interfaces.
  case interfaceGroups
  /// The time of day.
  case clock
  /// The kernel's time zone.
  case timeZone
  /// The source address of the packet's frame.
  case linkSource
  /// The destination address of the packet's frame.
  case linkDestination
  /// The interfaces that are ports of bridges.
  case bridges
  /// The user of the sending process.
  case user
  /// The group of the sending process.
  case group
  /// The control group of the sending process.
  case controlGroup
  /// The programs that listen to queues.
  case queueListeners
  /// The results of random choices.
  case chance
  /// The rules of IPv4.
  case rulesIPv4
  /// The rules of IPv6.
  case rulesIPv6
  /// The elements of the IP sets.
  case addressSets
  /// The fingerprints of operating systems.
  case fingerprints
  /// The processor that handles the packet.
  case processor
  /// The rates that target RATEEST has measured.
  case estimators
  /// The connections of the IPVS load balancer.
  case loadBalancer
  /// The accounting objects of `nfacct`.
  case accounting
  /// The BPF programs that are pinned in the kernel.
  case programs

  /// The rules of a family.
  public static func rules(_ family: Family) -> HostFact { family == .ipv4 ? .rulesIPv4 : .rulesIPv6 }

  /// What is missing if the fact is not known.
  public var title: String {
    switch self {
    case .addresses: "the host's addresses"
    case .routes: "the host's routes"
    case .sysctls: "the host's sysctls"
    case .sockets: "the host's listening sockets"
    case .multicastGroups: "the host's multicast groups"
    case .policies: "the host's IPsec policies and associations"
    case .interfaceGroups: "the groups of the interfaces"
    case .clock: "the time"
    case .timeZone: "the kernel's time zone"
    case .linkSource: "the source MAC address"
    case .linkDestination: "the destination MAC address"
    case .bridges: "the host's bridges"
    case .user: "the user of the sending process"
    case .group: "the group of the sending process"
    case .controlGroup: "the control group of the sending process"
    case .queueListeners: "the program that listens to the queue"
    case .chance: "a random number"
    case .rulesIPv4: "the IPv4 rules"
    case .rulesIPv6: "the IPv6 rules"
    case .addressSets: "the elements of the IP sets"
    case .fingerprints: "the fingerprints of a pf.os"
    case .processor: "the processor that handles the packet"
    case .estimators: "the rates that estimators have measured"
    case .loadBalancer: "the connections of IPVS"
    case .accounting: "the accounting objects of nfacct"
    case .programs: "the BPF programs pinned in the kernel"
    }
  }

  /// The input of `ferrule run` that states the fact; nil if none does.
  public var input: String? {
    switch self {
    case .addresses, .bridges: "--host, --ip-addr or --this-host"
    case .routes: "--host, or --ip-route with --ip-addr"
    case .sysctls: "--sysctl KEY=VALUE"
    case .sockets: "--host, or --ss with --ip-addr"
    case .multicastGroups: "`multicast' of --host, or --this-host"
    case .policies, .processor, .loadBalancer, .accounting, .programs: nil
    case .interfaceGroups: "`group' of an interface of --host"
    case .clock: "--clock"
    case .timeZone: "--timezone, or `timezone' of --host"
    case .linkSource: "smac= after the interface"
    case .linkDestination: "dmac= after the interface"
    case .user: "uid= after `local'"
    case .group: "gid= after `local'"
    case .controlGroup: "cgroup= and classid= after `local'"
    case .queueListeners: "--queue NUMBER=VERDICT"
    case .chance: "--seed, which draws one"
    case .rulesIPv4, .rulesIPv6: "a ruleset with --also"
    case .estimators: "a rule that makes the estimator"
    case .addressSets: "--ipset, or `ipsets' in a scenario file"
    case .fingerprints: "--fingerprints, or `fingerprints' in a scenario file"
    }
  }
}

/// A set of facts.
public struct HostFacts: Sendable, Hashable, BitwiseCopyable, ExpressibleByArrayLiteral {
  private var bits: UInt32 = 0

  /// Creates a set of these facts.
  public init(arrayLiteral facts: HostFact...) { for fact in facts { insert(fact) } }

  /// True if the set has no facts.
  public var isEmpty: Bool { bits == 0 }
  /// True if the fact is in the set.
  @inline(__always) public func contains(_ fact: HostFact) -> Bool { bits >> UInt32(fact.rawValue) & 1 == 1 }
  /// Adds a fact.
  public mutating func insert(_ fact: HostFact) { bits |= 1 << UInt32(fact.rawValue) }
  /// Removes a fact.
  public mutating func remove(_ fact: HostFact) { bits &= ~(1 << UInt32(fact.rawValue)) }
}

extension UnknownReason {
  /// A reason that names a missing fact and the input that states it.
  public init(_ subject: String, lacking fact: HostFact) {
    self.init(subject, needs: fact.title + (fact.input.map { " (\($0))" } ?? ""))
  }

  /// A reason that names a sysctl whose value is not known.
  public init(_ subject: String, lackingSysctl name: String) {
    self.init(subject, needs: "the value of \(name) (--sysctl \(name)=VALUE)")
  }
}

extension PacketContext {
  /// True if the fact is not known for this packet.
  public func lacks(_ fact: HostFact) -> Bool {
    switch fact {
    case .linkSource: packet.link?.isSourceStated == false
    case .linkDestination: packet.link?.isDestinationStated == false
    // A description with the addresses states which interfaces are ports.
    case .bridges: world.host.missing.contains(.addresses)
    case .user, .group: owner?.missing.contains(fact) ?? false
    default: world.host.missing.contains(fact)
    }
  }
}

/// What a field needs to know besides the packet.
public struct FieldNeeds: Sendable {
  /// What cannot be decided without it, such as `-m time`.
  public let subject: String
  /// The facts.
  public let facts: [HostFact]
  /// True if the field itself finds out whether a fact is missing, because its value does not always depend on the fact.
  public let isPartial: Bool

  /// Creates the needs of a field.
  public init(_ subject: String, _ facts: HostFact..., isPartial: Bool = false) {
    self.subject = subject
    self.facts = facts
    self.isPartial = isPartial
  }

  /// The reason why the field has no known value for a packet; nil if all facts are known.
  func reason(for context: borrowing PacketContext) -> UnknownReason? {
    for fact in facts where context.lacks(fact) { return UnknownReason(subject, lacking: fact) }
    return nil
  }
}
