/// `iptables-xml`.
extension Session {
  mutating func xml(_ arguments: [String]) throws(Exit) -> Int32 {
    throw failure(1, "iptables-xml is not there")
  }
}
