internal import Glibc
public import XTables

/// The part of the kernel that holds the tables of iptables.
public enum Backend: String, Sendable, CaseIterable {
  /// ip_tables and ip6_tables, which iptables-legacy uses.
  case legacy
  /// nf_tables, in the encoding of iptables-nft.
  case nft

  /// The tables of the backend.
  public func tables(_ registry: Registry) -> any KernelTables {
    switch self {
    case .legacy: LegacyTables()
    case .nft: NftTables(registry: registry)
    }
  }

  /// The backend of the installed `iptables`, by the program that its name leads to; nil if none is installed.
  public static var installed: Backend? { installed(as: "iptables") }

  /// The backend of an installed command of iptables.
  public static func installed(as command: String) -> Backend? {
    guard let path = InstalledCommand.find(command)?.program else { return nil }
    let name = path.split(separator: "/").last ?? ""
    return name.contains("legacy") ? .legacy : name.contains("nft") ? .nft : nil
  }

  /// The backend that is in force, and why.
  ///
  /// - Parameter ignoresStrangers: true if the chains that neither backend reads do not matter to the caller.
  /// - Returns: nil if rules stand in both, or where neither reads them: the user has to choose.
  public static func inForce(
    _ inventory: RuleInventory, ignoresStrangers: Bool = false, installed: Backend? = Backend.installed
  ) -> (backend: Backend, reason: String)? {
    let (legacy, nft) = (inventory.counts[.legacy] ?? 0, inventory.counts[.nft] ?? 0)
    let strangers = inventory.chains.contains { !$0.isIptables && !$0.isIdle && !$0.families.isEmpty }
    if strangers && !ignoresStrangers || !inventory.natives.isEmpty || legacy > 0 && nft > 0 { return nil }
    if nft > 0 { return (.nft, "the rules of iptables are in nf_tables") }
    if legacy > 0 { return (.legacy, "the rules of iptables are in ip_tables and ip6_tables") }
    if let installed { return (installed, "no rules are loaded, and the installed iptables is this variant") }
    let known = inventory.hasNfTables ? Backend.nft : .legacy
    return (known, "no rules are loaded, no iptables is installed, and the kernel offers it")
  }
}

/// A command of the iptables package that is installed.
public struct InstalledCommand: Sendable, Hashable {
  /// Its path.
  public let path: String
  /// The file that the path leads to.
  public let program: String

  /// The first command of a name in the folders where systems install it; nil if there is none.
  public static func find(_ name: String) -> InstalledCommand? {
    for folder in ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"] {
      let path = "\(folder)/\(name)"
      guard unsafe access(path, X_OK) == 0, let resolved = unsafe realpath(path, nil) else { continue }
      defer { unsafe free(resolved) }
      return InstalledCommand(path: path, program: unsafe String(cString: resolved))
    }
    return nil
  }
}
