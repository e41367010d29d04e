import Diagnostics
import Documents
import Notation
import Wire

/// A line of packet notation in a scenario file.
struct NotationLine {
  let node: FileNode
  let users: [String: UInt32]
  let groups: [String: UInt32]

  private func words() throws(ScenarioFileError) -> [NotationWord] {
    let text = try node.text()
    let file = SourceFile(name: "", bytes: Array(text.utf8))
    do throws(NotationError) {
      return try NotationLexer.words(file, 0..<file.bytes.count).map(named)
    } catch {
      throw place(error)
    }
  }

  /// Replaces the name in `uid=NAME` by the user's number.
  private func named(_ word: NotationWord) -> NotationWord {
    guard let (name, value) = word.setting else { return word }
    guard let number = name == "uid" ? users[value] : name == "gid" ? groups[value] : nil else { return word }
    return NotationWord(text: "\(name)=\(number)", range: word.range, file: word.file)
  }

  private func place(_ error: NotationError) -> ScenarioFileError {
    ScenarioFileError(error.message, at: place(error.range), hint: error.hint)
  }

  private func place(_ range: SourceRange) -> SourceRange {
    guard node.isVerbatim else { return node.range }
    return SourceRange(node.textStart + Int(range.lowerBound)..<node.textStart + Int(range.upperBound))
  }

  /// The step, the verdict after `=>`, and the offset where the step ends.
  func step() throws(ScenarioFileError) -> (ScenarioStep, (VerdictPattern, SourceRange)?, end: Int) {
    let words = try words()
    let arrow = words.firstIndex { $0.text == "=>" }
    let packet = Array(words[..<(arrow ?? words.count)])
    guard let last = packet.last else { throw node.error("the packet is missing") }
    let end = Int(place(last.range).upperBound)
    do throws(NotationError) {
      var reader = NotationReader(packet)
      let step = try reader.step()
      guard let arrow else { return (step, nil, end) }
      let rest = Array(words[(arrow + 1)...])
      let pattern = try VerdictPattern(rest, at: words[arrow].range)
      let range = place(rest.reduce(words[arrow].range) { $0.union($1.range) })
      return (step, (pattern, range), end)
    } catch {
      throw place(error)
    }
  }

  /// Parses a line without an interface; the source address determines the interface.
  func step(arriving interface: (IPAddress) -> String?) throws(ScenarioFileError) -> ScenarioStep {
    var words = try words()
    guard let first = words.first else { throw node.error("the packet is missing") }
    words.insert(NotationWord(text: "local", range: first.range, file: first.file), at: 0)
    do throws(NotationError) {
      var reader = NotationReader(words)
      let step = try reader.step()
      guard case .local(_, let spec) = step.action, case .fields(let fields) = spec.content else { return step }
      guard let name = interface(fields.source) else { throw NotationError("no route leads back to \(fields.source)", at: first.range) }
      return name == "local" ? step : ScenarioStep(.receive(ScenarioStep.Frame(interface: name, packet: spec)))
    } catch {
      throw place(error)
    }
  }

  /// Parses a line without a protocol: `eth0 10.0.0.9:1000 > 10.0.1.9:80`.
  func step(proto: String) throws(ScenarioFileError) -> ScenarioStep {
    var words = try words()
    guard let first = words.first else { throw node.error("the packet is missing") }
    var at = 1
    while at < words.count, words[at].setting != nil { at += 1 }
    words.insert(NotationWord(text: proto, range: first.range, file: first.file), at: at)
    do throws(NotationError) {
      var reader = NotationReader(words)
      return try reader.step()
    } catch {
      throw place(error)
    }
  }
}

/// Expands a one-line macro to a common sequence of packets.
struct PacketMacro {
  private let line: NotationLine
  private let node: FileNode

  init(_ line: NotationLine, _ node: FileNode) {
    self.line = line
    self.node = node
  }

  func parts(_ kind: String, active: Bool) throws(ScenarioFileError) -> [TestStep.Part] {
    switch kind {
    case "handshake": return try handshake(node)
    case "close": return [.step(try packet(proto: "tcp") { $0.tcpFlags = [.fin, .ack] })] + end
    case "exchange":
      return try handshake(node) + [data("request"), reply("A"), data("answer"), reply("A"), reply("again FA")] + end
    case "udp":
      return [.step(try packet(proto: "udp") { if $0.payload.isEmpty { $0.payload = Array("query".utf8) } }), reply("payload=\"answer\"")]
    case "ping": return [.step(try packet(proto: "icmp") { _ in }), reply("echo-reply")]
    default: return try handshake(node) + session(active: active)
    }
  }

  private func reply(_ text: String) -> TestStep.Part { .reply(ReplySpec(text, at: node.range)) }

  /// Further data from the side that sent last.
  private func data(_ text: String) -> TestStep.Part { reply("again PA payload=\"\(text)\"") }

  private var end: [TestStep.Part] { [reply("FA"), reply("A")] }

  private func handshake(_ node: FileNode) throws(ScenarioFileError) -> [TestStep.Part] {
    [.step(try packet(proto: "tcp") { $0.tcpFlags = .syn }), reply("SA"), reply("A")]
  }

  /// The first packet, completed with defaults.
  private func packet(proto: String, _ complete: (inout PacketFields) -> Void) throws(ScenarioFileError) -> ScenarioStep {
    var step = try line.step(proto: proto)
    switch step.action {
    case .receive(var frame):
      frame.packet = finished(frame.packet, complete)
      step.action = .receive(frame)
    case .local(let sender, let spec): step.action = .local(sender, finished(spec, complete))
    default: throw node.error("expected `INTERFACE SOURCE > DESTINATION'")
    }
    return step
  }

  private func finished(_ spec: PacketSpec, _ complete: (inout PacketFields) -> Void) -> PacketSpec {
    guard case .fields(var fields) = spec.content else { return spec }
    complete(&fields)
    var spec = spec
    spec.content = .fields(fields)
    spec.acknowledgesAll = fields.proto == .tcp && fields.tcpFlags.contains(.ack)
    return spec
  }

  /// The control connection after its handshake, and one data connection.
  private func session(active: Bool) -> [TestStep.Part] {
    var parts = [reply("PA payload=\"220 ready\r\n\""), reply("A")]
    for (command, answer) in [("USER test", "331 password"), ("PASS test", "230 welcome")] {
      parts += [data("\(command)\r\n"), reply("PA payload=\"\(answer)\r\n\""), reply("A")]
    }
    parts +=
      active
      ? [reply("again PA payload=\"@PORT\""), .announced]
      : [data("PASV\r\n"), reply("PA payload=\"@PASV\""), .announced]
    return parts + [reply("SA"), reply("A"), data("file"), reply("A"), reply("FA")] + end
  }
}
