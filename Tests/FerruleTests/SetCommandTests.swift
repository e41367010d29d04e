import Foundation
import TestSupport
import Testing

/// `plan` and `apply` with `--ipset`, each in a network namespace with a state directory of its own.
@Suite(.asRoot, .needsTool("ipset"), .needsTool("iptables-nft"), .needsTool("iptables-legacy")) struct SetCommandTests {
  private enum Backend: String, CaseIterable { case legacy, nft }

  private static let files = [
    "a.v4": """
    *filter
    :INPUT ACCEPT [0:0]
    -A INPUT -m set --match-set blocked src -j DROP
    -A INPUT -p tcp -m set --match-set both src,dst -j ACCEPT
    COMMIT

    """,
    "b.v4": """
    *filter
    :INPUT ACCEPT [0:0]
    -A INPUT -m set --match-set blocked src -j DROP
    COMMIT

    """,
    "a.sets": """
    create blocked hash:net family inet counters comment
    add blocked 10.0.0.0/8 packets 0 bytes 0 comment "the office"
    add blocked 192.0.2.1
    create ports hash:ip,port family inet timeout 300
    add ports 10.0.0.1,udp:53
    create both list:set size 8
    add both ports

    """,
    "b.sets": """
    create blocked hash:net family inet counters comment
    add blocked 10.0.0.0/8 comment "the office"
    add blocked 198.51.100.0/24

    """,
  ]

  /// Runs a script beside the files above. `$B` is the backend, `$S` the state directory; `sets` prints the elements of all sets, and a set
  /// `foreign` is there.
  private static func shell(on backend: Backend, _ script: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-sets-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8) }
    let head = """
      sets() { ipset save | grep ^add | sed 's/ packets.*comment/ comment/; s/ packets.*//; s/ timeout.*//' | sort; }
      rules() { iptables-$B-save 2> /dev/null | grep -c match-set; }
      ipset create foreign hash:ip; ipset add foreign 203.0.113.1

      """
    try (head + script).write(to: folder.appending(path: "script"), atomically: true, encoding: .utf8)
    return try BuiltCommand.shell(
      "cd \(folder.path) && B=\(backend) S=\(folder.path)/state FERRULE_STATE_DIRECTORY=\(folder.path)/state XTABLES_LOCKFILE=\(folder.path)/lock unshare -n sh script"
    ).text
  }

  private static let a = """
    add blocked 10.0.0.0/8 comment "the office"
    add blocked 192.0.2.1
    add both ports
    add foreign 203.0.113.1
    add ports 10.0.0.1,udp:53

    """
  private static let b = """
    add blocked 10.0.0.0/8 comment "the office"
    add blocked 198.51.100.0/24
    add foreign 203.0.113.1

    """

  @Test(arguments: Backend.allCases) private func setsChangeWithTheRulesAndGoBackWithThem(_ backend: Backend) throws {
    let text = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B --ipset a.sets a.v4; sets; rules
      ferrule plan --backend $B --ipset a.sets a.v4; echo $?
      ferrule plan --backend $B --ipset b.sets b.v4 | grep -e set -e '^  '
      ferrule apply --backend $B --ipset b.sets b.v4; sets; rules
      ferrule rollback; sets; rules; ferrule rollback; sets; rules; cat $S/*.sets | wc -l
      """)
    let wanted = """
      applied filter; sets blocked, ports, both
      \(Self.a)2
      nothing changes
      0
        - -A INPUT -p tcp -m set --match-set both src,dst -j ACCEPT
      set blocked: changed
        - 192.0.2.1
        + 198.51.100.0/24
      set both: deleted
        - ports
      set ports: deleted
        - 10.0.0.1,udp:53
      packets, apart from what the sets change: undecided
      applied filter; sets blocked, both, ports
      \(Self.b)1
      change 2 was taken back: filter, set blocked, set both, set ports
      \(Self.a)2
      change 1 was taken back: filter, set blocked, set ports, set both
      add foreign 203.0.113.1
      0
      1

      """
    #expect(text == wanted, "\(text)")
  }

  /// A set that a rule outside the files or a list still names is not deleted; the plan says so, and why.
  @Test(arguments: Backend.allCases) private func aSetThatIsStillNamedStays(_ backend: Backend) throws {
    let text = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B --ipset a.sets a.v4 > /dev/null
      iptables-$B -t nat -A PREROUTING -m set --match-set both src,dst
      ferrule plan --backend $B --ipset b.sets b.v4 | grep -e 'set both: ' -e 'set ports: '
      ferrule apply --backend $B --ipset b.sets b.v4 2>&1
      ferrule plan --backend $B --ipset b.sets b.v4; echo $?
      iptables-$B -t nat -D PREROUTING 1
      ferrule plan --backend $B --ipset b.sets b.v4 --format json | tr -d ' \\n' | grep -o '"kind":"[a-z]*","name":"[a-z]*"'
      ferrule apply --backend $B --ipset b.sets b.v4 2>&1
      """)
    let table = "the iptables table nat\(backend == .legacy ? " of legacy" : "")"
    let stays = """
      set both: stays, because rule 1 of PREROUTING in \(table) names it
      set ports: stays, because the list:set both names it
      """
    let wanted = """
      \(stays)
      ferrule: the set both is still named by a rule or a list; a later change deletes it
      ferrule: the set ports is still named by a rule or a list; a later change deletes it
      applied filter; sets blocked, both, ports
      \(stays)
      nothing changes
      0
      "kind":"deleted","name":"both"
      "kind":"deleted","name":"ports"
      applied filter; sets both, ports

      """
    #expect(text == wanted, "\(text)")
  }

  /// The deadline, a failed check and a refusal of the kernel take the sets back too.
  @Test(arguments: Backend.allCases) private func setsGoBackInEveryWay(_ backend: Backend) throws {
    let text = try Self.shell(
      on: backend,
      """
      ferrule apply --backend $B --ipset a.sets a.v4 > /dev/null
      ferrule apply --backend $B --confirm 4 --ipset b.sets b.v4 > /dev/null; sets
      for i in $(seq 300); do ferrule history | grep -q '^2 .*rolled-back' && break; sleep 0.1; done; sets; rules
      ferrule apply --backend $B --check false --ipset b.sets b.v4 2>&1 | tail -1; sets; rules
      printf '*raw\\n-A PREROUTING -p tcp -j CT --timeout none\\nCOMMIT\\n' > refused.v4
      ferrule apply --backend $B --ipset b.sets refused.v4 > /dev/null 2>&1; echo $?; sets; rules; ls $S | grep -c -e change -e progress
      ferrule apply --backend $B --ipset b.sets bad.v4 2> /dev/null; echo $?; sets
      """)
    let wanted = """
      \(Self.b)\(Self.a)2
      ferrule: `false' failed with status 1: change 3 was taken back
      \(Self.a)2
      3
      \(Self.a)2
      0
      2
      \(Self.a)
      """
    #expect(text == wanted, "\(text)")
  }

  /// Sets of other programs are neither changed nor deleted, unless told. A type cannot change while rules may name the set.
  @Test(arguments: Backend.allCases) private func setsOfOthersStay(_ backend: Backend) throws {
    let text = try Self.shell(
      on: backend,
      """
      { cat a.sets; echo create foreign hash:ip; echo add foreign 203.0.113.2; } > foreign.sets
      ferrule apply --backend $B --ipset foreign.sets a.v4; echo $?; sets
      ferrule apply --backend $B --adopt-sets --ipset foreign.sets a.v4; ipset save foreign | tail -1
      sed 's/blocked hash:net/blocked hash:ip/; /10.0.0.0/d' a.sets > type.sets; ferrule apply --backend $B --ipset type.sets a.v4; echo $?
      echo frob > bad.sets; ferrule apply --backend $B --ipset bad.sets a.v4; echo $?
      """)
    let wanted = """
      ferrule: ipset foreign: another program created the loaded set, which differs from the file's. Leave it out of the file, or give --adopt-sets to replace it
      2
      add foreign 203.0.113.1
      applied filter; sets blocked, ports, foreign, both
      add foreign 203.0.113.2
      ferrule: ipset blocked: the loaded set has another type (hash:net), and rules may name it. Give the new set another name
      2
      ferrule: bad.sets:1: `frob' is neither create nor add
      2

      """
    #expect(text == wanted, "\(text)")
  }

  /// Elements that packets add stay, counters and times of elements that both versions have too.
  @Test(arguments: Backend.allCases) private func whatPacketsChangedStays(_ backend: Backend) throws {
    let text = try Self.shell(
      on: backend,
      """
      ip link set lo up; printf '*filter\\n-A OUTPUT -o lo -j SET --add-set seen dst\\n-A INPUT -m set --match-set blocked src\\nCOMMIT\\n' > dynamic.v4
      { echo create seen hash:ip; cat b.sets; echo add blocked 127.0.0.0/8; } > one.sets; { cat one.sets; echo add blocked 192.0.2.9; } > two.sets
      ferrule apply --backend $B --ipset one.sets dynamic.v4
      ping() { echo | nc -u -w0 127.0.0.7 9 2> /dev/null || python3 -c 'import socket; socket.socket(2, 2).sendto(b"x", ("127.0.0.7", 9))'; }
      ping; ferrule plan --backend $B --ipset one.sets dynamic.v4
      ferrule apply --backend $B --ipset two.sets dynamic.v4; ipset save seen | grep -c 127.0.0.7; ipset save blocked | grep 127 | grep -c 'packets 0 '
      """)
    #expect(text == "applied filter; sets seen, blocked\nnothing changes\napplied filter; sets blocked\n1\n0\n", "\(text)")
  }

  @Test private func aSandboxAndATestHaveTheSetsOfTheFile() throws {
    let text = try Self.shell(
      on: .legacy,
      """
      ferrule apply --sandbox --ipset a.sets a.v4; ferrule apply --test --ipset a.sets a.v4; echo $?; ferrule apply --sandbox a.v4 2> /dev/null; echo $?
      ferrule plan --backend $B --output p --ipset a.sets a.v4 > /dev/null; ferrule apply --backend $B p; sets; ferrule apply --backend $B p; echo $?
      """)
    #expect(
      text == """
        the kernel accepts filter; sets blocked, ports, both
        0
        2
        applied filter; sets blocked, ports, both
        \(Self.a)ferrule: p: other sets are loaded than when this plan was made; make it again
        3

        """, "\(text)")
  }
}
