import ArgumentParser
import Kernel

/// `--backend` of the commands that play scenarios.
struct LabBackendOptions: ParsableArguments {
  @Option(
    name: .customLong("backend"),
    help:
      "The part of the kernel that holds the rules: legacy (ip_tables), nft (nf_tables, in the encoding of iptables-nft), or auto: what `backend:' of a test's host says, and legacy by default."
  )
  var request = BackendRequest.auto

  /// Whether the rules of all scenarios are in nf_tables; nil if each says it.
  var usesNfTables: Bool? { request.backend.map { $0 == .nft } }
}
