public import XTables

/// What decides on packets on this machine, and what makes answers about it unreliable. `ferrule doctor` prints it.
public struct HostDiagnosis: Encodable, Sendable {
  /// A part of the kernel that can hold the tables of iptables.
  public struct BackendState: Encodable, Sendable {
    /// `legacy` or `nft`.
    public let name: String
    /// Whether the kernel has it; nil if that is not known.
    public let isAvailable: Bool?
    /// The number of its rules and of its policies to drop.
    public let rules: Int
  }

  /// A table and who made it.
  public struct TableState: Encodable, Sendable {
    /// `ip_tables` or `nf_tables`.
    public let holder: String
    /// The family as nft(8) writes it.
    public let family: String
    /// Its name.
    public let name: String
    /// The number of its rules.
    public let rules: Int
    /// The number of its sets, maps, objects and flow tables.
    public let objects: Int
    /// The programs whose names for chains it has; `iptables` for a table of iptables without such names.
    public let owners: [String]
    /// True if its chains see no packets.
    public let isDormant: Bool
  }

  /// A chain at a hook.
  public struct ChainState: Encodable, Sendable {
    /// The hook as iptables names it.
    public let hook: String
    /// Chains at a hook are called in ascending order of priority.
    public let priority: Int32
    /// `ip_tables` or `nf_tables`.
    public let holder: String
    /// Family, table and chain.
    public let chain: String
    /// `filter`, `nat` or `route`.
    public let type: String
    /// `accept` or `drop`.
    public let policy: String
    /// The number of rules that packets can reach from it.
    public let rules: Int
    /// What it may do to packets: `drop`, `change`.
    public let may: [String]
    /// Whether a dry run evaluates its rules.
    public let isEvaluated: Bool
    /// Whether a dry run evaluates some of its rules, and not others.
    public let isPartlyEvaluated: Bool
  }

  /// An installed command.
  public struct CommandState: Encodable, Sendable {
    /// Its name.
    public let name: String
    /// The file that it leads to; nil if it is not installed.
    public let program: String?
    /// `legacy` or `nft`; nil if it cannot be told.
    public let variant: String?
  }

  /// A setting of the kernel.
  public struct Setting: Encodable, Sendable {
    /// The dotted name.
    public let name: String
    /// Its value; nil if the kernel has no such setting.
    public let value: String?
  }

  /// The backends.
  public let backends: [BackendState]
  /// The backend whose rules a command without `--backend` uses; nil if the user has to choose.
  public let backendInUse: String?
  /// Why it is that one.
  public let reason: String
  /// The tables.
  public let tables: [TableState]
  /// The chains at hooks in the order in which packets pass them.
  public let chains: [ChainState]
  /// The commands of the iptables package.
  public let commands: [CommandState]
  /// The settings on which the ways of packets depend.
  public let sysctls: [Setting]
  /// The matches and targets that the loaded rules need, as `-m NAME` and `-j NAME`.
  public let extensions: [String]
  /// What makes answers about this machine unreliable, one sentence each.
  public let problems: [String]
  /// What is not looked at, one sentence each.
  public let unseen: [String]

  /// The settings that are listed.
  private static let names = [
    "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter",
    "net.ipv4.conf.all.route_localnet", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables",
    "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_helper",
    "net.netfilter.nf_conntrack_tcp_be_liberal", "net.netfilter.nf_conntrack_tcp_loose",
  ]

  /// Examines the network namespace of the calling thread. Only reads.
  public init(registry: Registry) {
    self.init(
      RuleInventory(registry: registry),
      commands: ["iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"].map { name in
        CommandState(
          name: name, program: InstalledCommand.find(name)?.program, variant: Backend.installed(as: name)?.rawValue)
      },
      sysctls: Self.names.map { name in
        let path = "/proc/sys/" + name.replacing(".", with: "/")
        let value = (try? HostFile.read(path)).map { String($0.prefix { $0 != "\n" }) }
        return Setting(name: name, value: value)
      })
  }

