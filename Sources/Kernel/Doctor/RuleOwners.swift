/// The programs that make tables and chains, by the names that they give them.
enum RuleOwners {
  /// Names of tables of nf_tables.
  static let tables: [(prefix: String, owner: String)] = [
    ("firewalld", "firewalld"), ("docker-bridges", "Docker"), ("docker", "Docker"), ("kube-proxy", "kube-proxy"),
    ("kubernetes", "kube-proxy"), ("libvirt_network", "libvirt"), ("f2b-", "fail2ban"), ("ufw", "ufw"), ("tailscale", "Tailscale"),
    ("calico", "Calico"), ("cilium", "Cilium"), ("flannel", "flannel"), ("cni_", "CNI"), ("netavark", "Podman (netavark)"),
    ("lxd", "LXD"), ("incus", "Incus"), ("lxc", "LXC"), ("crowdsec", "CrowdSec"), ("sshguard", "sshguard"), ("miniupnpd", "miniupnpd"),
    ("io.systemd", "systemd"), ("fw4", "OpenWrt"), ("shorewall", "Shorewall"), ("ferrule-observer", "ferrule verify"),
  ]

  /// Beginnings of the names of chains.
  static let chains: [(prefix: String, owner: String)] = [
    ("DOCKER", "Docker"), ("KUBE-", "kube-proxy"), ("cali-", "Calico"), ("felix-", "Calico"), ("CILIUM_", "Cilium"),
    ("OLD_CILIUM_", "Cilium"),
    ("FLANNEL-", "flannel"), ("FLANNEL", "flannel"), ("CNI-", "CNI"), ("WEAVE-", "Weave Net"), ("ANTREA-", "Antrea"),
    ("NETAVARK", "Podman (netavark)"), ("ufw-", "ufw"), ("ufw6-", "ufw"), ("f2b-", "fail2ban"), ("fail2ban-", "fail2ban"),
    ("LIBVIRT_", "libvirt"), ("ts-", "Tailscale"), ("ISTIO_", "Istio"), ("INPUT_ZONES", "firewalld"), ("FORWARD_IN_ZONES", "firewalld"),
    ("FORWARD_ZONES", "firewalld"), ("PREROUTING_ZONES", "firewalld"), ("POSTROUTING_ZONES", "firewalld"), ("IN_public", "firewalld"),
    ("filter_IN", "firewalld"), ("neutron-", "OpenStack Neutron"), ("nova-", "OpenStack Nova"), ("sshguard", "sshguard"),
    ("CROWDSEC_", "CrowdSec"), ("MINIUPNPD", "miniupnpd"), ("shorewall", "Shorewall"), ("net2fw", "Shorewall"), ("QBS-", "Qubes OS"),
    ("nm-", "NetworkManager"), ("incus", "Incus"), ("lxd", "LXD"), ("zone_lan_", "OpenWrt"), ("zone_wan_", "OpenWrt"),
  ]

  /// The owners of a table that its names tell, without repetition.
  static func of(_ table: RuleTable) -> [String] {
    var found: [String] = []
    func add(_ owner: String?) { if let owner, !found.contains(owner) { found.append(owner) } }
    if table.holder == .nfTables { add(tables.first { table.name.hasPrefix($0.prefix) }?.owner) }
    for chain in table.chains { add(chains.first { chain.hasPrefix($0.prefix) }?.owner) }
    return found
  }
}
