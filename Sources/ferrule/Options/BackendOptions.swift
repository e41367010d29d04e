import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import KernelLab
import Snapshots
import Syntax
import XTables

/// A backend, or the one that is in force.
enum BackendRequest: String, ExpressibleByArgument, CaseIterable {
  case auto, legacy, nft

  /// The backend that was asked for by name; nil for auto.
  var backend: Backend? { Backend(rawValue: rawValue) }
}

/// `--backend`.
struct BackendOptions: ParsableArguments {
  @Option(
    name: .customLong("backend"),
    help:
      "The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them."
  )
  var request = BackendRequest.auto

  /// The backend to use. Standard error names it if it was not asked for, and the rules that it cannot see.
  ///
  /// - Parameter keepsChains: true if the command takes along what is known of the chains that the backend does not read.
  /// - Throws: `CommandFailure` with exit status 3 if auto cannot decide; `KernelError` if the rules cannot be read.
  func choose(_ inventory: RuleInventory, keepsChains: Bool = false) throws -> Backend {
    if let backend = request.backend {
      guard !keepsChains else { return backend }
      for line in Self.unseen(by: backend, inventory) { Console.complain("not read or changed: \(line)") }
      for failure in inventory.failures { Console.complain("whether other rules decide on packets too is unknown: \(failure.description)") }
      return backend
    }
    if let failure = inventory.failures.first { throw failure }
    guard let (backend, reason) = Backend.inForce(inventory, ignoresStrangers: keepsChains) else { throw refusal(inventory) }
    Console.complain("backend \(backend.rawValue): \(reason)")
    return backend
  }

  /// The rules that decide on packets and that a backend neither reads nor replaces, one line each.
  static func unseen(by backend: Backend, _ inventory: RuleInventory) -> [String] {
    inventory.strangers(to: backend).map(\.description) + (backend == .nft ? inventory.natives : [])
  }

  private func refusal(_ inventory: RuleInventory) -> CommandFailure {
    let strangers = inventory.chains.filter { !$0.isIdle && !($0.isIptables && $0.holder == .nfTables) }.map(\.description)
    let own = inventory.chains.filter { !$0.isIdle && $0.isIptables && $0.holder == .nfTables }.map(\.description)
    for line in own + strangers + inventory.natives { Console.complain("loaded: \(line)") }
    return CommandFailure(
      "no backend reads all rules that decide on packets here. Nothing was read or changed. Choose with --backend legacy or --backend nft; `ferrule doctor' explains",
      .kernelRefused)
  }
}

/// The backend of a command, with what was read when it was chosen.
struct ChosenBackend {
  let backend: Backend
  let inventory: RuleInventory
  /// The tables of the backend.
  var tables: any KernelTables { backend.tables(.forThisKernel) }
  /// Reads the loaded rules again.
  func reread() throws -> ChosenBackend { ChosenBackend(backend: backend, inventory: try .ofThisNamespace()) }
}

extension BackendOptions {
  /// The backend to use, as ``choose(_:keepsChains:)`` finds it for this network namespace.
  ///
  /// - Parameter printer: prints rules of nf_tables while they are read. They are not kept.
  func chosen(printing printer: (any RuleLinePrinter)? = nil) throws -> ChosenBackend {
    let inventory = try RuleInventory.ofThisNamespace(printing: printer)
    return ChosenBackend(backend: try choose(inventory), inventory: inventory)
  }

  /// Takes a snapshot of this machine, with the chains that the backend in force does not read.
  ///
  /// - Parameter includesRules: false if other rules take the place of those that are loaded.
  func snapshot(connectionLimit: Int, includesRules: Bool) throws -> Snapshot {
    try InterruptedChange.finish()
    let inventory = RuleInventory(registry: .installed)
    // Without permission, the snapshot names the rules as missing.
    let backend = inventory.failures.isEmpty ? try choose(inventory, keepsChains: true) : request.backend ?? .legacy
    let chains = inventory.unevaluated(by: backend)
    var snapshot = HostSnapshot.take(connectionLimit: connectionLimit, registry: .installed, chains: chains, tables: inventory.nativeTables)
    { family in
      guard includesRules else { return nil }
      let rules = try KernelRules(family, ChosenBackend(backend: backend, inventory: inventory))
      if !rules.tables.isEmpty { return String(decoding: rules.text(counters: false), as: UTF8.self) }
      // Where other tables decide, none of iptables is an answer too: its filter table is empty.
      return chains.isEmpty ? "" : String(decoding: rules.printer.table(Table(.filter, family), counters: false), as: UTF8.self)
    }
    snapshot.usesNfTables = backend == .nft
    snapshot.gaps += inventory.failures.map { "the chains of nf_tables and ip_tables: \($0)" }
    if backend == .nft, !inventory.natives.isEmpty {
      snapshot.gaps.append("what stands in the tables of iptables in nf_tables and iptables cannot express (\(inventory.natives.count))")
    }
    return snapshot
  }
}

extension RuleInventory {
  /// The rules in this network namespace, as far as it must be known which backend holds them.
  ///
  /// - Throws: `KernelError` if a change was interrupted and cannot be taken back.
  static func ofThisNamespace(printing printer: (any RuleLinePrinter)? = nil) throws(KernelError) -> RuleInventory {
    try InterruptedChange.finish()
    guard let printer else { return RuleInventory(registry: .installed, followsRules: false) }
    return RuleInventory(registry: .installed, printer: printer)
  }
}
