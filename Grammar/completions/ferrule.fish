function __ferrule_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __ferrule_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __ferrule_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __ferrule_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __ferrule_parse_tokens -S
    set -l unparsed_tokens (__ferrule_tokens -pc)
    switch $unparsed_tokens[1]
    case 'ferrule'
        __ferrule_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'lint'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'fix' 'format=' 'color=' 'version' 'h/help'
        case 'diff'
            __ferrule_parse_subcommand 2 '4/ipv4' '6/ipv6' 'equivalent' 'format=' 'allow-path=+' 'color=' 'version' 'h/help'
        case 'query'
            __ferrule_parse_subcommand 2 '4/ipv4' '6/ipv6' 'verdict=' 'hook=' 'format=' 'color=' 'version' 'h/help'
        case 'run'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'host=' 'ip-addr=' 'ip-route=+' 'this-host' 'allow-path=+' 'ipset=' 'fingerprints=' 'also=+' 'packets=+' 'pcap=+' 'in=' 'expect=' 'brief' 'conntrack' 'conntrack-from=' 'stack' 'seed=' 'format=' 'color=' 'version' 'h/help'
        case 'show'
            __ferrule_parse_subcommand 1 't/table=' 'counters' 'format=' 'color=' '4/ipv4' '6/ipv6' 'version' 'h/help'
        case 'fmt'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'w/write' 'check' 'color=' 'version' 'h/help'
        case 'compile'
            __ferrule_parse_subcommand 1 't/table=' 'o/output=' 'format=' 'color=' '4/ipv4' '6/ipv6' 'version' 'h/help'
        case 'decompile'
            __ferrule_parse_subcommand 1 '4/ipv4' '6/ipv6' 'counters' 'format=' 'version' 'h/help'
        case 'apply'
            __ferrule_parse_subcommand 1 'sandbox' 'counters' 'test' 'w/wait=' 'color=' '4/ipv4' '6/ipv6' 'version' 'h/help'
        case 'save'
            __ferrule_parse_subcommand 0 '4/ipv4' '6/ipv6' 't/table=' 'c/counters' 'format=' 'version' 'h/help'
        case 'explain'
            __ferrule_parse_subcommand 1 '4/ipv4' '6/ipv6' 'm/match=' 'j/jump=' 'format=' 'version' 'h/help'
        case 'lab'
            __ferrule_parse_subcommand 0 'kernel' 'version' 'h/help'
        case 'test'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'jobs=' 'verbose' 'update' 'watch' 'pcapng=' 'color=' 'version' 'h/help'
        case 'coverage'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'least=' 'jobs=' 'color=' 'version' 'h/help'
        case 'verify'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'patience=' 'verbose' 'color=' 'version' 'h/help'
        case 'snapshot'
            __ferrule_parse_subcommand 0 'redact' 'connections=' 'version' 'h/help'
        case 'fuzz'
            __ferrule_parse_subcommand -r 1 'time=' 'count=' 'seed=' '4/ipv4' '6/ipv6' 'first=' 'output=' 'draw' 'format=' 'version' 'h/help'
        case 'help'
            __ferrule_parse_subcommand -r 1 'version'
        end
    end
end

