/// The explanations of the diagnostics of the parser and the validator, by id.
public enum DiagnosticCatalogue {
  /// The page of an id; nil for an unknown id.
  public static func explanation(_ id: String) -> String? { sentences[id].map { "\(id)\n\n" + Paragraph.wrap($0) + "\n" } }

  /// All ids that have a page, sorted.
  public static var ids: [String] { sentences.keys.sorted() }

  private static let sentences: [String: String] = lines.merging(options) { first, _ in first }.merging(chains) { first, _ in first }

  /// Explanations about the structure of the file.
  private static let lines: [String: String] = [
    "bad-table": "A line that starts with `*` must name a table: *filter, *nat, *mangle, *raw or *security.",
    "unknown-table": "The kernel has five tables: raw, mangle, nat, filter and security. The lines up to the next COMMIT are skipped.",
    "other-text":
      "The text is not iptables-save text, but what another program prints. The message names the program and what to do with its output.",
    "needs-base":
      "The file is for `iptables-restore --noflush', and the line needs a chain or rule that is not in it. With --base the rules that are loaded already are read too.",
    "outside-table": "Rules and chain declarations must be between a `*table` line and its `COMMIT`.",
    "bad-policy-file":
      "A `.ferrule.yml', a baseline or a profile of `ferrule audit' has a mistake. The message names the member; the schemas are in Grammar/.",
    "missing-commit":
      "Each table must end with a line that is exactly `COMMIT`, with a newline. Without it, iptables-restore does not load the table.",
    "long-line": "iptables-restore reads lines into a buffer of 10,240 bytes. It splits a longer line into two without a warning.",
    "nul-byte": "iptables-restore ignores the rest of a line after a NUL byte.",
    "carriage-return":
      "The file has DOS line ends (CR LF). iptables-restore reads the carriage return as part of the last word of the line.",
    "too-many-errors": "After 1,000 different errors, or 100,000 errors in all, the rest of the file is not read.",
    "bad-counters": "Counters before a rule or after a policy have the form [packets:bytes].",
    "unterminated-quote":
      "Without the closing quote, iptables-restore reads the rest of the line as part of the quoted word and reports no error.",
    "parameter-too-long": "An argument can have at most 1,023 bytes.",
    "too-many-arguments": "A rule can have at most 251 arguments.",
    "table-in-rule": "-t is an option of the command line. In a file, the `*table` line selects the table.",
    "wait-in-rule": "-w and -W are options of the command line. They cannot be used in a file.",
    "bad-wait": "-w takes a number of seconds, -W a number of microseconds.",
  ]

