import Diagnostics
package import Wire
import XTables

/// Parses the words of one line from left to right.
package struct NotationReader {
  private let words: [NotationWord]
  /// The nesting level: 0 for the line's packet, 1 for a packet that it quotes.
  private let level: Int
  /// Where the line begins.
  private let start: Int
  private var at = 0

  package init(_ words: [NotationWord], level: Int = 0, start: Int = 0) {
    self.words = words
    self.level = level
    self.start = start
  }

  private var place: SourceRange {
    at < words.count
      ? words[at].range : words.last.map { SourceRange(Int($0.range.upperBound)..<Int($0.range.upperBound)) } ?? SourceRange(start..<start)
  }

  private mutating func next(_ what: String) throws(NotationError) -> NotationWord {
    guard at < words.count else { throw NotationError("\(what) is missing", at: place) }
    at += 1
    return words[at - 1]
  }

  /// Parses a line: an arriving packet, a packet sent by this host, or a wait.
  package mutating func step() throws(NotationError) -> ScenarioStep {
    let first = try next("the interface")
    switch first.text {
    case "wait":
      let word = try next("the number of seconds")
      guard let seconds = Double(word.text), seconds >= 0, seconds.isFinite else {
        throw NotationError("`\(word.text)' is not a number of seconds", at: word.range)
      }
      var step = ScenarioStep(.wait)
      step.sleep = seconds
      try end()
      return step
    case "local":
      let sender = try sender()
      return ScenarioStep(.local(sender, try packet()))
    default:
      if NotationReader.number(ofProtocol: first.text) != nil || first.text == "hex" {
        throw NotationError(
          "a packet starts with the interface on which it arrives", at: first.range,
          hint: "`eth0 \(first.text) …', or `local \(first.text) …' for a packet sent by a process of this host")
      }
      if let (name, _) = first.setting, DetailPlace.allCases.contains(where: { $0.names.contains(name) }) {
        throw NotationError(
          "a packet starts with the interface on which it arrives, or with `local'", at: first.range,
          hint: "`\(name)=' stands behind that word")
      }
      guard first.text.utf8.count <= 15 else {
        throw NotationError("`\(first.text)' is too long for the name of an interface", at: first.range)
      }
      var frame = ScenarioStep.Frame(interface: first.text, packet: PacketSpec(.bytes([])))
      try readLink(&frame)
      frame.packet = try packet()
      return ScenarioStep(.receive(frame))
    }
  }

  private mutating func sender() throws(NotationError) -> ScenarioStep.LocalSender {
    var sender = ScenarioStep.LocalSender()
    while at < words.count, let (name, value) = words[at].setting {
      let word = words[at]
      switch name {
      case "uid":
        sender.uid = try NotationReader.integer(value, word)
        sender.stated.insert(.user)
      case "gid":
        sender.gid = try NotationReader.integer(value, word)
        sender.stated.insert(.group)
      case "cgroup": sender.cgroup = value
      case "classid": sender.classID = try NotationReader.integer(value, word) as UInt32
      case "mark": sender.mark = try NotationReader.integer(value, word)
      case "prio": sender.priority = try NotationReader.integer(value, word) as UInt32
      case "dev": sender.device = value
      case "broadcast": sender.mayBroadcast = try NotationReader.integer(value, word) as UInt8 != 0
      default:
        throw DetailPlace.sender.refuse(name, word)
      }
      at += 1
    }
    return sender
  }

  private mutating func readLink(_ frame: inout ScenarioStep.Frame) throws(NotationError) {
    while at < words.count, let (name, value) = words[at].setting {
      guard DetailPlace.frame.names.contains(name) else { throw DetailPlace.frame.refuse(name, words[at]) }
      guard let address = MACAddress(value) else {
        throw NotationError("`\(value)' is not a hardware address", at: words[at].range, hint: "write \(name)=02:00:00:00:00:01")
      }
      if name == "smac" { frame.source = address.octets } else { frame.destination = address.octets }
      at += 1
    }
  }

  /// Parses `tcp SOURCE > DESTINATION …`, or `hex BYTES`.
  private mutating func packet() throws(NotationError) -> PacketSpec {
    let word = try next("the protocol")
    if word.text == "hex" {
      let bytes = try next("the bytes")
      guard let decoded = Hex.bytes(bytes.text), !decoded.isEmpty else {
        throw NotationError("`\(bytes.text)' is not a sequence of bytes in hexadecimal", at: bytes.range)
      }
      try end()
      return PacketSpec(.bytes(decoded))
    }
    guard let number = NotationReader.number(ofProtocol: word.text) else {
      throw NotationError(
        "`\(word.text)' is not a protocol", at: word.range,
        hint: "the protocols are tcp, udp, udplite, sctp, dccp, icmp, icmpv6, gre, esp, ah and numbers; hex for raw bytes")
    }
    let (source, sourcePort) = try endpoint("the source", hasPort: number.hasPorts)
    let arrow = try next("`>'")
    guard arrow.text == ">" else { throw NotationError("expected `>' between source and destination", at: arrow.range) }
    let start = place
    let (destination, destinationPort) = try endpoint("the destination", hasPort: number.hasPorts)
    guard source.family == destination.family else {
      throw NotationError("source and destination must be of the same address family", at: start)
    }
    var fields = PacketFields(source, destination, proto: number)
    if source.family == .ipv6, word.text == "icmp" { fields.proto = .icmpv6 }
    fields.sourcePort = sourcePort
    fields.destinationPort = destinationPort
    var spec = PacketSpec(.fields(fields))
    spec.continuesSequence = number == .tcp
    spec.acknowledgesAll = number == .tcp
    while at < words.count { try detail(&fields, &spec) }
    if number == .tcp, !fields.tcpFlags.contains(.ack) { spec.acknowledgesAll = false }
    spec.content = .fields(fields)
    return spec
  }

  /// Parses `10.0.0.1:80` or `[2001:db8::1]:80`, or an address alone if the protocol has no ports.
  private mutating func endpoint(_ what: String, hasPort: Bool) throws(NotationError) -> (IPAddress, UInt16) {
    let word = try next(what)
    var host = Substring(word.text)
    var port: Substring?
    if host.hasPrefix("["), let close = host.lastIndex(of: "]") {
      let rest = host[host.index(after: close)...]
      if rest.hasPrefix(":") { port = rest.dropFirst() }
      host = host[host.index(after: host.startIndex)..<close]
    } else if host.filter({ $0 == ":" }).count == 1, let colon = host.firstIndex(of: ":") {
      port = host[host.index(after: colon)...]
      host = host[..<colon]
    }
    guard let address = IPAddress(host) else { throw NotationError("`\(host)' is not an address", at: word.range) }
    guard hasPort else {
      guard port == nil else { throw NotationError("this protocol has no ports", at: word.range) }
      return (address, 0)
    }
    guard let port, let number = UInt16(port) else {
      throw NotationError(
        "\(what) needs a port", at: word.range,
        hint: address.family == .ipv4 ? "write \(address):80" : "write [\(address)]:80")
    }
    return (address, number)
  }

  private mutating func detail(_ fields: inout PacketFields, _ spec: inout PacketSpec) throws(NotationError) {
    let word = words[at]
    at += 1
    if word.text.hasPrefix("["), word.text.hasSuffix("]") {
      fields.quoted = try quoted(word)
    } else if let (name, value) = word.setting {
      try NotationDetails.set(name, value, word, &fields, &spec)
    } else {
      try NotationDetails.set(word, &fields)
    }
  }

  /// Parses the packet that an ICMP error quotes: `[udp 10.0.0.9:1000 > 10.0.1.9:53]`.
  private func quoted(_ word: NotationWord) throws(NotationError) -> [UInt8] {
    let inner = Int(word.range.lowerBound) + 1..<Int(word.range.upperBound) - 1
    try NotationLexer.check(level + 1, at: inner.lowerBound - 1)
    var reader = NotationReader(try NotationLexer.words(word.file, inner), level: level + 1, start: inner.lowerBound)
    let spec = try reader.packet()
    do throws(PacketFields.BuildError) {
      return try spec.packet(after: TCPProgress()).bytes
    } catch {
      throw NotationError("the packet cannot be built: \(error)", at: word.range)
    }
  }

  private func end() throws(NotationError) {
    if at < words.count { throw NotationError("the packet ends before this word", at: words[at].range) }
  }
}

extension NotationReader {
  package static func number(ofProtocol name: String) -> IPProtocol? {
    switch name {
    case "icmp": .icmp
    case "igmp": .igmp
    case "tcp": .tcp
    case "udp": .udp
    case "dccp": .dccp
    case "gre": .gre
    case "esp": .esp
    case "ah": .ah
    case "icmpv6", "icmp6", "ipv6-icmp": .icmpv6
    case "sctp": .sctp
    case "udplite": .udplite
    default: UInt8(name).map { IPProtocol(rawValue: $0) }
    }
  }

  /// Parses a decimal number, or a hexadecimal one after `0x`.
  static func integer<N: FixedWidthInteger>(_ text: String, _ word: NotationWord) throws(NotationError) -> N {
    let number = text.hasPrefix("0x") ? N(text.dropFirst(2), radix: 16) : N(text)
    guard let number else {
      throw NotationError("`\(text)' is not a number from \(N.min) to \(N.max)", at: word.range)
    }
    return number
  }
}
