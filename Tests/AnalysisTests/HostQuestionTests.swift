import Analysis
import Evaluator
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Questions over routing and translation, against a host on which the same packets are run.
@Suite struct HostQuestionTests {
  static let rules = """
    *nat
    -A PREROUTING -i eth0 -p tcp -d 203.0.113.5 --dport 8080 -j DNAT --to-destination 10.0.0.5:80
    -A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE
    COMMIT
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -i lan -o eth0 -j ACCEPT
    -A FORWARD -i eth0 -o lan -p tcp -d 10.0.0.5 --dport 80 -j ACCEPT
    -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
    COMMIT

    """

  /// A router with a network behind it.
  static func router() throws -> Host {
    let host = Host()
    for (name, address) in [("eth0", "203.0.113.5/24"), ("lan", "10.0.0.1/24")] {
      host.addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0001))
      let own = try #require(Host.Address(address))
      host.updateDevice(named: name) { $0.addresses = [own] }
    }
    var route = Route(.ipv4, 0, 0)
    route.output = host.interface(named: "eth0")
    route.gateway = IPAddress("203.0.113.1")
    host.addRoute(route)
    _ = host.sysctls.assign("net.ipv4.ip_forward", "1")
    return host
  }

  static func ask(
    _ matches: String, at hook: Hook, from origin: PacketOrigin? = nil, to destination: String? = nil, rules: String = rules
  ) throws -> PacketQuestion {
    let condition = try QuestionTests.condition(matches + " -m conntrack --ctstate NEW")
    let rules = QuestionRules(RandomRules.parse(rules).ruleset, on: try router())
    let asked = Condition.all([condition, .equals(.mark, 0)])
    return PacketQuestion(rules, asked, at: hook, from: origin, to: destination.flatMap { IPAddress($0) })
  }

  @Test func translationsAreFollowedToTheVerdict() throws {
    let forwarded = try Self.ask("-p tcp", at: .forward, from: .outside, to: "10.0.0.5")
    #expect(forwarded.isComplete)
    #expect(forwarded.answers.map(\.walk.verdict) == [.accept, .accept, .drop])
    #expect(forwarded.answers.map(\.region.text) == ["dst 10.0.0.5 dport 80", "dst 203.0.113.5 dport 8080", "dst 10.0.0.5 not dport 80"])
    #expect(forwarded.answers.compactMap(\.walk.translated?.brief) == ["tcp 192.0.2.9:40000>10.0.0.5:80 S"])
    #expect(try Self.ask("-p tcp", at: .input, from: .outside, to: "10.0.0.5").isEmpty)
  }

  /// What a port forwarding translates is not on the way to the host any more.
  @Test func routingDecidesAfterTranslation() throws {
    let own = try Self.ask("-i eth0 -p tcp -m tcp --dport 8080", at: .input, to: "203.0.113.5")
    #expect(own.isEmpty && own.isComplete)
    let forwarded = try Self.ask("-i eth0 -p tcp -m tcp --dport 8080", at: .forward, to: "203.0.113.5")
    #expect(forwarded.isComplete && forwarded.verdicts == [.accept])
    let outgoing = try Self.ask("-p udp", at: .forward, from: .network(IPAddress("10.0.0.0")!, prefixLength: 24), to: "198.51.100.1")
    #expect(outgoing.isComplete && outgoing.verdicts == [.accept])
    #expect(outgoing.answers.map(\.walk.translated?.brief) == ["udp 203.0.113.5:40000>198.51.100.1:80"])
  }

  /// Each answer is what a run on the host gives.
  @Test func everyAnswerIsWhatTheHostDoes() throws {
    var shown = 0
    for hook in [Hook.input, .forward] {
      for matches in ["-p tcp", "-p udp", "-i lan -p tcp", "-p tcp -m tcp --dport 22", "-s 10.0.0.0/24"] {
        let question = try Self.ask(matches, at: hook)
        let isComplete = question.isComplete
        #expect(isComplete, "\(matches) at \(hook.name)")
        for answer in question.answers {
          let verdict = try #require(answer.onHost)
          shown += 1
          switch answer.walk.verdict {
          case .accept: #expect(hook == .input ? verdict == .delivered : verdict.name == "sent", "\(answer.witness.line ?? "") \(verdict)")
          default: #expect(verdict.name == "drop", "\(answer.witness.line ?? "") \(verdict)")
          }
        }
      }
    }
    #expect(shown > 15)
  }

  /// A port that Docker publishes: whether an address is the host's own decides, and each packet shows the way of its region.
  @Test func aPublishedPortIsTranslatedForOwnAddressesOnly() throws {
    let rules = try TextFile.text(PackageFolder.path + "/Examples/docker-host/ruleset.rules")
    let question = try QuestionTests.ask(rules, "-i eth0 -p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW", at: .forward)
    #expect(question.isComplete && question.verdicts == [.accept, .drop])
    for answer in question.answers where answer.walk.verdict == .accept {
      #expect(answer.region.text.contains("addrtype.dst LOCAL"), "\(answer.region.text)")
      #expect(answer.walk.translated?.brief.contains(">172.18.0.2:80") == true)
    }
  }

  /// With a host, its addresses decide what is LOCAL: what is published does not come to INPUT, and is published for its addresses only.
  @Test func onAHostTheTypeOfAnAddressIsKnown() throws {
    let rules = """
      *nat
      -A PREROUTING -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
      -A PREROUTING -m addrtype --dst-type BROADCAST -j ACCEPT
      COMMIT
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -d 10.0.0.5 -p tcp -m tcp --dport 80 -j ACCEPT
      COMMIT

      """
    let own = try Self.ask("-i eth0 -p tcp -m tcp --dport 8080", at: .input, to: "203.0.113.5", rules: rules)
    #expect(own.isEmpty)
    let published = try Self.ask("-i eth0 -p tcp", at: .forward, from: .outside, rules: rules)
    #expect(published.isComplete && published.verdicts == [.accept, .drop])
    let regions = published.answers.filter { $0.walk.translated != nil }.map(\.region.text)
    #expect(regions == ["out lan dst 10.0.0.1,127.0.0.0-127.255.255.254,203.0.113.5 dport 8080"])
    for answer in published.answers { #expect(answer.onHost?.name == (answer.walk.verdict == .accept ? "sent" : "drop")) }
  }

  /// What is redirected comes to INPUT, with an address of its own interface.
  @Test func redirectedPacketsAreNotForwarded() throws {
    let rules = """
      *nat
      -A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
      COMMIT
      *filter
      :INPUT DROP [0:0]
      -A INPUT -i lan -d 10.0.0.1 -p tcp -m tcp --dport 8080 -j ACCEPT
      COMMIT

      """
    let forwarded = try Self.ask("-i eth0 -p tcp -m tcp --dport 80", at: .forward, rules: rules)
    #expect(forwarded.isEmpty && forwarded.isComplete)
    let own = try Self.ask("! -i lo -p tcp -m tcp --dport 80", at: .input, rules: rules)
    #expect(own.isComplete && own.verdicts == [.accept, .drop])
    for answer in own.answers {
      let (input, address) = answer.walk.verdict == .accept ? ("lan", "10.0.0.1") : ("eth0", "203.0.113.5")
      #expect(answer.witness.draft.input == input && answer.walk.translated?.destination == IPAddress(address))
      #expect(answer.onHost?.name == (answer.walk.verdict == .accept ? "local" : "drop"))
    }
  }

  /// A translation to one of several addresses is followed as far as all of them are routed alike.
  @Test func translationsToRangesAreRouted() throws {
    func rules(_ target: String) -> String { "*nat\n-A PREROUTING -i eth0 -p tcp -j \(target)\nCOMMIT\n" }
    for target in ["DNAT --to-destination 10.0.0.5-10.0.0.9", "NETMAP --to 10.0.0.64/26"] {
      #expect(try Self.ask("-i eth0 -p tcp", at: .input, rules: rules(target)).isEmpty, "\(target)")
      let forwarded = try Self.ask("-i eth0 -p tcp", at: .forward, rules: rules(target))
      #expect(forwarded.isComplete && forwarded.verdicts == [.accept] && forwarded.answers.allSatisfy { $0.onHost?.name == "sent" })
    }
    // One of the addresses is the host's own.
    let own = try Self.ask("-i eth0 -p tcp", at: .input, rules: rules("DNAT --to-destination 10.0.0.1-10.0.0.9"))
    #expect(!own.isEmpty && !own.isComplete)
  }

  /// A packet of the host whose destination is translated leaves by another interface, where other rules ask for it.
  @Test func ownPacketsAreRoutedAgain() throws {
    let rules = """
      *nat
      -A OUTPUT -d 203.0.113.5 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
      -A OUTPUT -d 192.0.2.1 -p tcp -j REDIRECT
      -A POSTROUTING -s 10.0.0.0/24 ! -o lan -j MASQUERADE
      COMMIT
      *mangle
      -A POSTROUTING -o lan -p tcp -m tcp --dport 80 -j ACCEPT
      -A POSTROUTING -o lo -d 127.0.0.1 -j ACCEPT
      -A POSTROUTING -j DROP
      COMMIT

      """
    let published = try Self.ask("-s 10.0.0.1 -d 203.0.113.5 -p tcp -m tcp --dport 8080", at: .output, rules: rules)
    #expect(published.isComplete && published.verdicts == [.accept])
    #expect(published.answers.map(\.walk.translated?.brief) == ["tcp 10.0.0.1:40000>10.0.0.5:80 S"])
    #expect(published.answers.map(\.onHost) == [.sent(output: "lan")])
    let redirected = try Self.ask("-s 203.0.113.5 -d 192.0.2.1 -p tcp", at: .output, rules: rules)
    #expect(redirected.isComplete && redirected.verdicts == [.accept])
  }

  /// A process may name any source; the nat table has seen at OUTPUT what the host sends to itself.
  @Test func packetsOfTheHostComeInByTheLoopbackInterface() throws {
    let rules = """
      *nat
      -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
      COMMIT
      *filter
      :INPUT DROP [0:0]
      -A INPUT -i lo -s 8.8.8.8 -j ACCEPT
      COMMIT

      """
    let foreign = try Self.ask("-i lo -s 8.8.8.8 -p tcp -m tcp --dport 22", at: .input, to: "203.0.113.5", rules: rules)
    #expect(foreign.isComplete && foreign.verdicts == [.accept] && foreign.answers.map(\.onHost) == [.delivered])
    let own = try Self.ask("-i lo -s 10.0.0.1 -p tcp -m tcp --dport 8080", at: .input, to: "203.0.113.5", rules: rules)
    #expect(own.isComplete && own.verdicts == [.drop] && own.answers.allSatisfy { $0.walk.translated == nil })
    #expect(try Self.ask("-i lo -s 10.0.0.1 -p tcp", at: .forward, rules: rules).isEmpty)
  }

  /// Several next hops: the packet is forwarded by one of them, which is not known.
  @Test func aRouteWithSeveralNextHopsDeniesNothing() throws {
    let host = Host()
    for (name, address) in [("eth0", "203.0.113.5/24"), ("lan", "10.0.0.1/24")] {
      host.addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0001))
      let own = try #require(Host.Address(address))
      host.updateDevice(named: name) { $0.addresses = [own] }
    }
    host.addRoute(try host.route(text: "default nexthop via 203.0.113.1 dev eth0 nexthop via 10.0.0.7 dev lan"))
    _ = host.sysctls.assign("net.ipv4.ip_forward", "1")
    let rules = QuestionRules(RandomRules.parse("*filter\n-A FORWARD -o lan -j DROP\nCOMMIT\n").ruleset, on: host)
    let asked = Condition.all([try QuestionTests.condition("-i lan -d 8.8.8.8 -m conntrack --ctstate NEW"), .equals(.mark, 0)])
    let question = PacketQuestion(rules, asked, at: .forward)
    #expect(!question.isEmpty && !question.isComplete && question.verdicts == [.accept, .drop])
    #expect(PacketQuestion(rules, asked, at: .input).isEmpty)
  }

  @Test func aRegionHasTheWordsOfAQuestion() throws {
    let question = try QuestionTests.ask(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22:23 -j ACCEPT\nCOMMIT\n", "-i eth0")
    #expect(question.answers.map(\.region.text) == ["not src 10.0.0.0/8 tcp dport 22:23", ""])
    #expect(question.answers.map(\.region.isExact) == [true, false])
  }
}
