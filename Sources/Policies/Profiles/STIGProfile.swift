extension AuditProfileFile {
  /// Requirements of the DISA STIGs for Linux about a host firewall.
  static let stigProfile = """
    # Requirements of the DISA STIGs for Linux about a host firewall. The numbers are those of the general requirements for operating systems.
    name: stig
    title: DISA STIG, host firewall
    controls:
      - id: SRG-OS-000297
        title: remote access is denied unless it is allowed
        packets:
          - {hook: INPUT, from: stranger, ports: unused, verdict: drop}
          - {hook: FORWARD, from: stranger, ports: unused, verdict: drop}
      - id: SRG-OS-000420
        title: new connections to open ports are limited in rate
        decide: rate-limits
      - id: SRG-OS-000096
        title: ports, protocols and services that are not needed are closed
        packets:
          - {hook: INPUT, from: stranger, ports: guarded, verdict: drop}
        decide: open-ports
        manual: Compare each open port with the list of ports, protocols and services (PPSM)

    """
}