  package init(_ inventory: RuleInventory, commands: [CommandState], sysctls: [Setting]) {
    self.commands = commands
    self.sysctls = sysctls
    let installed = commands.first { $0.name == "iptables" }?.variant.flatMap { Backend(rawValue: $0) }
    let choice = Backend.inForce(inventory, ignoresStrangers: true, installed: installed)
    let isReadable = inventory.failures.isEmpty
    backendInUse = isReadable ? choice?.backend.rawValue : nil
    reason =
      !isReadable ? "the rules cannot be read" : choice?.reason ?? "rules stand in both backends, or iptables cannot express all of them"
    backends = Backend.allCases.map { backend in
      let isAvailable: Bool? = backend == .nft ? (isReadable ? inventory.hasNfTables : nil) : (isReadable ? true : nil)
      return BackendState(name: backend.rawValue, isAvailable: isAvailable, rules: inventory.counts[backend] ?? 0)
    }
    tables = inventory.tables.map { table in
      let owners = RuleOwners.of(table)
      let isIptables = ["ip", "ip6"].contains(table.family) && TableName(rawValue: table.name) != nil
      return TableState(
        holder: table.holder.rawValue, family: table.family, name: table.name, rules: table.rules, objects: table.objects,
        owners: owners.isEmpty && isIptables ? ["iptables"] : owners, isDormant: table.isDormant)
    }
    let evaluated = choice?.backend
    chains = inventory.chains.map { chain in
      let isOwn = chain.isIptables && chain.holder == (evaluated == .nft ? .nfTables : .legacy) && evaluated != nil
      return ChainState(
        hook: chain.hook, priority: chain.priority, holder: chain.holder.rawValue, chain: chain.title, type: chain.type,
        policy: chain.drops ? "drop" : "accept", rules: chain.rules,
        may: (chain.mayDrop ? ["drop"] : []) + (chain.mayChange ? ["change"] : []),
        isEvaluated: isOwn || chain.knowledge == .whole && chain.matters,
        isPartlyEvaluated: !isOwn && chain.knowledge == .partial)
    }
    extensions = inventory.extensions.map { "\($0.kind == .match ? "-m" : "-j") \($0.name)" }.sorted()
    problems = Self.problems(inventory, evaluated, installed, commands, sysctls)
    unseen = [
      "the rules of other network namespaces, such as those of containers", "programs at XDP and tc, and filters of the network card",
    ]
  }

  private static func problems(
    _ inventory: RuleInventory, _ evaluated: Backend?, _ installed: Backend?, _ commands: [CommandState], _ sysctls: [Setting]
  ) -> [String] {
    var found = inventory.failures.map { "the rules cannot be read: \($0.description)" }
    if inventory.counts.filter({ $0.value > 0 }).count > 1 {
      found.append("both variants of iptables hold rules, and a packet must pass both: give --backend to commands")
    }
    if let evaluated {
      found += inventory.strangers(to: evaluated).filter { $0.matters && $0.knowledge != .whole }.map { chain in
        chain.knowledge == .partial
          ? "some rules of \(chain.title) (\(chain.hook), priority \(chain.priority)) are not evaluated: packets that reach one have the verdict unknown"
          : "the rules of \(chain.title) (\(chain.hook), priority \(chain.priority)) are not evaluated: packets that pass it have the verdict unknown"
      }
    }
    found += inventory.natives
    found += inventory.tables.filter { $0.isDormant && $0.rules > 0 }.map {
      "table \($0.family) \($0.name) is dormant: its rules see no packets"
    }
    found += inventory.extensions.filter { !$0.isMeaningKnown }.map {
      "Ferrule does not know what \($0.kind == .match ? "-m" : "-j") \($0.name) does: packets that reach such a rule have the verdict unknown"
    }
    if let evaluated, let installed, evaluated != installed, inventory.counts[evaluated] ?? 0 > 0 {
      found.append("the rules are in backend \(evaluated.rawValue), but the installed iptables changes backend \(installed.rawValue)")
    }
    let variants = Set(commands.compactMap(\.variant))
    if variants.count > 1 {
      found.append("the installed iptables commands are of different variants: \(variants.sorted().joined(separator: ", "))")
    }
    func number(_ name: String) -> Int? { sysctls.first { $0.name == name }?.value.flatMap { Int($0) } }
    if let count = number("net.netfilter.nf_conntrack_count"), let most = number("net.netfilter.nf_conntrack_max"), most > 0, count >= most
    {
      found.append("the connection table is full (\(count) of \(most)): packets of new connections are dropped")
    }
    return found
  }
}