function __ferrule_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __ferrule_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __ferrule_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __ferrule_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__ferrule_tokens -p)
    if test -z "$(__ferrule_tokens -t)"
        set -l index (count (__ferrule_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'ferrule' -f
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'lint' -d 'Finds mistakes in rulesets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'diff' -d 'Finds packets that two rulesets treat differently.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'query' -d 'Answers what a ruleset does with a set of packets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'run' -d 'Runs packets through a ruleset and says what becomes of them.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'show' -d 'Draws the chains of a ruleset as trees.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'fmt' -d 'Writes rulesets in iptables-save\'s form.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'compile' -d 'Compiles a ruleset into the kernel\'s own structures.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'decompile' -d 'Reads a compiled ruleset back into text.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'apply' -d 'Puts a ruleset into the kernel.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'save' -d 'Prints the kernel\'s rulesets in iptables-save\'s form.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'explain' -d 'Explains a finding, a match, a target, or the way of a packet.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'lab' -d 'Answers scenarios, one JSON object a line.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'test' -d 'Runs tests of rulesets: packets, and what is expected of them.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'coverage' -d 'Tells which rules the tests of scenario files match, and which they never do.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'verify' -d 'Plays tests in the running kernel too, and says where it does other things than Ferrule.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'snapshot' -d 'Writes down this machine, as far as packets are concerned, for dry runs elsewhere.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'fuzz' -d 'Draws rulesets and packets, and looks for one that the running kernel treats otherwise.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule lint" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" fix' -l 'fix' -d 'Apply the fixes that change no meaning, keeping every other byte. With - the result goes to standard output.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" format' -l 'format' -d 'How to print the findings.' -rfka 'text json github sarif junit'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule diff" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule diff" -eq 2' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" equivalent' -l 'equivalent' -d 'Print only the answer: equal, different or undecided.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff"' -l 'allow-path' -d 'Files of this folder may be named as well (repeatable). Without it a scenario file or snapshot names files of its own folder only.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule query" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" verdict' -l 'verdict' -d 'The verdict that every packet shall have: accept, drop or queue.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" hook' -l 'hook' -d 'Only packets that come to this hook: INPUT, FORWARD or OUTPUT.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" host' -l 'host' -d 'The host\'s interfaces, addresses, routes, switches and sockets, as YAML; or a snapshot of `ferrule snapshot\'.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" ip-addr' -l 'ip-addr' -d 'What `ip -j addr\' printed, instead of --host.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'ip-route' -d 'What `ip -j route\' printed (and `ip -j -6 route\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" this-host' -l 'this-host' -d 'Take interfaces, addresses and routes from this machine.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'allow-path' -d 'Files of this folder may be named as well (repeatable). Without it a scenario file or snapshot names files of its own folder only.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" ipset' -l 'ipset' -d 'The sets of -m set and -j SET: what `ipset save\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" fingerprints' -l 'fingerprints' -d 'What -m osf knows: a pf.os, as `nfnl_osf -f\' takes it.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule run" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'also' -d 'Another ruleset, such as that of the other family.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'packets' -d 'A file of packets, one a line; - is standard input.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'pcap' -d 'A capture (pcap or pcapng), whose packets arrive at the interface of --in.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" in' -l 'in' -d 'The interface at which the packets of --pcap arrive.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" expect' -l 'expect' -d 'The verdict that every packet without a `=>\' of its own shall have.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" brief' -l 'brief' -d 'Print only the verdicts, a line for each packet.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" conntrack' -l 'conntrack' -d 'List the connections after each packet, of a capture after the last, as `conntrack -L -o extended\' does.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" conntrack-from' -l 'conntrack-from' -d 'Connections that there are before the first packet: what `conntrack -L\' printed, or /proc/net/nf_conntrack.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" stack' -l 'stack' -d 'Let sockets take what is for this host, and the host answer; else it stays silent.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" seed' -l 'seed' -d 'Everything that is left to chance follows from this number.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" format' -l 'format' -d 'How to print: json is one value, jsonl one object a packet on a line of its own.' -rfka 'text json jsonl'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" t table' -l 'table' -s 't' -d 'Only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" counters' -l 'counters' -d 'Show the counters that the file gives.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule show" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule fmt" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" w write' -l 'write' -s 'w' -d 'Write the result back to each file.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" check' -l 'check' -d 'Print nothing but the names of the files that are not in this form.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" t table' -l 'table' -s 't' -d 'Only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" o output' -l 'output' -s 'o' -d 'Write the bytes to this file.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule compile" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" counters' -l 'counters' -d 'Print the counters of the rules.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule decompile" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" sandbox' -l 'sandbox' -d 'Try it in a throwaway network namespace.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" counters' -l 'counters' -d 'Set the counters that the file gives, instead of zero.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" test' -l 'test' -d 'Check all that can be checked without the kernel, and stop there.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for another program that holds the xtables lock.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule apply" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" t table' -l 'table' -s 't' -d 'Only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" c counters' -l 'counters' -s 'c' -d 'Print the counters of the rules.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" m match' -s 'm' -l 'match' -d 'A match, as after -m.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" j jump' -s 'j' -l 'jump' -d 'A target, as after -j.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" format' -l 'format' -d 'How to print.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" kernel' -l 'kernel' -d 'Let the running kernel answer.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule test" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test"' -l 'allow-path' -d 'Files of this folder may be named as well (repeatable). Without it a scenario file or snapshot names files of its own folder only.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" only' -l 'only' -d 'Only the tests whose names have this in them.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" format' -l 'format' -d 'How to tell the results: text, junit, tap, json.' -rfka 'text junit tap json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" jobs' -l 'jobs' -d 'How many tests run at the same time.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" verbose' -l 'verbose' -d 'Name the tests that passed, too.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" update' -l 'update' -d 'Write into the files what came of the tests, in place of the values that were expected.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" watch' -l 'watch' -d 'Run the tests again whenever a file of theirs changes, until SIGINT or SIGTERM; the exit status is that of the last run.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" pcapng' -l 'pcapng' -d 'Write all packets that arrive and leave into a pcapng file, with verdict and rules as comments.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule coverage" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage"' -l 'allow-path' -d 'Files of this folder may be named as well (repeatable). Without it a scenario file or snapshot names files of its own folder only.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" only' -l 'only' -d 'Only the tests whose names have this in them.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" format' -l 'format' -d 'How to tell it: text, json, lcov, html.' -rfka 'text json lcov html'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" least' -l 'least' -d 'The percentage of rules that must match.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" jobs' -l 'jobs' -d 'How many tests run at the same time.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule verify" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify"' -l 'allow-path' -d 'Files of this folder may be named as well (repeatable). Without it a scenario file or snapshot names files of its own folder only.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" only' -l 'only' -d 'Only the tests whose names have this in them.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" format' -l 'format' -d 'How to tell the results: text, junit, tap, json.' -rfka 'text junit tap json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" patience' -l 'patience' -d 'Seconds that a test may let pass; a longer one is not verified.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" verbose' -l 'verbose' -d 'Name the tests that agree, too.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" color' -l 'color' -d 'Colour the output; auto does on a terminal unless NO_COLOR is set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" redact' -l 'redact' -d 'Put other addresses and names in the place of the true ones.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" connections' -l 'connections' -d 'Write no more connections of conntrack\'s than so many.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" time' -l 'time' -d 'How long to go on.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" count' -l 'count' -d 'How many scenarios to play in each family.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" seed' -l 'seed' -d 'Where the draws begin; chosen by the clock without it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" 4 ipv4' -s '4' -l 'ipv4' -d 'The rules are IPv4 (iptables), whatever the file\'s name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" 6 ipv6' -s '6' -l 'ipv6' -d 'The rules are IPv6 (ip6tables).'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" first' -l 'first' -d 'The first scenario\'s number, to begin where another run stopped.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" output' -l 'output' -d 'Append what they disagree about to this file, one JSON object a line.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" draw' -l 'draw' -d 'Print the scenarios instead of playing them, as lines of the lab\'s protocol.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" format' -l 'format' -d 'How to tell what came of it: text, json.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule help" version' -l 'version' -d 'Show the version.'
