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
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'files-from=' 'fix' 'unsafe-fixes' 'select=+' 'ignore=+' 'fail-on=' 'config=' 'no-config' 'baseline=' 'target=' 'tool=' 'write-baseline=' 'format=' 'color=' 'version' 'h/help'
        case 'exposure'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'host=' 'listening=' 'config=' 'format=' 'color=' 'version' 'h/help'
        case 'audit'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'files-from=' 'profile=' 'show-profile=' 'listening=' 'host=' 'config=' 'format=' 'color=' 'version' 'h/help'
        case 'diff'
            __ferrule_parse_subcommand -r 3 '4/ipv4' '6/ipv6' 'equivalent' 'counters' 'format=' 'allow-path=+' 'backend=' 'color=' 'version' 'h/help'
        case 'query'
            __ferrule_parse_subcommand 2 '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'host=' 'ip-addr=' 'ip-route=+' 'ip-rule=+' 'ip-neigh=+' 'ss=+' 'sysctl=+' 'timezone=' 'this-host' 'backend=' 'allow-path=+' 'verdict=' 'hook=' 'from=' 'to=' 'format=' 'color=' 'version' 'h/help'
        case 'run'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'host=' 'ip-addr=' 'ip-route=+' 'ip-rule=+' 'ip-neigh=+' 'ss=+' 'sysctl=+' 'timezone=' 'this-host' 'backend=' 'allow-path=+' 'ipset=' 'fingerprints=' 'clock=' 'queue=+' 'tick-phase=' 'seed=' 'also=+' 'each=+' 'packets=+' 'pcap=+' 'in=' 'expect=' 'compare' 'compare-with=+' 'summary' 'why=+' 'all-outcomes' 'brief' 'jobs=' 'conntrack' 'conntrack-from=' 'stack' 'format=' 'color=' 'version' 'h/help'
        case 'explore'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'host=' 'ip-addr=' 'ip-route=+' 'ip-rule=+' 'ip-neigh=+' 'ss=+' 'sysctl=+' 'timezone=' 'this-host' 'backend=' 'allow-path=+' 'ipset=' 'fingerprints=' 'clock=' 'queue=+' 'tick-phase=' 'seed=' 'before=+' 'packets=+' 'packet=+' 'conntrack-from=' 'stack' 'select=+' 'ignore=+' 'fail-on=' 'config=' 'no-config' 'baseline=' 'target=' 'tool=' 'color=' 'version' 'h/help'
        case 'serve'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'host=' 'ip-addr=' 'ip-route=+' 'ip-rule=+' 'ip-neigh=+' 'ss=+' 'sysctl=+' 'timezone=' 'this-host' 'backend=' 'allow-path=+' 'ipset=' 'fingerprints=' 'clock=' 'queue=+' 'tick-phase=' 'seed=' 'before=+' 'packets=+' 'packet=+' 'conntrack-from=' 'stack' 'select=+' 'ignore=+' 'fail-on=' 'config=' 'no-config' 'baseline=' 'target=' 'tool=' 'color=' 'port=' 'version' 'h/help'
        case 'show'
            __ferrule_parse_subcommand 1 't/table=' 'counters' 'format=' 'color=' '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'version' 'h/help'
        case 'fmt'
            __ferrule_parse_subcommand -r 1 '4/ipv4' '6/ipv6' 'w/write' 'check' 'color=' 'version' 'h/help'
        case 'compile'
            __ferrule_parse_subcommand 1 't/table=' 'o/output=' 'format=' 'color=' '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'version' 'h/help'
        case 'decompile'
            __ferrule_parse_subcommand 1 '4/ipv4' '6/ipv6' 'counters' 'format=' 'version' 'h/help'
        case 'plan'
            __ferrule_parse_subcommand -r 1 'from=+' 'n/noflush' 'output=' 'format=' 'backend=' 'keep=' 'owners=' 'ipset=' 'adopt-sets' 'state-directory=' 'w/wait=' '4/ipv4' '6/ipv6' 'color=' 'version' 'h/help'
        case 'apply'
            __ferrule_parse_subcommand -r 1 'sandbox' 'counters' 'test' 'confirm=' 'probe=+' 'tests=+' 'check=' 'force' 'keep=' 'owners=' 'ipset=' 'adopt-sets' 'state-directory=' 'w/wait=' 'backend=' 'color=' '4/ipv4' '6/ipv6' 'n/noflush' 'base=' 'version' 'h/help'
        case 'confirm'
            __ferrule_parse_subcommand 0 'state-directory=' 'w/wait=' 'version' 'h/help'
        case 'rollback'
            __ferrule_parse_subcommand 1 'state-directory=' 'w/wait=' 'version' 'h/help'
        case 'history'
            __ferrule_parse_subcommand 0 'format=' 'state-directory=' 'w/wait=' 'version' 'h/help'
        case 'recover'
            __ferrule_parse_subcommand 0 'state-directory=' 'w/wait=' 'version' 'h/help'
        case 'drift'
            __ferrule_parse_subcommand -r 1 'watch' 'interval=' 'metrics=' 'format=' 'backend=' 'keep=' 'owners=' '4/ipv4' '6/ipv6' 'color=' 'version' 'h/help'
        case 'save'
            __ferrule_parse_subcommand 0 '4/ipv4' '6/ipv6' 't/table=' 'backend=' 'c/counters' 'mine' 'owners=' 'format=' 'version' 'h/help'
        case 'explain'
            __ferrule_parse_subcommand 1 '4/ipv4' '6/ipv6' 'm/match=' 'j/jump=' 'format=' 'version' 'h/help'
        case 'lab'
            __ferrule_parse_subcommand 0 'kernel' 'backend=' 'version' 'h/help'
        case 'test'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'jobs=' 'verbose' 'update' 'watch' 'pcapng=' 'color=' 'version' 'h/help'
        case 'coverage'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'least=' 'jobs=' 'color=' 'version' 'h/help'
        case 'verify'
            __ferrule_parse_subcommand -r 1 'allow-path=+' 'only=' 'format=' 'patience=' 'verbose' 'backend=' 'color=' 'version' 'h/help'
        case 'snapshot'
            __ferrule_parse_subcommand 0 'redact' 'connections=' 'backend=' 'version' 'h/help'
        case 'doctor'
            __ferrule_parse_subcommand 0 'format=' 'version' 'h/help'
        case 'fuzz'
            __ferrule_parse_subcommand -r 1 'time=' 'count=' 'seed=' '4/ipv4' '6/ipv6' 'backend=' 'first=' 'output=' 'draw' 'format=' 'version' 'h/help'
        case 'lsp'
            __ferrule_parse_subcommand 0 '4/ipv4' '6/ipv6' 'select=+' 'ignore=+' 'fail-on=' 'config=' 'no-config' 'baseline=' 'target=' 'tool=' 'host=' 'version' 'h/help'
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
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'exposure' -d 'Reports what a stranger reaches through rulesets: services of this host, and hosts behind it.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'audit' -d 'Decides the controls of a standard for rulesets, by packets that are run through them.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'diff' -d 'Finds packets that two rulesets treat differently.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'query' -d 'Reports the verdicts that a ruleset gives to a set of packets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'run' -d 'Simulates packets through a ruleset and prints the path and the verdict of each.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'explore' -d 'Makes a page for the browser that shows rulesets, findings and the ways of packets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'serve' -d 'Serves the page of `explore\' to a browser on this machine, and runs the packets typed into it.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'show' -d 'Prints the chains of a ruleset as trees.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'fmt' -d 'Formats rulesets in the form of iptables-save.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'compile' -d 'Compiles a ruleset into the kernel\'s table structures.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'decompile' -d 'Converts a compiled ruleset back to text.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'plan' -d 'Shows what a change of the loaded rules would do.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'apply' -d 'Loads a ruleset into the kernel.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'confirm' -d 'Keeps the rules that `ferrule apply --confirm\' loaded.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'rollback' -d 'Loads the tables again as they were before a change.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'history' -d 'Lists the changes of the kernel\'s tables in this network namespace.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'recover' -d 'Takes back a change of the kernel\'s tables that was interrupted.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'drift' -d 'Shows how the loaded rules differ from those of files.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'save' -d 'Prints the tables of the running kernel in the format of iptables-save.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'explain' -d 'Explains a finding, a match, a target, or the path of a packet through the hooks.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'lab' -d 'Runs scenarios given as JSON lines and prints their results as JSON lines.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'test' -d 'Runs the tests of scenario files: simulated packets with expected verdicts.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'coverage' -d 'Runs the tests of scenario files and reports which rules matched packets and which never did.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'verify' -d 'Runs tests in Ferrule\'s engine and in the running kernel, and reports where their results differ.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'snapshot' -d 'Prints the rules and the network state of this machine as YAML, for dry runs elsewhere.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'doctor' -d 'Tells what decides on packets on this machine, and whether Ferrule\'s answers about it are reliable.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'fuzz' -d 'Compares Ferrule\'s engine with the running kernel on random rulesets and packets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'lsp' -d 'Serves an editor by the Language Server Protocol.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule lint" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" files-from' -l 'files-from' -d 'Also read the names of files from this file, one line each (- means standard input). With --format jsonl each line is answered as it arrives; tabs separate the names of files that belong together.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" fix' -l 'fix' -d 'Apply all fixes that are proved not to change what the ruleset does. Replaces the file; for - writes to standard output.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" unsafe-fixes' -l 'unsafe-fixes' -d 'Apply also fixes that are not proved.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint"' -l 'select' -d 'Report only findings of these checks: codes, beginnings of codes such as FE07, ids, or groups such as safety, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint"' -l 'ignore' -d 'Do not report findings of these checks.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" fail-on' -l 'fail-on' -d 'The least severity with which the exit status is 1: error, warning, note or never.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" config' -l 'config' -d 'The policy; by default the file .ferrule.yml in the folder of each ruleset or the nearest one above it that has it.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" no-config' -l 'no-config' -d 'Read no .ferrule.yml.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" baseline' -l 'baseline' -d 'Do not report the findings in this file, which --write-baseline has written.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" target' -l 'target' -d 'The distribution for which the rulesets are meant: debian10, debian11, debian12, debian13, ubuntu20.04, ubuntu22.04, ubuntu24.04, el7, el8, el9, el10.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" tool' -l 'tool' -d 'The version of iptables for which the rulesets are meant, such as 1.8.11.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" write-baseline' -l 'write-baseline' -d 'Write the findings to this file, which --baseline reads, and exit with status 0.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" format' -l 'format' -d 'The output format. jsonl: one JSON object per file and line, as each file is read (Grammar/results.schema.json).' -rfka 'text json jsonl github sarif junit'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lint" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule exposure" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" host' -l 'host' -d 'The host: a YAML file with its interfaces and sockets.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" listening' -l 'listening' -d 'The listening sockets: what `ss -tulnp\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" config' -l 'config' -d 'The policy; by default the nearest .ferrule.yml.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" format' -l 'format' -d 'The output format.' -rfka 'text json html'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule exposure" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule audit" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" files-from' -l 'files-from' -d 'Also read the names of files from this file, one line each (- means standard input). With --format jsonl each line is answered as it arrives; tabs separate the names of files that belong together.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" profile' -l 'profile' -d 'The controls: cis, pci, stig, or a file.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" show-profile' -l 'show-profile' -d 'Print this built-in profile and exit.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" listening' -l 'listening' -d 'The listening sockets: what `ss -tuln\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" host' -l 'host' -d 'The host: a YAML file with its interfaces and sockets.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" config' -l 'config' -d 'The policy, for the roles of interfaces; by default the nearest .ferrule.yml.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" format' -l 'format' -d 'The output format.' -rfka 'text json jsonl sarif html'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule audit" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule diff" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule diff" -eq 2' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule diff" -ge 3' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" equivalent' -l 'equivalent' -d 'Print only the answer: equal, different or undecided.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" counters' -l 'counters' -d 'Print also the rules whose counters differ.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" format' -l 'format' -d 'The output format. jsonl: one JSON object per pair and line (Grammar/results.schema.json).' -rfka 'text json jsonl'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule diff" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" host' -l 'host' -d 'The simulated host: a YAML file with its interfaces, addresses, routes, sysctls and sockets, or the output of `ferrule snapshot\'.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" ip-addr' -l 'ip-addr' -d 'What `ip addr\' printed, or `ip -j addr\', instead of --host.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'ip-route' -d 'What `ip route\' printed, also with -j (and `ip -6 route\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'ip-rule' -d 'What `ip rule\' printed, also with -j (and `ip -6 rule\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'ip-neigh' -d 'The host\'s neighbours: what `ip neigh\' printed, also with -j.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'ss' -d 'The host\'s listening sockets: what `ss -tuln\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'sysctl' -d 'A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a\' printed; the option can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" timezone' -l 'timezone' -d 'The host\'s time zone, on which `-m time --kerneltz\' depends: UTC, +01:00.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" this-host' -l 'this-host' -d 'Instead of --host: this machine, as `ferrule snapshot\' describes it, with its sysctls, routing rules, neighbours, sockets and time zone; without a ruleset file also with its rules and sets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule query" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" verdict' -l 'verdict' -d 'The expected verdict of every packet: accept, drop or queue.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" hook' -l 'hook' -d 'Consider only packets at this hook: INPUT, FORWARD or OUTPUT.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" from' -l 'from' -d 'Where arriving packets come from: outside (what the default route of --host leads to) or NETWORK/PREFIX. Needs --host.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" to' -l 'to' -d 'The address to which packets are sent, or to which the nat table translates them.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule query" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" host' -l 'host' -d 'The simulated host: a YAML file with its interfaces, addresses, routes, sysctls and sockets, or the output of `ferrule snapshot\'.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" ip-addr' -l 'ip-addr' -d 'What `ip addr\' printed, or `ip -j addr\', instead of --host.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'ip-route' -d 'What `ip route\' printed, also with -j (and `ip -6 route\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'ip-rule' -d 'What `ip rule\' printed, also with -j (and `ip -6 rule\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'ip-neigh' -d 'The host\'s neighbours: what `ip neigh\' printed, also with -j.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'ss' -d 'The host\'s listening sockets: what `ss -tuln\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'sysctl' -d 'A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a\' printed; the option can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" timezone' -l 'timezone' -d 'The host\'s time zone, on which `-m time --kerneltz\' depends: UTC, +01:00.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" this-host' -l 'this-host' -d 'Instead of --host: this machine, as `ferrule snapshot\' describes it, with its sysctls, routing rules, neighbours, sockets and time zone; without a ruleset file also with its rules and sets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" ipset' -l 'ipset' -d 'The IP sets for -m set and -j SET: a file with the output of `ipset save\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" fingerprints' -l 'fingerprints' -d 'The OS fingerprints for -m osf: a pf.os file, as for `nfnl_osf -f\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" clock' -l 'clock' -d 'The time at which the run starts: 2024-01-31T09:30:00Z, or seconds since 1970.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'queue' -d 'The verdict of the program that listens to an NFQUEUE queue: accept, drop, hold, repeat or queue:N; none if no program listens. The option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" tick-phase' -l 'tick-phase' -d 'How long before the start of a second a tick of the kernel\'s clock (4 ms) began: connlimit and hashlimit act once per tick.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" seed' -l 'seed' -d 'Draw random numbers from this seed. Without it, a verdict that depends on chance is unknown.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule run" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'also' -d 'Another ruleset to load, usually that of the other family.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'each' -d 'With --format jsonl: run the packets also through this ruleset, in a host of its own. The option can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'packets' -d 'A file of packets, one per line; - means standard input.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'pcap' -d 'A capture file (pcap or pcapng). Its packets arrive on the given interface, or on that of --in. The option can be repeated: the packets are played in the order of their times.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" in' -l 'in' -d 'The interface on which the packets of --pcap arrive; for a capture of several interfaces, a list such as 2=lan,3=wan (by index, Linux cooked version 2 or pcapng) or 10.0.0.0/8=lan,default=wan (by source).' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" expect' -l 'expect' -d 'The expected verdict of every packet that has no `=>\' of its own.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" compare' -l 'compare' -d 'Compare the frames that the host of the captures sent with those that Ferrule sends. Frames that the host sent by itself are replayed as local packets. Differences that vanish with another --tick-phase are by timing.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'compare-with' -d 'Also compare with a listing made after the packets: what `iptables-save -c\' or `conntrack -L\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" summary' -l 'summary' -d 'Print the totals by verdict, rule and connection instead of the packets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run"' -l 'why' -d 'Tell for each packet whether this rule matched, and if not, why: `filter INPUT 3\', `INPUT 3\', `INPUT policy\', `comment TEXT\' or `line N\'. The option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" all-outcomes' -l 'all-outcomes' -d 'Follow every outcome of a packet: each decision of `-m statistic\' and of a fact that was not given both ways, with the probability. Packets before it in the list take their first outcome.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" brief' -l 'brief' -d 'Print only the verdict, one line per packet.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" jobs' -l 'jobs' -d 'With --pcap and --brief or --summary: carry the packets in N threads, each those between some of the hosts. If rules, host or packets make hosts depend on each other, the reason is printed and one thread carries all. The result is the same.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" conntrack' -l 'conntrack' -d 'After each packet (for a capture: after the last), list the tracked connections like `conntrack -L -o extended\', and the expected ones like `conntrack -L expect\'.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" conntrack-from' -l 'conntrack-from' -d 'The connections that exist before the first packet: a file with the output of `conntrack -L\' or a copy of /proc/net/nf_conntrack.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" stack' -l 'stack' -d 'Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" format' -l 'format' -d 'The output format. json: one value for all packets. jsonl: one JSON object per packet and line (Grammar/results.schema.json).' -rfka 'text json jsonl'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule run" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" host' -l 'host' -d 'The simulated host: a YAML file with its interfaces, addresses, routes, sysctls and sockets, or the output of `ferrule snapshot\'.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" ip-addr' -l 'ip-addr' -d 'What `ip addr\' printed, or `ip -j addr\', instead of --host.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'ip-route' -d 'What `ip route\' printed, also with -j (and `ip -6 route\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'ip-rule' -d 'What `ip rule\' printed, also with -j (and `ip -6 rule\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'ip-neigh' -d 'The host\'s neighbours: what `ip neigh\' printed, also with -j.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'ss' -d 'The host\'s listening sockets: what `ss -tuln\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'sysctl' -d 'A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a\' printed; the option can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" timezone' -l 'timezone' -d 'The host\'s time zone, on which `-m time --kerneltz\' depends: UTC, +01:00.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" this-host' -l 'this-host' -d 'Instead of --host: this machine, as `ferrule snapshot\' describes it, with its sysctls, routing rules, neighbours, sockets and time zone; without a ruleset file also with its rules and sets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" ipset' -l 'ipset' -d 'The IP sets for -m set and -j SET: a file with the output of `ipset save\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" fingerprints' -l 'fingerprints' -d 'The OS fingerprints for -m osf: a pf.os file, as for `nfnl_osf -f\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" clock' -l 'clock' -d 'The time at which the run starts: 2024-01-31T09:30:00Z, or seconds since 1970.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'queue' -d 'The verdict of the program that listens to an NFQUEUE queue: accept, drop, hold, repeat or queue:N; none if no program listens. The option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" tick-phase' -l 'tick-phase' -d 'How long before the start of a second a tick of the kernel\'s clock (4 ms) began: connlimit and hashlimit act once per tick.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" seed' -l 'seed' -d 'Draw random numbers from this seed. Without it, a verdict that depends on chance is unknown.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule explore" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'before' -d 'The rules before a change: the page shows which packets they treat otherwise. The option can be repeated, once for each family.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'packets' -d 'A file of packets, one per line; - means standard input.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'packet' -d 'A packet, as for `ferrule run\'; the option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" conntrack-from' -l 'conntrack-from' -d 'The connections that exist before the first packet: a file with the output of `conntrack -L\' or a copy of /proc/net/nf_conntrack.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" stack' -l 'stack' -d 'Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'select' -d 'Report only findings of these checks: codes, beginnings of codes such as FE07, ids, or groups such as safety, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore"' -l 'ignore' -d 'Do not report findings of these checks.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" fail-on' -l 'fail-on' -d 'The least severity with which the exit status is 1: error, warning, note or never.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" config' -l 'config' -d 'The policy; by default the file .ferrule.yml in the folder of each ruleset or the nearest one above it that has it.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" no-config' -l 'no-config' -d 'Read no .ferrule.yml.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" baseline' -l 'baseline' -d 'Do not report the findings in this file, which --write-baseline has written.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" target' -l 'target' -d 'The distribution for which the rulesets are meant: debian10, debian11, debian12, debian13, ubuntu20.04, ubuntu22.04, ubuntu24.04, el7, el8, el9, el10.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" tool' -l 'tool' -d 'The version of iptables for which the rulesets are meant, such as 1.8.11.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explore" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" host' -l 'host' -d 'The simulated host: a YAML file with its interfaces, addresses, routes, sysctls and sockets, or the output of `ferrule snapshot\'.' -rfa '(set -l exts \'yaml\' \'yml\';for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.{$exts};printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" ip-addr' -l 'ip-addr' -d 'What `ip addr\' printed, or `ip -j addr\', instead of --host.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'ip-route' -d 'What `ip route\' printed, also with -j (and `ip -6 route\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'ip-rule' -d 'What `ip rule\' printed, also with -j (and `ip -6 rule\': the option can be repeated).' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'ip-neigh' -d 'The host\'s neighbours: what `ip neigh\' printed, also with -j.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'ss' -d 'The host\'s listening sockets: what `ss -tuln\' printed.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'sysctl' -d 'A sysctl of the host, as KEY=VALUE, or a file of what `sysctl -a\' printed; the option can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" timezone' -l 'timezone' -d 'The host\'s time zone, on which `-m time --kerneltz\' depends: UTC, +01:00.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" this-host' -l 'this-host' -d 'Instead of --host: this machine, as `ferrule snapshot\' describes it, with its sysctls, routing rules, neighbours, sockets and time zone; without a ruleset file also with its rules and sets.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" ipset' -l 'ipset' -d 'The IP sets for -m set and -j SET: a file with the output of `ipset save\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" fingerprints' -l 'fingerprints' -d 'The OS fingerprints for -m osf: a pf.os file, as for `nfnl_osf -f\'.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" clock' -l 'clock' -d 'The time at which the run starts: 2024-01-31T09:30:00Z, or seconds since 1970.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'queue' -d 'The verdict of the program that listens to an NFQUEUE queue: accept, drop, hold, repeat or queue:N; none if no program listens. The option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" tick-phase' -l 'tick-phase' -d 'How long before the start of a second a tick of the kernel\'s clock (4 ms) began: connlimit and hashlimit act once per tick.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" seed' -l 'seed' -d 'Draw random numbers from this seed. Without it, a verdict that depends on chance is unknown.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule serve" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'before' -d 'The rules before a change: the page shows which packets they treat otherwise. The option can be repeated, once for each family.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'packets' -d 'A file of packets, one per line; - means standard input.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'packet' -d 'A packet, as for `ferrule run\'; the option can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" conntrack-from' -l 'conntrack-from' -d 'The connections that exist before the first packet: a file with the output of `conntrack -L\' or a copy of /proc/net/nf_conntrack.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" stack' -l 'stack' -d 'Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'select' -d 'Report only findings of these checks: codes, beginnings of codes such as FE07, ids, or groups such as safety, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve"' -l 'ignore' -d 'Do not report findings of these checks.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" fail-on' -l 'fail-on' -d 'The least severity with which the exit status is 1: error, warning, note or never.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" config' -l 'config' -d 'The policy; by default the file .ferrule.yml in the folder of each ruleset or the nearest one above it that has it.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" no-config' -l 'no-config' -d 'Read no .ferrule.yml.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" baseline' -l 'baseline' -d 'Do not report the findings in this file, which --write-baseline has written.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" target' -l 'target' -d 'The distribution for which the rulesets are meant: debian10, debian11, debian12, debian13, ubuntu20.04, ubuntu22.04, ubuntu24.04, el7, el8, el9, el10.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" tool' -l 'tool' -d 'The version of iptables for which the rulesets are meant, such as 1.8.11.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" port' -l 'port' -d 'The port; 0 for any free one.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule serve" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" t table' -l 'table' -s 't' -d 'Use only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" counters' -l 'counters' -d 'Print the packet and byte counters in the file.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule show" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule fmt" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" w write' -l 'write' -s 'w' -d 'Replace each file by its formatted form. By default the result goes to standard output.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" check' -l 'check' -d 'Change nothing; print only the names of the files that are not formatted.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fmt" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" t table' -l 'table' -s 't' -d 'Use only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" o output' -l 'output' -s 'o' -d 'Write the compiled tables to this file.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule compile" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule compile" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" counters' -l 'counters' -d 'Print the packet and byte counters of the rules.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule decompile" -eq 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule decompile" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan"' -l 'from' -d 'The rules that are loaded, as iptables-save text, instead of those of the kernel. Can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" n noflush' -l 'noflush' -s 'n' -d 'The files are for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" output' -l 'output' -d 'Save the plan to this file. `ferrule apply\' loads it, and refuses it if other rules are loaded by then.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" keep' -l 'keep' -d 'Keep the chains and rules of other programs as they are loaded: names (docker, kube, cni, fail2ban, libvirt, tailscale, ufw) or patterns of chains, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" owners' -l 'owners' -d 'A file of further owners, in the format of Grammar/owners.schema.json.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" ipset' -l 'ipset' -d 'The IP sets that the rules need: a file with the output of `ipset save\'. They change with the rules: missing sets are created, others get the elements of the file, and sets that an earlier file created and this one does not name are deleted.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" adopt-sets' -l 'adopt-sets' -d 'Let --ipset replace the elements of sets that another program created. Without it, such a set is refused if it differs.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule plan" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule plan" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" sandbox' -l 'sandbox' -d 'Load the ruleset into a temporary network namespace, to see whether the kernel accepts it.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" counters' -l 'counters' -d 'Set the packet and byte counters to those in the file. By default rules that were loaded before keep theirs, and others start at zero.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" test' -l 'test' -d 'Only check the file; send nothing to the kernel. With a scenario file as its value, as in --test scenario.yaml, the same as --tests.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" confirm' -l 'confirm' -d 'Take the change back after this time, such as 60s or 5m, unless `ferrule confirm\' is run before. A process of its own waits for that.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply"' -l 'probe' -d 'A packet that must pass under the new rules, such as \'eth0 tcp 10.0.0.5 > :22\'; see `ferrule run\'. Can be repeated.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply"' -l 'tests' -d 'A scenario file (see `ferrule test\') whose `rules:\' is one of the files. Its tests must pass with the rules as they would be loaded. Can be repeated.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" check' -l 'check' -d 'Run this line of shell after loading. If it fails, the previous tables are loaded again.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" force' -l 'force' -d 'Load the rules even if they would lock you out, a probe does not pass, or a test fails.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" keep' -l 'keep' -d 'Keep the chains and rules of other programs as they are loaded: names (docker, kube, cni, fail2ban, libvirt, tailscale, ufw) or patterns of chains, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" owners' -l 'owners' -d 'A file of further owners, in the format of Grammar/owners.schema.json.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" ipset' -l 'ipset' -d 'The IP sets that the rules need: a file with the output of `ipset save\'. They change with the rules: missing sets are created, others get the elements of the file, and sets that an earlier file created and this one does not name are deleted.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" adopt-sets' -l 'adopt-sets' -d 'Let --ipset replace the elements of sets that another program created. Without it, such a set is refused if it differs.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" n noflush' -s 'n' -l 'noflush' -d 'The file is for `iptables-restore --noflush\': the loaded rules are kept.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" base' -l 'base' -d 'The rules that are loaded already, as iptables-save text; with it the file is read as by --noflush.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule apply" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule apply" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule confirm" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule confirm" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule confirm" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule confirm" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule rollback" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule rollback" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule rollback" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule rollback" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule history" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule history" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule history" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule history" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule history" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule recover" state-directory' -l 'state-directory' -d 'The directory in which a change is recorded before it begins. By default FERRULE_STATE_DIRECTORY, or else /var/lib/ferrule.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule recover" w wait' -l 'wait' -s 'w' -d 'Seconds to wait for the xtables lock while another program holds it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule recover" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule recover" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" watch' -l 'watch' -d 'Compare again whenever the loaded rules change.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" interval' -l 'interval' -d 'Seconds between two readings of the loaded rules, for --watch with ip_tables.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" metrics' -l 'metrics' -d 'Write the number of differing lines of each table to this file, in the text format of Prometheus.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" keep' -l 'keep' -d 'Keep the chains and rules of other programs as they are loaded: names (docker, kube, cni, fail2ban, libvirt, tailscale, ufw) or patterns of chains, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" owners' -l 'owners' -d 'A file of further owners, in the format of Grammar/owners.schema.json.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule drift" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule drift" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" t table' -l 'table' -s 't' -d 'Use only this table: raw, mangle, nat, filter, security.' -rfka 'raw mangle nat filter security'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" c counters' -l 'counters' -s 'c' -d 'Print the packet and byte counters of the rules.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" mine' -l 'mine' -d 'Leave out the chains and rules of other programs that Ferrule knows, such as Docker and fail2ban, and of --owners.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" owners' -l 'owners' -d 'A file of further owners, in the format of Grammar/owners.schema.json.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule save" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" m match' -s 'm' -l 'match' -d 'Explain this match, such as conntrack.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" j jump' -s 'j' -l 'jump' -d 'Explain this target, such as REJECT.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" kernel' -l 'kernel' -d 'Run the scenarios in the running kernel instead of Ferrule\'s engine.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" backend' -l 'backend' -d 'The part of the kernel that holds the rules: legacy (ip_tables), nft (nf_tables, in the encoding of iptables-nft), or auto: what `backend:\' of a test\'s host says, and legacy by default.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lab" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule test" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" only' -l 'only' -d 'Run only the tests whose names contain this text.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" format' -l 'format' -d 'The output format.' -rfka 'text junit tap json jsonl'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" jobs' -l 'jobs' -d 'The number of tests that run in parallel, from 1 to 256.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" verbose' -l 'verbose' -d 'Also list the tests that passed.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" update' -l 'update' -d 'Replace the expected values in the scenario files by the actual results.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" watch' -l 'watch' -d 'Run the tests again whenever one of their files changes, until SIGINT or SIGTERM. The exit status is that of the last run.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" pcapng' -l 'pcapng' -d 'Write all arriving and leaving packets to this pcapng file, with their verdicts and rules as packet comments.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule test" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule coverage" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" only' -l 'only' -d 'Run only the tests whose names contain this text.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" format' -l 'format' -d 'The output format.' -rfka 'text json lcov html'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" least' -l 'least' -d 'The minimum percentage of rules that must match a packet, from 0 to 100.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" jobs' -l 'jobs' -d 'The number of tests that run in parallel, from 1 to 256.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule coverage" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_positional "ferrule verify" -ge 1' -F
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify"' -l 'allow-path' -d 'Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.' -rfa '(__ferrule_complete_directories)'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" only' -l 'only' -d 'Run only the tests whose names contain this text.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" format' -l 'format' -d 'The output format.' -rfka 'text junit tap json jsonl'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" patience' -l 'patience' -d 'The maximum duration of a test\'s waits in seconds. A test with longer waits is not verified.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" verbose' -l 'verbose' -d 'Also list the tests in which engine and kernel agree.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" backend' -l 'backend' -d 'The part of the kernel that holds the rules: legacy (ip_tables), nft (nf_tables, in the encoding of iptables-nft), or auto: what `backend:\' of a test\'s host says, and legacy by default.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" color' -l 'color' -d 'Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.' -rfka 'auto always never'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule verify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" redact' -l 'redact' -d 'Anonymise addresses and names.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" connections' -l 'connections' -d 'The maximum number of tracked connections to include.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" backend' -l 'backend' -d 'The part of the kernel with the rules: legacy (ip_tables, of iptables-legacy), nft (nf_tables, of iptables-nft), or auto: the one that holds rules. If both hold rules, or rules stand where neither reads them, auto refuses and names them.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule snapshot" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule doctor" format' -l 'format' -d 'The output format.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule doctor" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule doctor" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" time' -l 'time' -d 'The duration of the run, for all families together.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" count' -l 'count' -d 'The maximum number of scenarios for each family.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" seed' -l 'seed' -d 'The seed of the random number generator. By default the current time in seconds; the report shows it.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" backend' -l 'backend' -d 'The part of the kernel that holds the rules: legacy (ip_tables), nft (nf_tables, in the encoding of iptables-nft), or auto: what `backend:\' of a test\'s host says, and legacy by default.' -rfka 'auto legacy nft'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" first' -l 'first' -d 'The number of the first scenario, to continue where another run with the same seed ended.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" output' -l 'output' -d 'Append the scenarios with differing results to this file, one JSON object per line.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" draw' -l 'draw' -d 'Print the generated scenarios as JSON lines and do not run them.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" format' -l 'format' -d 'The format of the report.' -rfka 'text json'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule fuzz" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" 4 ipv4' -s '4' -l 'ipv4' -d 'Read the rules as IPv4 (iptables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" 6 ipv6' -s '6' -l 'ipv6' -d 'Read the rules as IPv6 (ip6tables), regardless of the file\'s header and name.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp"' -l 'select' -d 'Report only findings of these checks: codes, beginnings of codes such as FE07, ids, or groups such as safety, separated by commas.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp"' -l 'ignore' -d 'Do not report findings of these checks.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" fail-on' -l 'fail-on' -d 'The least severity with which the exit status is 1: error, warning, note or never.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" config' -l 'config' -d 'The policy; by default the file .ferrule.yml in the folder of each ruleset or the nearest one above it that has it.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" no-config' -l 'no-config' -d 'Read no .ferrule.yml.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" baseline' -l 'baseline' -d 'Do not report the findings in this file, which --write-baseline has written.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" target' -l 'target' -d 'The distribution for which the rulesets are meant: debian10, debian11, debian12, debian13, ubuntu20.04, ubuntu22.04, ubuntu24.04, el7, el8, el9, el10.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" tool' -l 'tool' -d 'The version of iptables for which the rulesets are meant, such as 1.8.11.' -rfka ''
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" host' -l 'host' -d 'A snapshot or the description of a host, whose interfaces and sets completion offers.' -rF
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" version' -l 'version' -d 'Show the version.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule lsp" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ferrule' -n '__ferrule_should_offer_completions_for_flags_or_options "ferrule help" version' -l 'version' -d 'Show the version.'
