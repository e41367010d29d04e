extension AuditProfileFile {
  /// The requirements of PCI DSS 4.0 about network security controls.
  static let pciProfile = """
    # Requirements of PCI DSS 4.0 about network security controls: evidence for an assessor.
    name: pci
    title: PCI DSS 4.0, network security controls
    controls:
      - id: "1.2.5"
        title: services, protocols and ports that are allowed are identified and approved
        decide: open-ports
        manual: Compare each open port with the list of approved services and their business need
      - id: "1.2.8"
        title: configuration files are secured and consistent with the running rules
        manual: "Look at the owner and the mode of the files, and compare them with the kernel: `ferrule diff FILE live'"
      - id: "1.3.1"
        title: inbound traffic is restricted to what is necessary
        packets:
          - {hook: INPUT, from: stranger, ports: unused, verdict: drop}
          - {hook: INPUT, from: stranger, protocols: 253, verdict: drop}
          - {hook: FORWARD, from: stranger, ports: unused, verdict: drop}
      - id: "1.3.2"
        title: outbound traffic is restricted to what is necessary
        packets:
          - {hook: OUTPUT, from: host, ports: unused, verdict: drop}
          - {hook: OUTPUT, from: host, protocols: 253, verdict: drop}
      - id: "1.4.2"
        title: strangers reach only what is meant for them
        packets:
          - {hook: INPUT, from: stranger, ports: guarded, verdict: drop}
          - {hook: FORWARD, from: stranger, ports: guarded, verdict: drop}
      - id: "1.4.3"
        title: forged source addresses do not enter
        packets:
          - {hook: INPUT, from: spoofer, ports: open, verdict: drop}

    """
}
