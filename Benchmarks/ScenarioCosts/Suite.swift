/// Tests of a gateway, of 20 packets each: connections out, and in by a translated port.
func suite(tests: Int) -> String {
  var text = """
    rules: |
      *nat
      :PREROUTING ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      -A PREROUTING -i wan -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.80:80
      -A POSTROUTING -o wan -j MASQUERADE
      COMMIT
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -i lan -o wan -j ACCEPT
      -A FORWARD -d 10.0.0.80/32 -i wan -p tcp -m conntrack --ctstate DNAT -j ACCEPT
      COMMIT
    host:
      interfaces: {wan: [203.0.113.5/24], lan: [10.0.0.1/24]}
      routes: [default via 203.0.113.1 dev wan]
    tests:

    """
  for test in 0..<tests {
    text += "  - name: test \(test)\n    steps:\n"
    for step in 0..<10 {
      text += "      - lan tcp 10.0.0.\(2 + test % 70):\(1000 + step) > 198.51.100.7:80 S => sent wan\n"
      text += "      - wan tcp 198.51.100.7:\(2000 + step) > 203.0.113.5:8080 S => sent lan\n"
    }
  }
  return text
}
