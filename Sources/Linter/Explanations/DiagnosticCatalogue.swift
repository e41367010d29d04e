/// The explanations of the diagnostics of the parser and the validator, by id.
public enum DiagnosticCatalogue {
  /// The page of an id; nil for an unknown id.
  public static func explanation(_ id: String) -> String? { sentences[id].map { "\(id)\n\n" + Paragraph.wrap($0) + "\n" } }

  /// All ids that have a page, sorted.
  public static var ids: [String] { sentences.keys.sorted() }

  private static let sentences: [String: String] = lines.merging(options) { first, _ in first }.merging(chains) { first, _ in first }

  /// Explanations about the structure of the file.
  private static let lines: [String: String] = [
    "bad-table": "A line that begins with `*` names a table: *filter, *nat, *mangle, *raw or *security.",
    "unknown-table": "The kernel has five tables: raw, mangle, nat, filter, security. The lines up to the next COMMIT are not read.",
    "other-text":
      "The text is not iptables-save text, but what another program prints. The message names the program and what to do with its output.",
    "needs-base":
      "The file is for `iptables-restore --noflush', and the line needs a chain or rule that is not in it. With --base the rules that are loaded already are read too.",
    "outside-table": "Rules and chains stand between a `*table` line and its `COMMIT`.",
    "missing-commit":
      "Each table ends with a line that is exactly `COMMIT`, its newline included. Without it iptables-restore changes nothing of that table.",
    "long-line": "iptables-restore reads lines into a buffer of 10,240 bytes and splits a longer one without a word.",
    "nul-byte": "iptables-restore does not see what stands behind a NUL byte on its line.",
    "carriage-return": "The file has DOS line ends; iptables-restore takes the carriage return as a part of the last word.",
    "too-many-errors": "After a thousand errors the rest of the file is not read.",
    "bad-counters": "Counters before a rule or behind a policy read [packets:bytes].",
    "unterminated-quote": "A quote that is never closed takes the rest of the line into its word, and iptables-restore says nothing.",
    "parameter-too-long": "An argument has at most 1,023 bytes.",
    "too-many-arguments": "A rule has at most 251 arguments here.",
    "table-in-rule": "-t is an option of the command line; in a file the `*table` line says the table.",
    "wait-in-rule": "-w and -W are options of the command line, not of a line in a file.",
    "bad-wait": "-w and -W take a number: seconds, and microseconds.",
  ]

