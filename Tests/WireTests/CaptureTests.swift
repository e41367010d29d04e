import Capture
import FoundationEssentials
import Testing
import Wire

@Suite struct CaptureTests {
  private func temporary(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appending(path: "ferrule-\(name)-\(UInt64.random(in: 0 ... .max)).pcap").path()
  }

  private func sample() throws -> [CapturedFrame] {
    let a = try #require(IPAddress("10.0.0.1"))
    let b = try #require(IPAddress("10.0.0.2"))
    return try (0..<3).map { index in
      var fields = PacketFields(a, b)
      fields.payload = [UInt8](repeating: UInt8(index), count: 20 * index)
      return CapturedFrame(timestamp: 1_700_000_000_123_456_789 + UInt64(index), bytes: try fields.packet().bytes)
    }
  }

  private func write(_ frames: [CapturedFrame], to path: String) throws {
    let writer = try CaptureWriter(path: path)
    for frame in frames { try writer.write(frame) }
  }

  @Test func aWrittenCaptureReadsBackTheSame() throws {
    let path = temporary("round")
    let frames = try sample()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(frames, to: path)
    let read = try CaptureReader.read(path: path)
    #expect(read.frames == frames)
    #expect(read.damage == nil)
    #expect(read.frames[1].packet?.brief == "udp 10.0.0.1:0>10.0.0.2:0")
  }

