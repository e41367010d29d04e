internal import Wire
public import XTables

/// One event of a scenario.
public struct ScenarioStep: Sendable, Equatable {
  /// What happens.
  public enum Action: Sendable, Equatable {
    /// A frame arrives at an interface.
    case receive(Frame)
    /// A local process sends a packet.
    case local(LocalSender, PacketSpec)
    /// A socket of the scenario, or a connection it accepted (`proxy#1`), sends data.
    case send(socket: String, payload: [UInt8])
    /// A socket closes; if `fin` is false, it resets its connection.
    case close(socket: String, fin: Bool)
    /// Conntrack's entries and expectations are listed.
    case snapshot
    /// Rules are loaded; they replace the tables of the same names, and other tables stay.
    case load(rules: String?, rules6: String?)
    /// All conntrack entries are deleted.
    case flush
    /// The host is changed by a line of `ip -batch`, for example an address is removed or an interface goes down.
    case configure(ipCommand: String)
    /// Only time passes.
    case wait

    /// True if the action loads rules, which resets the counters.
    public var loadsRules: Bool { if case .load = self { true } else { false } }
  }

  /// A frame to inject.
  public struct Frame: Sendable, Equatable {
    /// The input interface.
    public var interface: String
    /// The source address, six bytes; nil for ``defaultSource``.
    public var source: [UInt8]?
    /// The destination address, six bytes; nil for the interface's own.
    public var destination: [UInt8]?
    /// The EtherType; nil derives it from the packet's version.
    public var etherType: UInt16?
    /// The packet in the frame.
    public var packet: PacketSpec

    /// Creates a frame.
    public init(interface: String, source: [UInt8]? = nil, destination: [UInt8]? = nil, etherType: UInt16? = nil, packet: PacketSpec) {
      self.interface = interface
      self.source = source
      self.destination = destination
      self.etherType = etherType
      self.packet = packet
    }

    /// The source address of frames for which the scenario gives none; it differs from all addresses of the host.
    public static let defaultSource: [UInt8] = [0x02, 0xFF, 0, 0, 0, 1]
  }

  /// The sending process, and the kind of its socket.
  public struct LocalSender: Sendable, Equatable {
    /// The kind of socket.
    public enum Way: String, Sendable, Equatable {
      /// A raw socket with `IP_HDRINCL`: the packet is sent as given.
      case raw
      /// Ordinary sockets: the kernel builds the headers.
      case udp, tcp, ping
    }
    /// The user id of the process.
    public var uid: UInt32 = 0
    /// The group id of the process.
    public var gid: UInt32 = 0
    /// The supplementary group ids.
    public var groups: [UInt32] = []
    /// The path of its control group below the root of cgroup v2; nil if unknown.
    public var cgroup: String?
    /// The class of its net_cls control group; nil if not stated, which means 0 in a scenario.
    public var classID: UInt32?
    /// `SO_MARK`.
    public var mark: UInt32 = 0
    /// `SO_BINDTODEVICE`.
    public var device: String?
    /// `SO_PRIORITY`.
    public var priority: UInt32?
    /// `SO_BROADCAST`.
    public var mayBroadcast = false
    /// Whether ``uid`` and ``gid`` are stated. A scenario that omits them means root; in a dry run of single packets they are unknown.
    public var stated: HostFacts = []
    /// The kind of socket to send with.
    public var way: Way = .raw
    /// The name under which later steps use the socket; without a name, it is closed after the step.
    public var name: String?

    /// Creates a raw sender owned by root.
    public init() {}
  }

  /// What happens in the step.
  public var action: Action
  /// The earliest time of the step, in seconds since the start of the scenario.
  public var at: Double?
  /// The time that passes before the step, in seconds.
  public var sleep: Double = 0
  /// How many times the step is repeated.
  public var repetitions = 1

  /// Creates a step without a delay.
  public init(_ action: Action) { self.action = action }
}

extension SocketFacts {
  /// What matches can read from the sender's socket.
  package init(_ sender: ScenarioStep.LocalSender) {
    self.init(
      uid: sender.uid, gid: sender.gid, supplementaryGroups: sender.groups, mark: sender.mark, cgroupClass: sender.classID ?? 0,
      cgroupPath: sender.cgroup)
  }
}
