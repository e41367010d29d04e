import Wire
import XTables

/// The help texts, made from the same declarations as parser and printer.
enum Help {
  static func text(_ versionLine: String, _ program: String, _ family: Family, _ subjects: [ExtensionDescriptor]) -> String {
    var text = """
      \(versionLine)

      Usage: \(program) -[ACD] chain rule-specification [options]
             \(program) -I chain [rulenum] rule-specification [options]
             \(program) -R chain rulenum rule-specification [options]
             \(program) -D chain rulenum [options]
             \(program) -[LS] [chain [rulenum]] [options]
             \(program) -[FZ] [chain] [options]
             \(program) -[NX] chain
             \(program) -E old-chain-name new-chain-name
             \(program) -P chain target [options]
             \(program) -h (print this help information)

      Commands:
        --append  -A chain               add a rule at the end of a chain
        --check   -C chain               tell whether a rule is there
        --delete  -D chain [rulenum]     delete a rule, by what it says or by number
        --insert  -I chain [rulenum]     insert a rule, first unless numbered
        --replace -R chain rulenum       put a rule in the place of another
        --list    -L [chain [rulenum]]   list rules in columns
        --list-rules -S [chain [rulenum]]  list rules as they are written
        --flush   -F [chain]             delete all rules
        --zero    -Z [chain [rulenum]]   set counters to zero
        --new     -N chain               make a user chain
        --delete-chain -X [chain]        delete empty user chains
        --policy  -P chain target        set what happens at a chain's end
        --rename-chain -E old new        rename a user chain

      Options:
          --ipv4      -4                 ignored by ip6tables-restore
          --ipv6      -6                 ignored by iptables-restore
      [!] --protocol  -p proto           by number or name
      [!] --source    -s address[/mask][,…]
      [!] --destination -d address[/mask][,…]
      [!] --in-interface -i name[+]      incoming interface; + stands for any ending
      [!] --out-interface -o name[+]     outgoing interface
          --jump      -j target          what to do with a packet
          --goto      -g chain           go on in a chain and not come back
          --match     -m match           load a match
          --numeric   -n                 numbers instead of names
          --table     -t table           the table (default: filter)
          --verbose   -v                 say more
          --wait      -w [seconds]       wait for the lock of xtables
          --line-numbers                 number the rules of a list
          --exact     -x                 whole counters
      \(family == .ipv4 ? "[!] --fragments -f                 second and further fragments\n" : "")    --set-counters -c packets bytes   start with these counters
      [!] --version   -V                 print the version

      """
    for subject in subjects { text += "\n" + options(of: subject) }
    return text
  }

  /// The options of one match or target.
  static func options(of subject: ExtensionDescriptor) -> String {
    // A foreign extension has its own text; its options have no summaries.
    if subject.isMeaningUnknown { return subject.helpNotes }
    var text = "\(subject.name) \(subject.kind.rawValue) options:\n"
    for option in subject.options {
      let names = ([option.name] + option.aliases).joined(separator: " | ")
      let usage = (option.isInvertible ? "[!] " : "    ") + names + (option.placeholder.isEmpty ? "" : " " + option.placeholder)
      let gap = String(repeating: " ", count: max(2, 36 - usage.utf8.count))
      text += usage + (option.summary.isEmpty ? "" : gap + option.summary) + "\n"
    }
    return text + subject.helpNotes
  }

  static func restoreUsage(_ program: String) -> String {
    """
    Usage: \(program) [-c] [-v] [-V] [-t] [-h] [-n] [-w secs] [-W usecs] [-T table] [-M command] [file]
    \t   [ --counters ]
    \t   [ --verbose ]
    \t   [ --version]
    \t   [ --test ]
    \t   [ --help ]
    \t   [ --noflush ]
    \t   [ --wait=<seconds>
    \t   [ --table=<TABLE> ]
    \t   [ --modprobe=<command> ]

    """
  }
}
