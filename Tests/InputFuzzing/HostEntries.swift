import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Scenarios
import Snapshots
import Suites
import XTables

/// What describes a machine: files of `--host`, what `ip`, `ipset` and `conntrack` print, fingerprints, snapshots.
enum HostEntries {
  static let all = [
    InputEntry("host") { bytes in _ = try? Host(yaml: SourceFile(name: "input", bytes: bytes)) },
    InputEntry("ip-json") { read(listing: $0) },
    InputEntry("ip-command") { bytes in
      guard let host = try? PacketEntries.host() else { return }
      for line in text(bytes).split(whereSeparator: \.isNewline).prefix(400) { try? host.apply(ipCommand: String(line)) }
    },
    InputEntry("ipset") { bytes in
      guard let sets = try? AddressSets(saved: text(bytes)) else { return }
      PacketEntries.carry(knowing: sets)
    },
    InputEntry("fingerprints") { bytes in
      guard let fingerprints = try? OSFingerprints(text: text(bytes)) else { return }
      PacketEntries.carry(knowing: fingerprints)
    },
    InputEntry("conntrack") { read(connections: $0) },
    InputEntry("snapshot") { bytes in
      let file = SourceFile(name: "input.yaml", bytes: bytes)
      _ = SnapshotFile.isOne(file)
      _ = try? SnapshotFile(file, registry: .ferrule, names: .builtin, loader: .none)
    },
  ]

  static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// What `ip addr` printed, and behind empty lines what `ip route` and `ip neigh` did, as text or JSON.
  private static func read(listing bytes: [UInt8]) {
    let files = text(bytes).split(separator: "\n\n", maxSplits: 2).map { SourceFile(name: "input", bytes: Array($0.utf8)) }
    guard let addresses = files.first, let host = try? Host(addressListing: addresses) else { return }
    if files.count > 1 { try? host.addRoutes(ofListing: files[1]) }
    if files.count > 2 { try? host.addNeighbours(ofListing: files[2]) }
  }

  private static func read(connections bytes: [UInt8]) {
    let listing = ConnectionListing(bytes) { $0 == "label" ? 3 : nil }
    for error in listing.errors { precondition(error.range.upperBound <= bytes.count) }
    for entry in listing.entries { _ = entry.connection.extendedLine }
    guard let simulator = try? PacketEntries.simulator() else { return }
    _ = simulator.restore(listing)
    simulator.advance(nanoseconds: 10_000_000_000)
    for connection in simulator.connections() { _ = connection.extendedLine }
  }
}