  /// A file cut anywhere gives the packets before the cut and then a typed error, never a trap.
  @Test func aCaptureCutAnywhereGivesTheFramesBeforeTheCut() throws {
    let path = temporary("cut")
    let frames = try sample()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(frames, to: path)
    let whole = try Data(contentsOf: URL(filePath: path))
    for end in 0..<whole.count {
      try whole.prefix(end).write(to: URL(filePath: path))
      guard let read = try? CaptureReader.read(path: path) else {
        #expect(end < 24)
        continue
      }
      #expect(read.frames == Array(frames.prefix(read.frames.count)))
      // Between two records a cut cannot be seen.
      if read.damage == nil { #expect([24, 68, 132].contains(end)) }
    }
  }

  /// Reading in place gives what reading whole frames gives, in every framing and up to a cut anywhere.
  @Test(arguments: [LinkFraming.raw, .ethernet, .linuxCooked, .linuxCooked2, .loop])
  func readingInPlaceGivesTheSamePackets(framing: LinkFraming) throws {
    let path = temporary("place")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let mac: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    let ip: [UInt8] = [8, 0]
    var headers: [[UInt8]] =
      switch framing {
      case .ethernet: [mac + ip, mac + [0x81, 0, 0, 5] + ip, mac + [8, 6], mac + [0x81, 0], mac]
      case .linuxCooked: [[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 1, 9, 0, 0] + ip, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 1, 9, 0, 0, 8, 6]]
      case .linuxCooked2: [ip + [0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0]]
      case .loop: [[0, 0, 0, 2]]
      default: [[]]
      }
    headers += headers.map { Array($0.prefix($0.count / 2)) }
    let writer = try CaptureWriter(path: path, framing: framing)
    for (number, header) in headers.enumerated() {
      for frame in try sample() {
        let bytes = header + (number % 3 == 2 ? [] : frame.bytes)
        try writer.write(CapturedFrame(timestamp: frame.timestamp, bytes: bytes, originalLength: bytes.count + 7, framing: framing))
      }
    }
    let whole = try Data(contentsOf: URL(filePath: path))
    for end in [whole.count] + Array(stride(from: 24, to: whole.count, by: 7)) {
      try whole.prefix(end).write(to: URL(filePath: path))
      let read = try CaptureReader.read(path: path)
      let reader = try CaptureReader(path: path)
      var frame = CapturedFrame(timestamp: 0, bytes: [])
      var packet = Packet(bytes: [])
      var count = 0
      var damage: CaptureError?
      do throws(CaptureError) {
        while true {
          let reading = try reader.next(&frame, &packet)
          if case .end = reading { break }
          let expected = read.frames[count]
          count += 1
          #expect(frame.timestamp == expected.timestamp && frame.originalLength == expected.originalLength && frame.framing == framing)
          #expect(frame.direction == expected.direction && frame.interfaceIndex == expected.interfaceIndex)
          if case .packet = reading { #expect(packet == expected.packet) } else { #expect(expected.packet == nil) }
        }
      } catch { damage = error }
      #expect(count == read.frames.count && "\(String(describing: damage))" == "\(String(describing: read.damage))")
    }
  }

  /// The header of a cooked frame records for whom it was, in version 2 also the interface.
  @Test func cookedFramesRecordInterfaceAndDirection() throws {
    let packet = try #require(try sample().first).bytes
    func first(_ type: UInt8) -> [UInt8] { [0, type, 0, 1, 0, 6, 2, 0, 0, 0, 1, 9, 0, 0, 8, 0] + packet }
    func second(_ type: UInt8, _ index: UInt8) -> [UInt8] {
      [8, 0, 0, 0, 0, 0, 0, index, 0, 1, type, 6, 2, 0, 0, 0, 1, 9, 0, 0] + packet
    }
    let incoming = CapturedFrame(timestamp: 0, bytes: first(0), framing: .linuxCooked)
    #expect(incoming.direction == .incoming && incoming.interfaceIndex == nil && incoming.packet?.type == .host)
    #expect(incoming.packet?.link?.source == MACAddress("02:00:00:00:01:09"))
    #expect(CapturedFrame(timestamp: 0, bytes: first(4), framing: .linuxCooked).direction == .outgoing)
    let other = CapturedFrame(timestamp: 0, bytes: second(3, 7), framing: .linuxCooked2)
    #expect(other.direction == .incoming && other.interfaceIndex == 7 && other.packet?.type == .otherHost)
    #expect(CapturedFrame(timestamp: 0, bytes: second(4, 2), framing: .linuxCooked2).direction == .outgoing)
    #expect(CapturedFrame(timestamp: 0, bytes: [8], framing: .linuxCooked2).direction == nil)
    #expect(CapturedFrame(timestamp: 0, bytes: packet).direction == nil)
  }

  /// A pcapng file of several interfaces: number, name and direction of each packet are read; a file cut anywhere is not a trap.
  @Test func pcapngFramesRecordInterfaceAndDirection() throws {
    var capture = AnnotatedCapture()
    for (name, isArriving) in [("lan", true), ("wan", false), ("wan", true)] {
      capture.append(
        AnnotatedCapture.Packet(time: 1, interface: name, isArriving: isArriving, bytes: try sample()[1].bytes, comment: "note"))
    }
    let path = temporary("interfaces")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(capture.bytes).write(to: URL(filePath: path))
    let frames = try CaptureReader.read(path: path).frames
    #expect(frames.map(\.interfaceIndex) == [0, 1, 1])
    #expect(frames.map(\.interfaceName) == ["lan", "wan", "wan"])
    #expect(frames.map(\.direction) == [.incoming, .outgoing, .incoming])
    for end in stride(from: 0, to: capture.bytes.count, by: 3) {
      try Data(capture.bytes.prefix(end)).write(to: URL(filePath: path))
      let cut = (try? CaptureReader.read(path: path))?.frames ?? []
      #expect(cut == Array(frames.prefix(cut.count)))
    }
  }

  @Test func filesThatAreNoCapturesAreRefused() {
    #expect(throws: CaptureError.self) { try CaptureReader.read(path: "/nonexistent/file.pcap") }
    #expect(throws: CaptureError.self) { try write([], to: "/nonexistent/file.pcap") }
  }

  @Test func packetsAreFoundInEveryLinkLayerFraming() throws {
    let ip = try sample()[0].bytes
    let mac: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 9]
    let plain = LinkFraming.ethernet.packet(mac + [8, 0] + ip)
    #expect(plain?.bytes == ip)
    #expect(plain?.type == .broadcast)
    #expect(plain?.link?.source == MACAddress("02:00:00:00:00:09"))
    #expect(LinkFraming.ethernet.packet(mac + [0x81, 0, 0, 5, 8, 0] + ip)?.bytes == ip)
    #expect(LinkFraming.ethernet.packet(mac + [8, 6] + ip) == nil)
    #expect(LinkFraming.linuxCooked.packet([0, 4, 0, 1, 0, 6] + mac[6...] + [0, 0, 8, 0] + ip)?.type == .outgoing)
    #expect(LinkFraming.null.packet([2, 0, 0, 0] + ip)?.bytes == ip)
    for framing in LinkFraming.allCases { for end in 0..<20 { _ = framing.packet([UInt8](repeating: 8, count: end)) } }
  }
}
