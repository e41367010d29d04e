import Foundation
import Kernel
import TestSupport
import Testing

/// Extensions of libxtables that Ferrule does not know, and rules of which nobody knows the extension: the drop-in commands answer as the
/// real ones do. The kernel has `l2tp`, for which iptables 1.8.9 has no file of its own.
@Suite(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy")) struct ForeignCommandTests {
  /// A rule whose match nobody can read, behind one that all can.
  static let unread =
    "-A INPUT -s 10.0.0.0/8 -p udp -m comment --comment hi -m l2tp --ferrule-bytes 0:01000000000000000000010000000000 -j ACCEPT"

  /// Puts rules into a namespace's filter table.
  static func apply(_ rules: String) -> String {
    "printf '%s\\n' '*filter' '-A INPUT -j RETURN' \(Rival.quote(rules)) COMMIT | \(BuiltPrograms.folder)/ferrule apply -"
  }

  func compare(_ commands: [String]) throws {
    let real = try Rival.real.run(commands)
    let ours = try Rival.ours.run(commands)
    for (index, command) in commands.enumerated() where real[index] != ours[index] {
      Issue.record("\(command)\nreal: \(real[index])\nours: \(ours[index])")
    }
    #expect(real.first?.status == 0, "\(real.first?.errors ?? "nothing ran")")
  }

  @Test func whatNobodyReadsIsListedAsIptablesDoes() throws {
    try compare([
      Self.apply(Self.unread), "iptables -L -n", "iptables -L -v", "iptables -L INPUT 2 -x -n -v", "iptables -S", "iptables -S -v",
      "iptables -S INPUT 1",
      "iptables-save", "iptables-save -c", "iptables -A INPUT -m l2tp -j DROP", "iptables -v -A INPUT -j DROP", "iptables -Z",
      "iptables -L -n",
      "iptables -D INPUT 2", "iptables-save",
    ])
  }

  @Test func foreignRulesAreTakenAndPrinted() throws {
    let libraries = try ForeignLibraries.folder.get()
    let system = try HostFolders.extensions()
    let use = "export XTABLES_LIBDIR=\(libraries):\(system); "
    try compare([
      Self.apply(Self.unread), use + "iptables -S", use + "iptables -L -v -n", use + "iptables-save",
      use + "iptables -v -A INPUT -p udp -m l2tp --tid 7 --type data -m comment --comment x -j ACCEPT",
      use + "iptables -I INPUT -p udp -m l2tp --sid 3 --pver 3", use + "iptables -S",
      use + "iptables -C INPUT -p udp -m l2tp --sid 3 --pversion 3",
      use + "iptables -C INPUT -p udp -m l2tp --sid 4 --pversion 3", use + "iptables -D INPUT -p udp -m l2tp --sid 3 --pversion 3",
      use + "iptables-save",
      use + "iptables -A INPUT -m l2tp", use + "iptables -A INPUT -m l2tp --tid x", use + "iptables -A INPUT -m l2tp --tid 1 --tid 2",
      use + "iptables -A INPUT -m l2tp ! --tid 1", use + "iptables -A INPUT -m l2tp --type z",
      use + "iptables -A INPUT -m l2tp --pversion 4",
      use + "iptables -A INPUT -m l2tp --tid", use + "iptables-save >saved; iptables-restore <saved; iptables-save",
      use + "printf '*filter\\n-A INPUT -m l2tp --what\\nCOMMIT\\n' | iptables-restore", use + "iptables -m l2tp -h | tail -5",
      use + "ip6tables -A INPUT -m l2tp --tid 1; ip6tables -S",
    ])
  }

  @Test func hostileAndUnfitExtensionsEndAsInIptables() throws {
    let use = "export XTABLES_LIBDIR=\(try ForeignLibraries.folder.get()); "
    try compare([
      "true", use + "iptables -A INPUT -j HOSTILE --print fine", use + "iptables -A INPUT -j HOSTILE --parse exit",
      use + "iptables -A INPUT -j HOSTILE --parse error", use + "iptables -N HOSTILE", use + "iptables -A INPUT -j HOSTILE",
      use + "iptables -A INPUT -m moonphase --phase full", use + "iptables -m nothing", use + "iptables -A INPUT -j NOTHING",
      use + "iptables -j HOSTILE --help | tail -1", use + "iptables -A INPUT -m \(String(repeating: "x", count: 40))",
    ])
  }
}

enum HostFolders {
  /// Where libxtables looks by itself.
  static func extensions() throws -> String {
    try HostProcess.run("pkg-config", ["--variable=xtlibdir", "xtables"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