  /// Explanations about the options of a rule.
  private static let options: [String: String] = [
    "bad-argument":
      "An option was expected instead of this word. Often a quote is missing, or the `!` follows its option; it must precede the option.",
    "unknown-option":
      "Neither the rule nor its matches nor its target have an option of this name. Options of a match must follow its -m; options of a protocol, such as --dport, must follow -p.",
    "ambiguous-option": "Several options start with this abbreviation; write the full name.",
    "missing-argument": "The option needs an argument, but the line ends or another option follows.",
    "missing-option": "The match or target needs an option that is missing.",
    "exclusive-options": "Two options of the match or target cannot be used together.",
    "repeated-option": "The option can be used only once.",
    "not-invertible": "The option cannot be inverted with `!`.",
    "double-negation": "Two `!` follow each other; write at most one.",
    "dangling-negation": "The line ends with a `!`: no option follows it.",
    "inverted-list":
      "`!` cannot be used with a list of addresses: the list becomes one rule per address, and each of these rules would match the addresses that the others exclude.",
    "replace-many": "-R replaces one rule by one rule, but a list of addresses becomes several rules.",
    "bad-value": "The option does not accept this value.",
    "bad-address":
      "The address is none of the family.",
    "unresolved-host":
      "The word is the name of a host. iptables-restore resolves it when the rule is loaded; here names are not resolved, or this one has no address.",
    "resolved-host":
      "The word is the name of a host and was resolved. The loaded rule has the addresses of this moment, and keeps them when the name gets others.",
    "bad-mask": "A mask must be a prefix length, such as 24, or an address, such as 255.255.255.0.",
    "bad-mac": "A MAC address is six pairs of hexadecimal digits separated by colons.",
    "bad-rate": "A rate is a number, a slash and a unit: 5/second, 10/minute, 3/hour, 1/day.",
    "bad-bytecode": "A BPF program is the number of its instructions and then each instruction as `code jt jf k`, separated by commas.",
    "too-many-values": "The option has more values than fit into the kernel's structure.",
    "unknown-name": "The name is not in the system's name files, such as /etc/services; write a number.",
    "unknown-set": "The kernel has no IP set of this name, or the set is for the other family. Create it first with `ipset create`.",
    "bad-icmp-type": "An ICMP type is a name known to iptables, or a number with or without a code: 3, 3/1.",
    "ambiguous-icmp-type": "Several ICMP types start with this abbreviation; write the full name.",
    "invalid-port": "A port is a number from 0 to 65535 or a service name from /etc/services.",
    "too-many-ports": "-m multiport accepts at most 15 ports; a range counts as two.",
    "multiport-protocol": "-m multiport needs -p tcp, udp, udplite, dccp or sctp.",
    "port-without-protocol": "A port needs a protocol that has ports: write -p tcp or -p udp before it.",
    "unknown-protocol": "The protocol is neither a name known to this system nor a number from 0 to 255.",
    "never-matches": "`!` before all protocols matches no packet: the rule would never match.",
    "empty-interface": "The interface name is empty.",
    "long-interface": "An interface name can have at most 15 bytes.",
    "wrong-interface-option":
      "-o cannot be used in PREROUTING and INPUT: the packet has no outgoing interface there. -i cannot be used in OUTPUT and POSTROUTING: the packet has no incoming interface there.",
    "wrong-family": "The line is for the other address family.",
    "unknown-match": "There is no match of this name.",
    "bad-match": "The name after -m cannot be the name of a match.",
    "bad-structure-bytes":
      "--ferrule-bytes contains the structure of a match or target that no extension can read: its revision, a colon, and its bytes in hexadecimal.",
    "foreign-refusal": "The match or target is not implemented by Ferrule, and its libxtables extension refused the option.",
    "foreign-address":
      "The libxtables extension stores an address of its own memory in the kernel's structure. Only the process that read the options can load such a rule.",
    "foreign-exit":
      "The match or target is not implemented by Ferrule, and its libxtables extension ended the process that read its options.",
    "foreign-failure":
      "The match or target is not implemented by Ferrule, and its libxtables extension crashed, did not answer in time, or gave an invalid answer; or the program `ferrule-xtables', which loads the extension, is missing.",
    "unknown-target": "The name after -j is neither a chain of this table declared on an earlier line nor a known target.",
    "unread-target":
      "The name after -j is that of a target, because options follow, but no target of this name is known. The rule is kept as it is written.",
    "bad-target": "The name after -j cannot be the name of a target.",
    "illegal-option": "The option cannot be used with this command.",
    "no-accounting-object":
      "-m nfacct needs an accounting object, created with `nfacct add'. If it is missing, the kernel refuses the whole table, so `ferrule apply' loads nothing.",
    "no-conntrack-helper":
      "The rule assigns a conntrack helper that the kernel has not for the protocol of the rule. Each helper is for certain protocols only.",
    "no-rate-estimator":
      "-m rateest needs an estimator, created by a rule with -j RATEEST. That rule must be loaded first: on an earlier line of the table or in an earlier table.",
    "rule-too-big": "A rule can have at most 65,535 bytes in the kernel's table.",
    "kernel-refuses": "The kernel's check of the match or target would fail, and the kernel would refuse the whole table with EINVAL.",
    "wrong-table": "The kernel accepts the match or target only in other tables.",
    "wrong-hook":
      "The kernel accepts the match or target only at other hooks. It follows jumps to find the hooks from which a chain is used.",
    "wrong-protocol": "The kernel accepts the match or target only with another protocol: write -p before it.",
  ]

  /// Explanations about chains and commands.
  private static let chains: [String: String] = [
    "bad-chain": "A line that starts with `:` declares a chain: `:NAME POLICY [packets:bytes]`.",
    "bad-chain-name": "A chain's name must not start with - or !, contain a space, or be the name of a target.",
    "long-chain-name": "A chain's name can have at most 28 bytes.",
    "duplicate-chain": "The chain exists already.",
    "unknown-chain": "The table has no chain of this name. Declare it with `:NAME - [0:0]` before its first rule.",
    "bad-policy": "Built-in chains have the policy ACCEPT or DROP. User-defined chains have no policy, written `-`.",
    "drop-in-nat": "Only the first packet of a connection passes the nat table. Drop packets in the filter table or the raw table.",
    "goto-no-chain": "-g can go only to a user-defined chain.",
    "jump-to-builtin": "A rule cannot jump to a built-in chain: only the kernel calls built-in chains, at their hooks.",
    "chain-loop": "The kernel refuses a table with a loop of chains that a packet can reach (ELOOP).",
    "chain-in-use": "A chain cannot be deleted while rules jump to it.",
    "chain-not-empty": "A chain with rules cannot be deleted. Flush it first with -F.",
    "delete-builtin": "Built-in chains cannot be deleted.",
    "rename-builtin": "Built-in chains cannot be renamed.",
    "no-command": "A line must contain a command: -A, -I, -D, -R, -N, -P and so on.",
    "leftover-arguments": "The command has too many arguments.",
    "two-commands": "A line can contain only one command.",
    "bad-rule-number": "Rule numbers start at 1.",
    "no-such-rule": "The chain has no rule of this number, or no equal rule.",
  ]
}
