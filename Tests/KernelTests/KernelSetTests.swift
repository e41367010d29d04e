import Compiler
import Extensions
import Glibc
import Kernel
import TestSupport
import Testing
import Wire
import XTables

/// Sets that are created, read and swapped over netlink, compared with ipset(8).
@Suite(.asRoot, .needsTool("ipset"), .serialized) struct KernelSetTests {
  /// A set of each type, and each option.
  private static let sets = """
    create bi bitmap:ip range 10.0.0.0-10.0.0.255 timeout 600 counters comment
    add bi 10.0.0.7 timeout 500 packets 3 bytes 9 comment "seven of ten"
    create bn bitmap:ip range 10.0.0.0-10.255.255.255 netmask 24
    add bn 10.7.0.0
    create bm bitmap:ip,mac range 10.0.0.0-10.0.0.255
    add bm 10.0.0.8,02:00:00:00:00:08
    create bp bitmap:port range 1-1024 skbinfo
    add bp 22 skbmark 0x1/0xff skbprio 1:10 skbqueue 2
    create hi hash:ip family inet hashsize 64 maxelem 100 timeout 0
    add hi 192.0.2.1 timeout 0
    add hi 192.0.2.2 timeout 77
    create h6 hash:ip family inet6 hashsize 1024 maxelem 65536 netmask 64
    add h6 2001:db8::
    create him hash:ip,mac family inet hashsize 1024 maxelem 65536
    add him 192.0.2.1,02:00:00:00:00:01
    create hik hash:ip,mark family inet markmask 0xff hashsize 1024 maxelem 65536
    add hik 192.0.2.1,0x0a
    create hip hash:ip,port family inet hashsize 1024 maxelem 65536 counters
    add hip 192.0.2.1,tcp:80 packets 12345678901 bytes 1
    add hip 192.0.2.1,icmp:8/0 packets 0 bytes 0
    add hip 192.0.2.1,vrrp:0 packets 0 bytes 0
    create hipi hash:ip,port,ip family inet6 hashsize 1024 maxelem 65536
    add hipi 2001:db8::1,udp:53,2001:db8::2
    create hipn hash:ip,port,net family inet hashsize 1024 maxelem 65536
    add hipn 192.0.2.1,sctp:5,10.0.0.0/8
    create hm hash:mac hashsize 1024 maxelem 65536
    add hm 02:00:00:00:00:01
    create hn hash:net family inet6 hashsize 1024 maxelem 65536
    add hn 2001:db8::/32
    add hn 2001:db8:1::/48 nomatch
    create hni hash:net,iface family inet hashsize 1024 maxelem 65536
    add hni 10.0.0.0/8,eth0
    add hni 10.0.0.0/8,physdev:eth1
    add hni 10.0.0.0/9,veth wildcard
    create hnn hash:net,net family inet hashsize 1024 maxelem 65536
    add hnn 10.0.0.0/8,192.0.2.0/24
    create hnp hash:net,port family inet hashsize 1024 maxelem 65536
    add hnp 10.0.0.0/8,udplite:9
    create hnpn hash:net,port,net family inet hashsize 1024 maxelem 65536
    add hnpn 10.0.0.0/8,tcp:9,0.0.0.0/1
    create li list:set size 12 counters
    add li hn packets 0 bytes 0
    add li hi packets 0 bytes 0

    """

  /// What ipset(8) prints without the seed of the hash, and what is left of times.
  private static func saved() throws -> [String] {
    try HostProcess.run("ipset", ["save", "-sorted"]).output.split(separator: "\n").map { line in
      var words = line.split(separator: " ").map(String.init)
      if let place = words.firstIndex(of: "initval") { words.removeSubrange(place...place + 1) }
      if words[0] == "add", let place = words.firstIndex(of: "timeout"), words[place + 1] != "0" { words[place + 1] = "60" }
      return words.joined(separator: " ")
    }
  }

  /// What ipset(8) restores, is read as it prints it, and what is created from that is printed by ipset(8) as the original.
  @Test func everyTypeIsReadAndCreatedAsIpsetDoes() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/sets"
    let lines = Self.sets.split(separator: "\n").map { $0.split(separator: " ") }
    let names = lines.filter { $0[0] == "create" }.map { $0[1] }
    let (printed, read) = try NetworkNamespace.onNewThread {
      for name in names {
        let text = lines.filter { $0[1] == name }.map { $0.joined(separator: " ") + "\n" }.joined()
        try HostFile.write(Array(text.utf8), to: path)
        let outcome = try HostProcess.run("ipset", ["-file", path, "restore"])
        // A kernel need not have every type.
        try #require(outcome.status == 0 || outcome.output.contains("set type not supported"), "\(outcome.output)")
      }
      var kernel = try KernelSets()
      let found = try kernel.read()
      #expect(found.unread.isEmpty)
      return (try Self.saved(), found.sets)
    }
    let parsed = try AddressSets(saved: printed.joined(separator: "\n"), names: .system).all
    #expect(parsed.count == read.count && read.count > 8, "\(read.map(\.type.name))")
    for (one, other) in zip(parsed.sorted { $0.name < $1.name }, read.sorted { $0.name < $1.name }) {
      #expect(one.isSame(as: other), "\(one.saved())\n\(other.saved())")
    }
    let ours = read.map { $0.saved() }.joined()
    let again = try NetworkNamespace.onNewThread {
      var kernel = try KernelSets()
      try kernel.make(try AddressSets(saved: ours, names: .system).all)
      return try Self.saved()
    }
    #expect(again == printed)
  }

  private static func filter(_ number: UInt16, _ version: String) throws -> [TableBlob] {
    let names = NameDatabase.builtin.with(
      addressSet: { _ in .found(number, nil) }, addressSetName: { _ in "blocked" }, isPinned: { _ in false })
    return try tables(
      "*filter\n-A INPUT -m set --match-set blocked src -m comment --comment \(version) -j DROP\nCOMMIT\n", names: names
    ).map { TableCompiler().compile($0) }
  }

  /// A set that a rollback creates anew gets another number; the rules that are put back name it, and not the set that has its old number.
  @Test(arguments: Backend.allCases) func rulesThatArePutBackNameTheSameSet(_ backend: Backend) throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let (state, kernel) = (StateDirectory(path), backend.tables(.ferrule))
      func change(to text: String, _ rules: () throws -> [TableBlob]) throws {
        let sets = try SetChange(to: AddressSets(saved: text), in: state, adopts: false)
        try sets.begin(backend)
        var options = ReplaceOptions(comparison: .ferrule)
        (options.carriesCounters, options.state, options.sets) = (.ferrule, state, sets)
        try kernel.replace(try rules(), options)
        #expect(sets.finish().isEmpty)
      }
      try change(to: "create blocked hash:ip\nadd blocked 192.0.2.1\n") { try Self.filter(0, "a") }
      try change(to: "create other hash:ip\n") { try tables("*filter\nCOMMIT\n").map { TableCompiler().compile($0) } }
      _ = try HostProcess.run("ipset", ["create", "foreign", "hash:ip"])
      #expect(KernelSets.numbers() == [0: "foreign", 1: "other"])
      let last = try #require(try state.history().last)
      #expect(try state.rollBack(last, .ferrule) == ["filter", "set other", "set blocked"])
      let numbers = KernelSets.numbers()
      #expect(Set(numbers.values) == ["foreign", "blocked"])
      let number = try #require(numbers.first { $0.value == "blocked" }?.key)
      #expect(number != 0)
      let uses = try kernel.table(.ipv4, .filter).typed(.ferrule).chains.flatMap { $0.rules.flatMap(\.objectUses) }
      #expect(uses == [.needsSet(number)])
      #expect(try HostProcess.run("ipset", ["save", "blocked"]).output.contains("add blocked 192.0.2.1"))
    }
  }

  /// Members of a list keep the time that they have left, whether the list stays, is made anew or put back.
  @Test func membersOfAListKeepTheirTime() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let (state, kernel) = (StateDirectory(path), Backend.nft.tables(.ferrule))
      func change(to members: String) throws -> [SetChange.Step] {
        let sets = try SetChange(
          to: AddressSets(
            saved: "create a hash:ip\ncreate b hash:ip\ncreate c hash:ip\ncreate list list:set size 8 timeout 300\n\(members)"),
          in: state, adopts: false)
        try sets.begin(.nft)
        var options = ReplaceOptions(comparison: .ferrule)
        (options.carriesCounters, options.state, options.sets) = (.ferrule, state, sets)
        try kernel.replace(try tables("*filter\nCOMMIT\n").map { TableCompiler().compile($0) }, options)
        #expect(sets.finish().isEmpty)
        return sets.steps
      }
      /// The members with the tens of seconds that they have left.
      func members() throws -> [String] {
        try HostProcess.run("ipset", ["save", "list"]).output.split(separator: "\n").filter { $0.hasPrefix("add") }.map { line in
          let words = line.split(separator: " ")
          return "\(words[2]) \((Int(words[4]) ?? -1) / 10)"
        }
      }
      _ = try change(to: "add list a timeout 105\nadd list b timeout 0\nadd list c\n")
      #expect(try members() == ["a 10", "b 0", "c 29"] || members() == ["a 10", "b 0", "c 30"])
      // The same members, whose time has run meanwhile, are no change.
      #expect(try change(to: "add list a timeout 205\nadd list b timeout 0\nadd list c\n").isEmpty)
      // One that expires now and did not before is another.
      #expect(try change(to: "add list a timeout 205\nadd list b timeout 55\n").map(\.name) == ["list"])
      #expect(try members() == ["a 10", "b 5"])
      let last = try #require(try state.history().last)
      #expect(try state.rollBack(last, .ferrule) == ["set list"])
      let back = try members()
      #expect(back == ["a 10", "b 0", "c 29"] || back == ["a 10", "b 0", "c 30"], "\(back)")
    }
  }

  /// A set that another program created in the meantime stays; what was made before it is deleted.
  @Test func aSetOfAnotherProgramStays() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let state = StateDirectory(path)
      let sets = try SetChange(to: AddressSets(saved: "create one hash:ip\ncreate two hash:ip\n"), in: state, adopts: false)
      _ = try HostProcess.run("ipset", ["create", "two", "hash:ip"])
      #expect(throws: KernelError.self) { try sets.begin(.legacy) }
      #expect(KernelSets.numbers().values.sorted() == ["two"])
      #expect(!state.hasPending)
      // It is not regarded as one's own: the next change leaves it.
      let next = try SetChange(to: AddressSets(saved: "create one hash:ip\n"), in: state, adopts: false)
      #expect(next.steps.map(\.name) == ["one"])
    }
  }
}
