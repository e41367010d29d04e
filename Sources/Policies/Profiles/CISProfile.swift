extension AuditProfileFile {
  /// The controls of the CIS Benchmarks for Linux about a host firewall of iptables.
  static let cisProfile = """
    # The controls of the CIS Benchmarks for Debian and Ubuntu Linux about a host firewall of iptables, sections 4.4.2 and 4.4.3.
    name: cis
    title: CIS Benchmark, host firewall with iptables and ip6tables
    controls:
      - id: "4.4.2.1"
        title: iptables denies by default
        families: [ipv4]
        packets: &deny
          - {hook: INPUT, from: stranger, ports: unused, verdict: drop}
          - {hook: INPUT, from: stranger, protocols: 253, verdict: drop}
          - {hook: FORWARD, from: stranger, ports: unused, verdict: drop}
          - {hook: OUTPUT, from: host, protocols: 253, verdict: drop}
      - id: "4.4.2.2"
        title: iptables handles loopback traffic
        families: [ipv4]
        packets: &loopback
          - {hook: INPUT, from: loopback, ports: unused, verdict: accept}
          - {hook: OUTPUT, from: loopback, ports: unused, verdict: accept}
          - {hook: INPUT, from: spoofer, ports: open, verdict: drop}
      - id: "4.4.2.3"
        title: iptables accepts outbound and established connections
        families: [ipv4]
        packets: &outbound
          - {hook: OUTPUT, from: host, protocols: tcp, ports: [443], verdict: accept}
          - {hook: OUTPUT, from: host, protocols: udp, ports: [53], verdict: accept}
          - {hook: OUTPUT, from: host, ports: unused, established: true, verdict: accept}
          - {hook: INPUT, from: stranger, ports: unused, established: true, verdict: accept}
      - id: "4.4.2.4"
        title: iptables has a rule for each open port
        families: [ipv4]
        decide: listening-ports
        manual: "Compare the ports on which the host listens with the rules of INPUT: give what `ss -tuln' prints with --listening"
      - id: "4.4.3.1"
        title: ip6tables denies by default
        families: [ipv6]
        packets: *deny
      - id: "4.4.3.2"
        title: ip6tables handles loopback traffic
        families: [ipv6]
        packets: *loopback
      - id: "4.4.3.3"
        title: ip6tables accepts outbound and established connections
        families: [ipv6]
        packets: *outbound
      - id: "4.4.3.4"
        title: ip6tables has a rule for each open port
        families: [ipv6]
        decide: listening-ports
        manual: "Compare the ports on which the host listens with the rules of INPUT: give what `ss -tuln' prints with --listening"

    """
}