  /// Explanations about the options of a rule.
  private static let options: [String: String] = [
    "bad-argument":
      "A word stands where an option is expected. Often a quote is missing, or the `!` stands behind its option, where it is no longer taken.",
    "unknown-option":
      "No option of the rule, its matches or its target has this name. Options of a match come after its -m, options of --dport's kind after -p.",
    "ambiguous-option": "The abbreviation fits several options; write more letters.",
    "missing-argument": "The option needs an argument.",
    "missing-option": "The match or target needs an option that was not given.",
    "exclusive-options": "Two options of one match or target exclude each other.",
    "repeated-option": "The option can be given once only.",
    "not-invertible": "The option cannot stand behind a `!`.",
    "double-negation": "Two `!` follow each other.",
    "dangling-negation": "A `!` stands at the end of the line, with nothing to invert.",
    "inverted-list": "`!` cannot be used with a list of addresses: a rule for each would match what the others exclude.",
    "replace-many": "-R replaces one rule by one; a list of addresses makes several.",
    "bad-value": "The value is none that the option takes.",
    "bad-address":
      "The address is none of the family.",
    "unresolved-host":
      "The word is the name of a host. iptables-restore resolves it when the rule is loaded; here names are not resolved, or this one has no address.",
    "resolved-host":
      "The word is the name of a host and was resolved. The loaded rule has the addresses of this moment, and keeps them when the name gets others.",
    "bad-mask": "A mask is a prefix length or an address.",
    "bad-mac": "A MAC address is six pairs of hexadecimal digits with colons.",
    "bad-rate": "A rate is a number and a unit: 5/second, 10/minute, 3/hour, 1/day.",
    "bad-bytecode": "A program of the packet filter is its length and then each instruction as `code jt jf k`, with commas between.",
    "too-many-values": "The option takes no more values than the kernel's structure has room for.",
    "unknown-name": "The name stands in none of the files in which this system keeps such names; write a number.",
    "unknown-set": "The kernel has no set of this name, or has it for the other family: make it first, with `ipset create`.",
    "bad-icmp-type": "The ICMP type is a name that iptables knows or a number with or without a code: 3, 3/1.",
    "ambiguous-icmp-type": "The abbreviation fits several ICMP types.",
    "invalid-port": "A port is a number from 0 to 65535 or a service name of /etc/services.",
    "too-many-ports": "-m multiport takes 15 ports, a range counting as two.",
    "multiport-protocol": "-m multiport needs -p tcp, udp, udplite, dccp or sctp.",
    "port-without-protocol": "A port can be given only with a protocol that has ports: put -p tcp or -p udp before.",
    "unknown-protocol": "The protocol is neither a name that the system knows nor a number below 256.",
    "never-matches": "Nothing is outside all protocols: the rule would never match.",
    "empty-interface": "The name of an interface is empty.",
    "long-interface": "The name of an interface has at most 15 bytes.",
    "wrong-interface-option": "A packet has no outgoing interface in PREROUTING and INPUT, and no incoming one in OUTPUT and POSTROUTING.",
    "wrong-family": "The line is for the other family of addresses.",
    "unknown-match": "No match of this name is known.",
    "bad-match": "The name after -m cannot be a match.",
    "bad-structure-bytes":
      "--ferrule-bytes gives the structure of a match or target that nothing here can read: its revision, a colon, and its bytes in hexadecimal.",
    "foreign-refusal": "The match or target is foreign, and its extension of libxtables does not take the option.",
    "foreign-address":
      "The foreign extension keeps an address of its own memory in the kernel's structure. Only the process that read the options can commit such a rule.",
    "foreign-exit": "The match or target is foreign, and its extension of libxtables ended the process that read its options.",
    "foreign-failure":
      "The match or target is foreign, and its extension of libxtables crashed, was silent, or gave an answer that is none; or `ferrule-xtables', which loads it, is missing.",
    "unknown-target": "The name after -j is neither a chain of this table declared above nor a target that is known.",
    "unread-target":
      "The name after -j is that of a target, because options follow, but no target of this name is known. The rule is kept as it is written.",
    "bad-target": "The name after -j cannot be a target.",
    "illegal-option": "The option does not go with this command.",
    "no-accounting-object":
      "-m nfacct counts with an object that `nfacct add' makes. Without it the kernel refuses the whole table, and `ferrule apply' does not begin.",
    "no-conntrack-helper":
      "The rule assigns a conntrack helper that the kernel has not for the protocol of the rule. Each helper is for certain protocols only.",
    "no-rate-estimator":
      "-m rateest asks for a rate that a rule with -j RATEEST estimates. The kernel must have taken that rule before: rules above it and tables before it come first.",
    "rule-too-big": "An entry of the kernel's table has at most 65,535 bytes.",
    "kernel-refuses": "The kernel's own check of the match or target would answer EINVAL for the whole table.",
    "wrong-table": "The kernel takes the match or target in other tables only.",
    "wrong-hook": "The kernel takes the match or target at other hooks only, and follows the jumps to know where a chain is used.",
    "wrong-protocol": "The kernel takes the match or target with another protocol only.",
  ]

  /// Explanations about chains and commands.
  private static let chains: [String: String] = [
    "bad-chain": "A line that begins with `:` names a chain: `:NAME POLICY [packets:bytes]`.",
    "bad-chain-name": "A chain's name does not begin with - or !, has no blank, and is no target's name.",
    "long-chain-name": "A chain's name has at most 28 bytes.",
    "duplicate-chain": "The chain is there already.",
    "unknown-chain": "The table has no chain of this name; declare it with `:NAME - [0:0]` before its first rule.",
    "bad-policy": "Built-in chains have the policy ACCEPT or DROP; user chains have none, written `-`.",
    "drop-in-nat": "Only the first packet of a connection passes the nat table: drop in filter, or in raw.",
    "goto-no-chain": "-g leads to user chains only.",
    "jump-to-builtin": "A built-in chain is where a packet begins; no rule leads there.",
    "chain-loop": "The kernel refuses a table in which a packet could go round for ever.",
    "chain-in-use": "A chain to which rules lead cannot be deleted.",
    "chain-not-empty": "A chain with rules cannot be deleted; flush it first.",
    "delete-builtin": "Built-in chains cannot be deleted.",
    "rename-builtin": "Built-in chains cannot be renamed.",
    "no-command": "A line begins with a command: -A, -I, -D, -R, -N, -P and so on.",
    "leftover-arguments": "More words follow than the command takes.",
    "two-commands": "A line holds one command.",
    "bad-rule-number": "Rules are counted from one.",
    "no-such-rule": "The chain has no such rule.",
  ]
}
