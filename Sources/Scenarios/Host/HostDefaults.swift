package import Evaluator

extension Host {
  /// Sets the sysctls that a described host has if the description does not say otherwise: a router that neither checks sources nor limits
  /// errors. They are the same for `host` in a scenario file and for a host description of its own.
  package func setDescribedDefaults() {
    for (name, value) in [
      ("net.ipv4.ip_forward", 1), ("net.ipv6.conf.all.forwarding", 1), ("net.ipv4.conf.all.rp_filter", 0),
      ("net.ipv4.conf.default.rp_filter", 0), ("net.ipv4.icmp_ratelimit", 0), ("net.ipv4.icmp_ratemask", 0),
      ("net.ipv4.conf.all.send_redirects", 0), ("net.ipv4.conf.default.send_redirects", 0), ("net.ipv4.tcp_timestamps", 0),
    ] { sysctls[name] = value }
    for name in ["net.ipv6.icmp.ratelimit", "net.ipv6.icmp.ratemask"] { _ = sysctls.assign(name, "0") }
  }
}
