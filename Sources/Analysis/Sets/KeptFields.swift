import XTables

extension Field {
  private static let kept: Set<String> = [
    "ip.src", "ip.dst", "ip.protocol", "ip.fragment", "ip6.chain", "transport.overwrites", "transport.room", "transport.sport",
    "transport.dport", "tcp.flags", "icmp.typecode", "meta.iifname", "meta.mark", "ct.mark", "ct.state",
  ]

  /// Whether a packet keeps the value between two tables, unless a rule writes it. Others may change with the hook, a route or the time.
  var isKeptBetweenTables: Bool { Self.kept.contains(name) }

  /// Whether the value is that of the packet's connection, which it does not have yet in the raw table.
  var isOfConnection: Bool { name.hasPrefix("ct.") }
}

extension Table {
  /// Whether the rules test something of a connection before packets have one.
  var asksForConnectionsEarly: Bool {
    name == .raw && chains.contains { $0.rules.contains { $0.condition(family).fields.contains(where: \.isOfConnection) } }
  }
}
