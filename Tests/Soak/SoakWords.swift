import Wire

/// Payloads that helpers read, from well meant to absurd.
extension Soak {
  /// Something to say at a port, from an address.
  func words(_ port: UInt16, _ source: IPAddress) -> [UInt8] {
    let number = random.pick([40000, 40001, 1024, 80, 0, 65535, 65536, 99_999_999])
    switch port {
    case 21: return Array(ftp(source, number).utf8)
    case 69: return [0, UInt8(1 + random.below(3))] + Array("file\0octet\0".utf8)
    case 5060: return Array(sip(source, number).utf8)
    case 6667:
      let address = source.v4.map { String($0.rawValue) } ?? "1"
      let host = random.pick([address, "4294967295", "99999999999999999999", "0", ""])
      return Array("PRIVMSG a :\u{1}DCC \(random.pick(["SEND", "CHAT", "MOVE", "ACCEPT"])) f \(host) \(number) 1\u{1}\n".utf8)
    case 10080: return Array("Amanda 2.6 REP\nCONNECT DATA \(number) MESG \(number + 1) INDEX 7\n".utf8)
    case 1723: return pptp()
    case 6566: return [0, 0, 0, UInt8(random.below(8)), 0, 0, UInt8(random.below(256)), 64]
    default: return Array("x".utf8)
    }
  }

  private func ftp(_ source: IPAddress, _ number: Int) -> String {
    let bits = source.v4?.rawValue ?? 0x0A00_0002
    let quad = "\(bits >> 24),\(bits >> 16 & 255),\(bits >> 8 & 255),\(bits & 255)"
    let address = random.pick(["\(source)", "10.0.1.2", "fd01::2", "999.1.1.1", ":::", "::ffff:1.2.3.4"])
    let kind = source.family == .ipv4 ? 1 : 2
    return random.pick([
      "PORT \(quad),\(number >> 8 & 255),\(number & 255)\r\n", "PORT 999,1,2,3,\(number),5\r\n", "PORT 1,2,3",
      "EPRT |\(kind)|\(address)|\(number)|\r\n",
      "EPRT |3|((((|1|\r\n", "227 Entering Passive Mode (\(quad),\(number >> 8 & 255),\(number & 255))\r\n", "227 ((((((((\r\n",
      "229 Extended (|||\(number)|)\r\n", "229 (||||||||\r\n", "220 hello\r\n", "220 hello", "\r\n",
      "PORT " + String(repeating: "1,", count: 200),
    ])
  }

  private func sip(_ source: IPAddress, _ number: Int) -> String {
    let host = source.family == .ipv4 ? "\(source)" : "[\(source)]"
    let media =
      "v=0\r\no=- 1 1 IN IP\(source.family == .ipv4 ? 4 : 6) \(source)\r\nc=IN IP\(source.family == .ipv4 ? 4 : 6) \(source)\r\nm=audio \(number) RTP/AVP 0\r\nm=video \(number &+ 2) RTP/AVP 0\r\n"
    let head =
      "Via: SIP/2.0/UDP \(host):5060;branch=z9\r\nFrom: <sip:a@\(host)>;tag=1\r\nTo: <sip:b@\(host)>\r\nCall-ID: \(random.below(3))@\(host)\r\nContact: <sip:a@\(host):\(number)>;expires=\(number)\r\n"
    let method = random.pick(["INVITE", "REGISTER", "ACK", "BYE", "CANCEL", "OPTIONS"])
    let length = random.pick([media.utf8.count, 0, 99999, 5])
    return random.pick([
      "\(method) sip:b@\(host) SIP/2.0\r\n\(head)CSeq: 1 \(method)\r\nContent-Length: \(length)\r\n\r\n\(media)",
      "SIP/2.0 200 OK\r\n\(head)CSeq: 1 \(method)\r\nContent-Length: \(media.utf8.count)\r\n\r\n\(media)",
      "SIP/2.0 \(number)\r\n", "INVITE sip:\"\"\"\"<<<<@ SIP/2.0\r\nVia: \r\n\r\n", "\r\n\r\n",
    ])
  }

  /// Control messages of PPTP: lengths, types and call ids of any value.
  private func pptp() -> [UInt8] {
    var bytes: [UInt8] = [0, 32, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, UInt8(1 + random.below(15)), 0, 0]
    for _ in 0..<random.pick([4, 20, 28]) { bytes.append(UInt8(random.below(4))) }
    return bytes
  }
}
