import Extensions
import Foundation
import Kernel
import KernelLab
import TestSupport
import Testing

/// Nothing that a scenario says runs a program, writes a file, or changes a switch of the machine.
@Suite(.asRoot, .serialized) struct HostileScenarioTests {
  /// A folder with a program that leaves a mark when it is run.
  private struct Trap {
    /// In /tmp whatever TMPDIR says: the sandbox of the system's tools hides /tmp.
    let folder = URL(filePath: "/tmp/ferrule-trap-\(UUID().uuidString)")
    var program: String { folder.appending(path: "program").path }
    var mark: String { folder.appending(path: "mark").path }

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data("#!/bin/sh\necho \"$@\" > \(mark)\n".utf8).write(to: folder.appending(path: "program"))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    }

    var isSprung: Bool { FileManager.default.fileExists(atPath: mark) }
    func remove() { try? FileManager.default.removeItem(at: folder) }
  }

  /// What may stand between a command that is understood and one that is not.
  private static let separators = [
    "\n", "\r", "\r\n", "\u{0B}", "\u{0C}", "\0", "\u{85}", "\u{2028}", ";", "\t", " ", "\\\n", "\"\n", "'\n", "#\n", "\n\n", " \n\t",
  ]

  private static func commands(_ trap: Trap) -> [String] {
    [
      "vrf exec default \(trap.program)", "vrf e default \(trap.program)", "netns add ferrule-was-here", "netns exec x \(trap.program)",
      "net exec x \(trap.program)",
      "netns attach ferrule-was-here 1", "-batch \(trap.program)", "-b \(trap.program)", "-force vrf exec default \(trap.program)",
      "-all netns exec \(trap.program)",
      "-n x link set eth0 up", "tuntap add ferrule0 mode tap", "xfrm state flush", "l s eth0 netns 1",
      "link set eth0 xdp obj \(trap.program)",
      "route add default dev eth0 encap bpf in obj \(trap.program)", "route restore", "route save", "addr save", "rule save",
      "link add x type vrf table 9", "link del eth0",
    ]
  }

  private static func scenario(_ members: [String: Any]) throws -> String {
    var object: [String: Any] = [
      "name": "x", "topology": ["ifaces": ["eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]]],
      "steps": [["in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"]],
    ]
    for (name, value) in members { object[name] = value }
    return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
  }

  private static func topology(_ line: String) -> [String: Any] {
    ["topology": ["ifaces": ["eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]], "setup": [line]]]
  }

  @Test func noCommandOfIPReachesTheMachine() throws {
    let trap = try Trap()
    defer { trap.remove() }
    let lab = KernelLab(registry: .ferrule)
    let before = try HostProcess.run("ip", ["netns", "list"]).output
    for command in Self.commands(trap) {
      var lines = [command, "-4 \(command)", " \(command)", "\t\(command)"]
      for separator in Self.separators {
        for head in [
          "link set eth0 up", "route add 192.0.2.0/24 dev eth0", "rule add fwmark 1 table 100",
          "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0",
        ] {
          lines.append(head + separator + command)
        }
      }
      for line in lines {
        for members in [Self.topology(line), ["steps": [["ip": line]]]] {
          let answer = lab.answer(line: try Self.scenario(members))
          #expect(answer.contains("\"error\": \""), "\(line.debugDescription): \(answer)")
        }
      }
    }
    #expect(!trap.isSprung)
    #expect(try HostProcess.run("ip", ["netns", "list"]).output == before)
  }

  /// Options of iptables and ipset that name a file or a program, in texts of rules and of sets.
  @Test func noRulesAndNoSetsReachTheMachine() throws {
    let trap = try Trap()
    defer { trap.remove() }
    let lab = KernelLab(registry: .ferrule)
    var rules: [String] = []
    for option in [
      "-M \(trap.program)", "--modprobe \(trap.program)", "--modprobe=\(trap.program)", "--modp \(trap.program)", "--mod=\(trap.program)",
    ] {
      for rest in ["-m condition --condition x", "-m nosuch --x", "-j NOSUCH", "-j DROP", "-m set --match-set none src"] {
        rules += ["-A INPUT \(option) \(rest)", "-A INPUT \(rest) \(option)"]
        for separator in Self.separators { rules.append("-A INPUT -j ACCEPT\(separator)-A INPUT \(option) \(rest)") }
      }
    }
    rules += [
      "-A INPUT -m bpf --object-pinned \(trap.program) -j DROP", "-A INPUT -m ../../../..\(trap.program) -j DROP",
      "-A INPUT -j ../../../..\(trap.program)",
      // A line that is longer than what iptables-restore reads at once would go on as another.
      "-A INPUT " + String(repeating: "-m comment --comment \(String(repeating: "x", count: 200)) ", count: 46)
        + "-M \(trap.program) -j NOSUCH",
    ]
    for rule in rules { _ = lab.answer(line: try Self.scenario(["rules": "*filter\n\(rule)\nCOMMIT\n"])) }
    _ = lab.answer(line: try Self.scenario(["rules": "*filter\nCOMMIT\n*../../\(trap.program)\nCOMMIT\n"]))
    for rule in rules.prefix(20) {
      _ = lab.answer(line: try Self.scenario(["steps": [["load": ["rules": "*filter\n\(rule)\nCOMMIT\n"]]]]))
    }
    var sets: [String] = []
    for command in [
      "save -file \(trap.mark)", "save -f \(trap.mark)", "-f \(trap.mark) save", "list -file \(trap.mark)", "restore -file \(trap.program)",
      "save > \(trap.mark)",
    ] {
      sets.append(command)
      for separator in Self.separators { sets.append("create a hash:ip\(separator)\(command)") }
      for separator in Self.separators {
        sets.append("create a hash:ip comment\nadd a 10.0.0.1 comment \"x\(separator)\(command)\"\(separator)\(command)")
      }
    }
    for text in sets { _ = lab.answer(line: try Self.scenario(["ipset": text])) }
    #expect(!trap.isSprung)
    #expect(lab.answer(line: try Self.scenario(["ipset": "save -file \(trap.mark)\n"])).contains("neither create nor add"))
  }

  @Test(arguments: [
    "kernel.core_pattern", "kernel/core_pattern", "net/../kernel/core_pattern", "net.ipv4.//kernel.core_pattern",
    "net.//.kernel.core_pattern",
    "net.ipv4.conf.//.//.//.kernel.core_pattern", "net.ipv4.conf.eth0\n.x.y", "net..ipv4.ip_forward", ".net.ipv4.ip_forward",
    "net.ipv4.ip_forward.", "net.ipv4", "net",
    "net.ipv4.conf./.x", "net.unix.max_dgram_qlen", "fs.suid_dumpable", "vm.swappiness", "", "/", ".", "net.ipv4.\0.x",
    "NET.ipv4.ip_forward", "net.ipv4.ip forward",
  ]) func noSwitchOfTheMachineIsSet(_ name: String) throws {
    let pattern = try HostFile.read("/proc/sys/kernel/core_pattern")
    let answer = KernelLab(registry: .ferrule).answer(line: try Self.scenario(["sysctl": [name: "1"]]))
    #expect(answer.contains("is not a sysctl of a network namespace"), "\(answer)")
    #expect(try HostFile.read("/proc/sys/kernel/core_pattern") == pattern)
  }

  @Test(arguments: ["", "x", "1\n2\nx", "1\n", "/bin/sh", "evil", "1;2", String(repeating: "1", count: 2000)]) func aSwitchIsANumber(
    _ value: String
  ) throws {
    let answer = KernelLab(registry: .ferrule).answer(line: try Self.scenario(["sysctl": ["net.ipv4.ip_default_ttl": value]]))
    #expect(answer.contains("net.ipv4.ip_default_ttl: the value must be a number"), "\(answer)")
  }

  @Test(arguments: ["eth%d", "a/b", ".", "..", "a b", "a\nb", "a\u{0B}b", "a:b", "\0", "", "abcdefghijklmnop", "a\u{7F}"])
  func anInterfaceIsCalledAsTheKernelHasIt(_ name: String) throws {
    let answer = KernelLab(registry: .ferrule).answer(line: try Self.scenario(["topology": ["ifaces": [name: ["10.0.0.1/24"]]]]))
    #expect(answer.contains("is not a valid interface name"), "\(answer)")
  }

  /// A program of the system that a snapshot asks sees no file that it could write, nor those of /tmp and /run, and may do nothing but the network's.
  @Test func aToolOfTheSystemCanWriteNothing() throws {
    let trap = try Trap()
    defer { trap.remove() }
    #expect(try SystemTool.ip.run(["-j", "addr"]).status == 0)
    for place in [
      trap.mark, "/ferrule-was-here", "/etc/ferrule-was-here", "/dev/shm/ferrule-was-here", "/var/tmp/ferrule-was-here",
      "/run/ferrule-was-here", "\(PackageFolder.path)/ferrule-was-here",
    ] {
      let outcome = try SystemTool.ipset.run(["save", "-file", place])
      #expect(outcome.status != 0, "\(place)")
      #expect(!FileManager.default.fileExists(atPath: place))
    }
    #expect(try SystemTool.ip.run(["-batch", trap.program]).output.contains("No such file"))
    #expect(try SystemTool.ip.run(["netns", "add", "ferrule-was-here"]).status != 0)
    #expect(try SystemTool.ip.run(["netns", "list"]).output == "")
    // What it executes gets no more: only CAP_NET_ADMIN and CAP_NET_RAW are left, and no_new_privs is set.
    let status = try NetworkNamespace.onNewThread {
      try SystemTool.ip.run(["vrf", "exec", "default", "grep", "-E", "^(CapBnd|NoNewPrivs)", "/proc/self/status"])
    }
    if status.status == 0 { #expect(status.output == "CapBnd:\t0000000000003000\nNoNewPrivs:\t1\n") }
  }
}
