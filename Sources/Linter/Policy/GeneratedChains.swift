import Diagnostics
import Syntax

/// The chains that programs write anew at each start, and into which they put hooks and duplicates of which nobody has to care.
enum GeneratedChains {
  /// The beginnings of the names of such chains, by program.
  private static let prefixes = [
    // Docker, Podman and CNI; Kubernetes and its network plugins; Istio.
    "DOCKER", "NETAVARK", "CNI-", "KUBE-", "cali-", "CILIUM_", "OLD_CILIUM_", "FLANNEL", "WEAVE", "ISTIO_",
    // ufw, firewalld, shorewall's hooks, fail2ban, CrowdSec, libvirt, OpenStack, Qubes, lxd.
    "ufw-", "ufw6-", "f2b-", "fail2ban-", "CROWDSEC", "LIBVIRT_", "neutron-", "nova-", "QBS-", "PR-QBS", "LXD",
    // firewalld's zones and policies.
    "FWDI_", "FWDO_", "FWD_", "IN_", "OUT_", "PRE_", "POST_",
  ]
  /// The names that firewalld gives to its hooks.
  private static let suffixes = [
    "_direct", "_ZONES", "_ZONES_SOURCE", "_IN_ZONES", "_OUT_ZONES", "_IN_ZONES_SOURCE", "_OUT_ZONES_SOURCE", "_POLICIES_pre",
    "_POLICIES_post", "_POLICIES",
  ]
  /// Checks of rules without effect.
  private static let codes: Set<String> = [
    "FE002", "FE003", "FE005", "FE007", "FE021", "FE022", "FE023", "FE024", "FE061", "FE063", "FE065",
  ]

  static func contains(_ name: String) -> Bool {
    prefixes.contains { name.hasPrefix($0) } || suffixes.contains { name.hasSuffix($0) }
  }

  /// The diagnostic as a note if it is about a rule without effect in a generated chain, or about a jump to one.
  static func demoted(_ diagnostic: Diagnostic, in file: SourceFile) -> Diagnostic {
    guard diagnostic.severity == .warning, let code = diagnostic.code, codes.contains(code) else { return diagnostic }
    let line = file.line(file.position(of: diagnostic.range.range.lowerBound).line)
    let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    var names: [String] = []
    if let first = words.first, first.hasPrefix(":") { names.append(String(first.dropFirst())) }
    for (word, value) in zip(words, words.dropFirst())
    where ["-A", "-I", "-N", "--new-chain", "-j", "-g", "--append", "--jump", "--goto"].contains(word) {
      names.append(value)
    }
    guard names.contains(where: contains) else { return diagnostic }
    var note = diagnostic
    note.severity = .note
    return note
  }
}
