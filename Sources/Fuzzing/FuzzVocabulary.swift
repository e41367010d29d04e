import Grammar
import Wire
import XTables

/// The words for drawn rules. Values are close to those of ``FuzzHost``'s packets, so that rules match some of them.
///
/// Values that depend on the running machine (processor, speed, time of day, random numbers) are omitted, or chosen so that the answer is
/// fixed. Those extensions have scenarios of their own.
extension SentenceVocabulary {
  init(_ host: FuzzHost) {
    let isFour = host.family == .ipv4
    let all = host.networks.flatMap { [$0.address] + $0.neighbours } + host.others + host.remotes
    let single = all.map { "\($0)" }
    let networks = host.networks.map { "\($0.address)/\($0.prefixLength)" }
    let small = host.networks.flatMap { $0.neighbours.map { "\($0)/\(isFour ? 30 : 126)" } }
    self.init(addresses: single + networks + small + [isFour ? "10.0.0.0/255.0.0.254" : "fd00::/fffe::fffe"])
    inputs = ["eth0", "eth1", "eth2", "eth+", "lo", "e+"] + (host.hasBridge ? ["br0", "br0", "br+"] : [])
    outputs = inputs
    protocols = ["tcp", "tcp", "udp", "udp", isFour ? "icmp" : "ipv6-icmp", "sctp", "esp", "47", "udplite"]
    verdicts = ["ACCEPT", "ACCEPT", "RETURN", "DROP"]
    values = Self.headerValues.merging(Self.stateValues) { $1 }
      .merging(Self.targetValues(isFour)) { $1 }.merging(Self.addressValues(host, single, networks + small)) { $1 }
  }

  private static let ports = ["53", "80", "1000", "53:80", "80:1000", ":79", "1001:", "0", "65535"]
  private static let marks = ["0", "1", "0x10", "0x1/0xf", "0x10/0xf0", "0xffffffff"]

  private static let headerValues: [String: [String]] = [
    "--sport": ports, "--dport": ports, "--sports": ["53,80", "1000", "1:80,1000"], "--dports": ["53,80", "1000", "1:80,1000"],
    "--ports": ["53", "80,1000"], "--tcp-option": ["2", "4", "8", "3"],
    "--tcp-flags": ["SYN,RST,ACK,FIN SYN", "ALL NONE", "SYN,ACK SYN,ACK", "RST RST", "FIN,ACK FIN", "ALL SYN,ACK,PSH"],
    "--mss": ["1460", "536:1460", "1461:", "0:1459"], "--length": ["20:40", "41", "28:60", "61:", "0:100", "1500"],
    "ttl.--ttl-eq": ["63", "64", "1"], "--ttl-lt": ["64", "63", "2"], "--ttl-gt": ["63", "62", "254"],
    "hl.--hl-eq": ["63", "64", "1"], "--hl-lt": ["64", "63", "2"], "--hl-gt": ["63", "62", "254"],
    "tos.--tos": ["0", "0x10", "0x10/0x1c", "0xff/0x03"], "--dscp": ["0", "4", "0x2e"], "--dscp-class": ["EF", "CS1", "BE"],
    "--icmp-type": ["8", "0", "3", "3/1", "3/3", "echo-request", "any", "11"],
    "--icmpv6-type": ["128", "129", "1", "1/4", "echo-request", "2", "3/0"],
    "--espspi": ["1", "256:300", "0:256"], "--ahspi": ["1", "256:300", "0:256"], "--ipcompspi": ["1", "256:300"],
    "--mac-source": ["02:ff:00:00:00:01", "02:ff:00:00:00:02"], "--u32": U32.tests, "--bytecode": [U32.bytecode],
    "string.--string": ["hello", "hell", "HELLO", "o"], "--hex-string": ["|68656c|lo", "|0035|"], "--algo": ["bm", "kmp"],
    "--from": ["0", "20", "28", "40"], "--to": ["28", "40", "60", "1500"],
    "--chunk-types": ["all INIT,DATA", "any DATA,SACK", "only INIT"],
    "--dccp-types": ["REQUEST", "DATA,ACK", "RESET"], "--dccp-option": ["1", "2"], "--pkt-type": ["unicast", "broadcast", "multicast"],
    "--src-group": ["0", "5", "0x4/0xfffffff4"], "--dst-group": ["0", "5", "0x4/0xfffffff4"], "--realm": ["7", "0", "0x3/0x3"],
    "--ahlen": ["16", "24"], "--fragid": ["0", "1", "1:9"], "--rt-type": ["0", "2", "4"], "--rt-segsleft": ["0", "1:2"],
    "--rt-len": ["24", "8"],
    "--dst-len": ["8", "16"], "--hbh-len": ["8", "16"], "--dst-opts": ["1:4", "5"], "--hbh-opts": ["5:2", "1"],
    "--header": ["hop", "frag", "dst,none", "prot", "esp,ah", "route"], "--mh-type": ["1", "0:3", "bu"],
    "--srh-next-hdr": ["17", "6"], "--srh-segs-left-eq": ["0", "1"], "--srh-last-entry-eq": ["0", "1"], "--srh-tag": ["0", "7"],
    "--cluster-total-nodes": ["2", "3", "4"], "--cluster-local-node": ["1", "2"], "--cluster-local-nodemask": ["1", "3"],
    "--cluster-hash-seed": ["1", "0xdeadbeef"], "--comment": ["c", "\"two words\""],
  ]

