import Foundation
import Kernel
import TestSupport
import Testing

/// Which programs `verify` and `lab --kernel` execute, as the kernel's own tracing tells.
@Suite(.asRoot, .serialized) struct ExecutedProgramsTests {
  /// What a file may make Ferrule execute: itself, and the program that reads extensions which Ferrule does not declare.
  private static let allowed: Set<String> = ["ferrule", "ferrule-xtables"]

  /// The programs that a line of shell executed, but for the shell and the tracer; a failed attempt counts. Nil where nothing can be traced.
  private static func programs(_ line: String, with files: [String: String] = [:]) throws -> [String]? {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-trace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    let trace = folder.appending(path: "trace").path
    let outcome = try BuiltCommand.shell(
      """
      strace -V > /dev/null 2>&1 || { echo no strace; exit 99; }
      F='\(folder.path)'
      # A crash is another test's concern, and what looks into it then is Swift's.
      export SWIFT_BACKTRACE=enable=no
      trace() { strace -f -qq -s 4096 -e trace=execve,execveat -o \(trace) "$@" > /dev/null 2>&1; }
      \(line); true
      """)
    guard outcome.status != 99 else {
      print("programs were NOT traced: strace is not installed")
      return nil
    }
    let text = try String(contentsOfFile: trace, encoding: .utf8)
    return text.matches(of: /execve(?:at)?\([^"]*"([^"]*)"/).map { String($0.1.split(separator: "/").last ?? "") }
  }

  @Test func theExamplesExecuteNothing() throws {
    guard let programs = try Self.programs("trace $(command -v ferrule) verify Examples") else { return }
    #expect(programs == ["ferrule"])
  }

  @Test(.needsSharedFolder) func hostileFilesExecuteNothing() throws {
    let folder = SharedFolder.path + "/cases/hostile"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where name.hasSuffix(".yaml") || name.hasSuffix(".jsonl") {
      for command in ["verify \(folder)/\(name)", "lab --kernel < \(folder)/\(name)"] {
        // Files that take long are another test's concern.
        guard let programs = try Self.programs("trace timeout 20 $(command -v ferrule) \(command)") else { return }
        #expect(Set(programs).subtracting(["timeout"]).isSubset(of: Self.allowed), "\(command): \(programs)")
      }
    }
  }

  private static let sneaky = """
    rules: |
      *filter
      :INPUT DROP [0:0]
      -A INPUT -M $F/program -m comment --comment "\u{7}" -j ACCEPT
      COMMIT
    host:
      interfaces: {eth0: [10.0.0.1/24], br0x: {addresses: [10.0.1.1/24], mtu: 1400}}
      setup: ["link add br0 type bridge", "link set br0 up", "addr add fd00::1/64 dev br0", "SNEAKY"]
      routes: ["default via 10.0.0.254 dev eth0", "-6 default dev br0"]
      policy: ["fwmark 1 table 100"]
      neighbours: {eth0: {10.0.0.9: "02:00:00:00:00:09"}}
      sysctls: {net.ipv4.ip_forward: 1}
    ipsets: |
      create a hash:ip
      add a 10.0.0.1
    tests:
      - name: t
        steps: ["eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S", "ip addr del 10.0.0.1/24 dev eth0"]

    """

  /// All that a file can configure is configured without another program, whether it is understood or not.
  @Test(arguments: [
    "route add 192.0.2.0/24 dev eth0", #"link set eth0 up\nvrf exec default touch /tmp/ferrule-was-here"#,
    #"link set eth0 up\rvrf exec default touch /tmp/ferrule-was-here"#,
    "net exec x touch /tmp/ferrule-was-here", "-b /etc/passwd",
  ]) func whateverAFileConfiguresExecutesNothing(_ line: String) throws {
    let text = Self.sneaky.replacing("SNEAKY", with: line)
    guard let programs = try Self.programs("trace $(command -v ferrule) verify $F/a.yaml; ls $F", with: ["a.yaml": text]) else { return }
    #expect(programs == ["ferrule"])
    #expect(!FileManager.default.fileExists(atPath: "/tmp/ferrule-was-here"))
  }

  /// What `snapshot` starts, with what arguments.
  @Test func aSnapshotAsksTheToolsOfTheSystemOnly() throws {
    guard let programs = try Self.programs("trace unshare -n $(command -v ferrule) snapshot") else { return }
    #expect(Set(programs).isSubset(of: ["unshare", "ferrule", "ip", "ipset"]) && programs.contains("ip"))
  }

  /// Errors name file, line and column of the command, and end with status 2.
  @Test(arguments: ["setup", "routes", "policy"]) func aCommandThatIsNotUnderstoodIsToldWithItsPlace(_ key: String) throws {
    let text =
      "rules: |\n  *filter\n  COMMIT\nhost:\n  interfaces: {eth0: [10.0.0.1/24]}\n  \(key):\n    - \"10.0.0.0/8 dev eth0\\nvrf exec default true\"\ntests:\n  - name: a\n    steps: [wait: 0]\n"
    for command in ["verify", "test"] {
      let outcome = try CommandTests.shell("ferrule \(command) $F", with: text, named: "a.yaml")
      #expect(outcome.status == 2)
      #expect(outcome.text.contains("a.yaml:7:7"), "\(outcome.text)")
      #expect(!outcome.text.contains("\nvrf"), "\(outcome.text)")
    }
  }

  @Test(.needsSharedFolder) func theHostileFilesOfThisKindGiveWhatIsRight() throws {
    let folder = SharedFolder.path + "/cases/hostile"
    let setup = try BuiltCommand.shell("cd $(mktemp -d) && ferrule verify \(folder)/setup-runs-program.yaml; echo \"status $?\"; ls")
    #expect(setup.text.contains("setup-runs-program.yaml:6:11") && setup.text.hasSuffix("status 2\n"), "\(setup.text)")
    let sets = try BuiltCommand.shell("cd $(mktemp -d) && ferrule lab --kernel < \(folder)/ipset-writes-file.jsonl; ls")
    #expect(sets.text == #"{"name": "a", "error": "ipset: line 1: `save' is neither create nor add"}"# + "\n")
    let zero = try BuiltCommand.shell("ferrule verify \(folder)/zero-network.yaml")
    #expect(zero.status == 0, "\(zero.text)")
  }
}
