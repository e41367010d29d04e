import TestSupport
import Testing

/// Rules of nf_tables beside those of ip_tables.
@Suite(.asRoot, .needsTool("nft")) struct OtherKernelRulesTests {
  @Test(arguments: ["save", "apply rules"]) func saveAndApplyNameTablesOfNfTables(_ command: String) throws {
    let line = """
      folder=$(mktemp -d); cd $folder; printf '*filter\\n-A INPUT -j ACCEPT\\nCOMMIT\\n' > rules
      ferrule \(command) > output 2> before
      nft 'add table inet guard; add chain inet guard in { type filter hook input priority 10; }'
      ferrule \(command) > output 2> after; status=$?
      wc -c < before; cat after; rm -r $folder; exit $status
      """
    let outcome = try BuiltCommand.shell("exec unshare -n sh -c '\(line.replacing("'", with: "'\\''"))'")
    let told = "ferrule: nf_tables table inet guard in this network namespace decides on packets too, and is not read or changed\n"
    #expect(outcome.status == 0 && outcome.text == "0\n\(told)", "\(outcome.text)")
  }
}