  /// Tests of bytes at offsets that exist in packets of every protocol.
  private enum U32 {
    static let tests = [
      "\"6&0xFF=1\"", "\"6&0xFF=6&&0>>22&0x3C@0&0xFFFF=80\"", "\"0>>22&0x3C@0>>16=1000:1001\"", "\"2&0xFFFF=28:60\"", "\"12=0x0a000009\"",
      "\"5&0xFF=63,64\"", "\"400=0\"",
    ]
    static let bytecode = "\"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\""
  }

  private static let stateValues: [String: [String]] = [
    "--ctstate": ["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "SNAT", "DNAT", "NEW,INVALID"],
    "--state": ["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED"],
    "--ctstatus": ["NONE", "SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED", "SEEN_REPLY,CONFIRMED"], "--ctdir": ["ORIGINAL", "REPLY"],
    "--ctproto": ["tcp", "udp", "1", "58"], "--ctorigsrcport": ports, "--ctorigdstport": ports, "--ctreplsrcport": ports,
    "--ctrepldstport": ports, "--ctexpire": ["0", "1:100000", "1000000:"], "connmark.--mark": marks, "mark.--mark": marks,
    "--connbytes": ["2:", "1:2", "100:", "0:60"], "--label": ["1", "2", "127"], "--connlimit-upto": ["0", "1", "2"],
    "--connlimit-above": ["0", "1", "2"], "--connlimit-mask": ["0", "24", "30", "32"], "--helper": ["ftp", "sip"],
    "limit.--limit": ["1/hour", "2/day"], "--limit-burst": ["1", "2", "5"], "--hashlimit-upto": ["1/hour", "2/day"],
    "--hashlimit-above": ["1/hour", "3/day"], "--hashlimit-burst": ["1", "2", "5"],
    "--hashlimit-mode": ["srcip", "srcip,dstport", "dstip,srcport"],
    "--hashlimit-name": ["h1", "h2", "h3", "h4", "h5", "h6"], "--hashlimit-htable-size": ["16"], "--hashlimit-htable-max": ["64"],
    "--hashlimit-htable-gcinterval": ["60000"], "--hashlimit-htable-expire": ["600000"], "--hashlimit-srcmask": ["24", "30", "32"],
    "--hashlimit-dstmask": ["24", "30", "32"], "--hashlimit-rate-match": [], "--hashlimit-rate-interval": [],
    "--quota": ["0", "60", "100", "1000"],
    "recent.--name": ["r1", "r2"], "recent.--seconds": ["600", "1000"], "--hitcount": ["1", "2", "3"], "--mask": [], "--reap": [],
    "statistic.--mode": ["nth", "random"], "--probability": ["0", "1"], "--every": ["1", "2", "3"], "statistic.--packet": ["0", "1"],
    "--uid-owner": ["0", "1000", "1000-2000", "4294967294"], "--gid-owner": ["0", "100", "50-100"], "--cgroup": ["0", "1"],
    "cgroup.--path": [], "--object-pinned": [], "--cpu": [], "policy.--pol": ["none", "ipsec"], "--reqid": ["1"], "--spi": ["1"],
    "--match-set": ["hosts src", "nets src", "nets dst", "services dst,dst", "pairs src,dst,dst", "all src", "ports dst", "hosts dst"],
    "--packets-eq": ["1"], "--packets-gt": ["0", "1"], "--packets-lt": ["2"], "--bytes-eq": ["40"], "--bytes-gt": ["40"],
    "--bytes-lt": ["100"],
    "--timestart": ["00:00"], "--timestop": ["23:59:59"], "--datestart": ["2000-01-01", "2037-01-01"],
    "--datestop": ["2000-01-02", "2037-12-31"],
    "--monthdays": [], "--weekdays": ["Mon,Tue,Wed,Thu,Fri,Sat,Sun"], "--kerneltz": [], "--localtz": [], "--contiguous": [],
    "--src-type": ["LOCAL", "UNICAST", "MULTICAST", "BROADCAST,LOCAL"], "--dst-type": ["LOCAL", "UNICAST", "MULTICAST", "BROADCAST,LOCAL"],
  ]

  private static func targetValues(_ isFour: Bool) -> [String: [String]] {
    [
      "MARK.--set-mark": marks, "--set-xmark": marks, "--and-mark": ["0xff", "0x10"], "--or-mark": ["1", "0x10"],
      "--xor-mark": ["1", "0xff"],
      "CONNMARK.--set-mark": marks, "--nfmask": ["0xff", "0x0f"], "--ctmask": ["0xff", "0xf0"], "CONNMARK.--mask": ["0xff", "0x3"],
      "--left-shift-mark": ["1", "4"], "--right-shift-mark": ["1", "4"], "CT.--helper": ["ftp", "tftp"], "CT.--timeout": [],
      "--ctevents": [], "--expevents": [], "--zone": ["1", "2"], "--zone-orig": ["1", "2"], "--zone-reply": ["1", "2"],
      "--set-dscp": ["4", "0x2e"], "--set-dscp-class": ["EF", "CS1"], "--set-tos": ["0x10", "0x10/0x1c"], "--ttl-set": ["1", "63", "64"],
      "--ttl-dec": ["1", "62"], "--ttl-inc": ["1", "200"], "--hl-set": ["1", "63", "64"], "--hl-dec": ["1", "62"],
      "--hl-inc": ["1", "200"],
      "--set-mss": ["536", "1400", "1460"], "--strip-options": ["2", "3,4", "timestamp"], "--queue-num": ["1", "2", "3", "9"],
      "--queue-balance": ["3:4"], "--queue-cpu-fanout": [], "--nflog-group": ["7"], "--nflog-prefix": ["seen"], "--nflog-size": ["64"],
      "--nflog-range": [], "--nflog-threshold": [], "--on-port": ["5300", "8080"], "--tproxy-mark": ["0x1/0x1", "0x20"],
      "REDIRECT.--to-ports": ["53", "5300"], "MASQUERADE.--to-ports": ["4000", "1001"], "--random": [], "--random-fully": [],
      "--hmark-tuple": ["src,dst", "src,dst,sport,dport", "ct,src"], "--hmark-mod": ["16", "1000"], "--hmark-rnd": ["0xcafe"],
      "--hmark-offset": ["5"], "--hmark-src-prefix": ["24"], "--hmark-dst-prefix": ["32"], "--rateest-interval": ["8s"],
      "--rateest-ewmalog": ["16s"],
      "--rateest-name": ["E"], "IDLETIMER.--timeout": ["600"], "--label": ["t1", "t2"], "--alarm": [], "--log-prefix": ["\"seen: \""],
      "connlabel.--label": ["1", "2", "127"], "--log-level": ["7"], "--log-macdecode": [], "--set-class": ["1:2"],
      "SYNPROXY.--mss": ["1460"], "--wscale": ["7"],
      "--add-set": ["hosts src", "hosts dst"], "--del-set": ["hosts src", "hosts dst"], "--map-set": ["marks src"],
      "SET.--timeout": ["600"],
      "--reject-with": isFour
        ? ["icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-admin-prohibited", "tcp-reset"]
        : ["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-port-unreachable", "tcp-reset", "icmp6-policy-fail"],
    ]
  }

  private static func addressValues(_ host: FuzzHost, _ single: [String], _ networks: [String]) -> [String: [String]] {
    let isFour = host.family == .ipv4
    func ported(_ address: String, _ port: String) -> String { isFour ? "\(address):\(port)" : "[\(address)]:\(port)" }
    let neighbours = host.networks.flatMap(\.neighbours).map { "\($0)" }
    let prefixes = host.networks.map { "\($0.address)/\($0.prefixLength)" }
    let ranges = host.networks.compactMap { network in network.neighbours.last.map { "\(network.neighbours[0])-\($0)" } }
    let translations =
      neighbours + ranges + [ported(neighbours[2], "80"), ported(neighbours[0], "5300")]
    return [
      "--src-range": ranges + single, "--dst-range": ranges + single, "--ctorigsrc": single + networks, "--ctorigdst": single + networks,
      "--ctreplsrc": single + networks, "--ctrepldst": single + networks, "--to-source": translations, "--to-destination": translations,
      "NETMAP.--to": networks, "--gateway": neighbours, "--oif": [], "--on-ip": host.networks.map { "\($0.address)" },
      "--src-pfx": prefixes, "--dst-pfx": prefixes, "--rt-0-addrs": [single[0]],
    ]
  }
}
