#!/bin/bash

__ferrule_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__ferrule_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__ferrule_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__ferrule_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_ferrule() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __ferrule_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    lint|exposure|audit|diff|query|run|explore|serve|show|fmt|compile|decompile|plan|apply|confirm|rollback|history|recover|drift|save|explain|lab|test|coverage|verify|snapshot|doctor|fuzz|lsp|help)
        # Offer subcommand argument completions
        "_ferrule_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'lint exposure audit diff query run explore serve show fmt compile decompile plan apply confirm rollback history recover drift save explain lab test coverage verify snapshot doctor fuzz lsp help' -- "${cur}"))
        ;;
    esac
}

_ferrule_lint() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --fix --unsafe-fixes --no-config --version -h --help)
    repeating_options=(--select --ignore)
    non_repeating_options=(--base --files-from --fail-on --config --baseline --target --tool --write-baseline --format --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    '--files-from')
        __ferrule_add_completions -f
        return
        ;;
    '--select')
        return
        ;;
    '--ignore')
        return
        ;;
    '--fail-on')
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--baseline')
        __ferrule_add_completions -f
        return
        ;;
    '--target')
        return
        ;;
    '--tool')
        return
        ;;
    '--write-baseline')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''jsonl'$'\n''github'$'\n''sarif'$'\n''junit'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_exposure() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --version -h --help)
    repeating_options=()
    non_repeating_options=(--host --listening --config --format --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--listening')
        __ferrule_add_completions -f
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''html'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_audit() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --version -h --help)
    repeating_options=()
    non_repeating_options=(--files-from --profile --show-profile --listening --host --config --format --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--files-from')
        __ferrule_add_completions -f
        return
        ;;
    '--profile')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--show-profile')
        return
        ;;
    '--listening')
        __ferrule_add_completions -f
        return
        ;;
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''jsonl'$'\n''sarif'$'\n''html'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_diff() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --equivalent --counters --version -h --help)
    repeating_options=(--allow-path)
    non_repeating_options=(--format --backend --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''jsonl'
        return
        ;;
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ferrule_add_completions -f
        return
        ;;
    2)
        __ferrule_add_completions -f
        return
        ;;
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_query() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --this-host --version -h --help)
    repeating_options=(--ip-route --ip-rule --ip-neigh --ss --sysctl --allow-path)
    non_repeating_options=(--base --host --ip-addr --timezone --backend --verdict --hook --from --to --format --color)
    __ferrule_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--ip-addr')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-route')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-rule')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-neigh')
        __ferrule_add_completions -f
        return
        ;;
    '--ss')
        __ferrule_add_completions -f
        return
        ;;
    '--sysctl')
        __ferrule_add_completions -f
        return
        ;;
    '--timezone')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--verdict')
        return
        ;;
    '--hook')
        return
        ;;
    '--from')
        return
        ;;
    '--to')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_run() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --this-host --compare --summary --all-outcomes --brief --conntrack --stack --version -h --help)
    repeating_options=(--ip-route --ip-rule --ip-neigh --ss --sysctl --allow-path --queue --also --each --packets --pcap --compare-with --why)
    non_repeating_options=(--base --host --ip-addr --timezone --backend --ipset --fingerprints --clock --tick-phase --seed --in --expect --jobs --conntrack-from --format --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--ip-addr')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-route')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-rule')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-neigh')
        __ferrule_add_completions -f
        return
        ;;
    '--ss')
        __ferrule_add_completions -f
        return
        ;;
    '--sysctl')
        __ferrule_add_completions -f
        return
        ;;
    '--timezone')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--ipset')
        __ferrule_add_completions -f
        return
        ;;
    '--fingerprints')
        __ferrule_add_completions -f
        return
        ;;
    '--clock')
        return
        ;;
    '--queue')
        return
        ;;
    '--tick-phase')
        return
        ;;
    '--seed')
        return
        ;;
    '--also')
        __ferrule_add_completions -f
        return
        ;;
    '--each')
        __ferrule_add_completions -f
        return
        ;;
    '--packets')
        __ferrule_add_completions -f
        return
        ;;
    '--pcap')
        __ferrule_add_completions -f
        return
        ;;
    '--in')
        return
        ;;
    '--expect')
        return
        ;;
    '--compare-with')
        __ferrule_add_completions -f
        return
        ;;
    '--why')
        return
        ;;
    '--jobs')
        return
        ;;
    '--conntrack-from')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''jsonl'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_explore() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --this-host --stack --no-config --version -h --help)
    repeating_options=(--ip-route --ip-rule --ip-neigh --ss --sysctl --allow-path --queue --before --packets --packet --select --ignore)
    non_repeating_options=(--base --host --ip-addr --timezone --backend --ipset --fingerprints --clock --tick-phase --seed --conntrack-from --fail-on --config --baseline --target --tool --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--ip-addr')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-route')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-rule')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-neigh')
        __ferrule_add_completions -f
        return
        ;;
    '--ss')
        __ferrule_add_completions -f
        return
        ;;
    '--sysctl')
        __ferrule_add_completions -f
        return
        ;;
    '--timezone')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--ipset')
        __ferrule_add_completions -f
        return
        ;;
    '--fingerprints')
        __ferrule_add_completions -f
        return
        ;;
    '--clock')
        return
        ;;
    '--queue')
        return
        ;;
    '--tick-phase')
        return
        ;;
    '--seed')
        return
        ;;
    '--before')
        __ferrule_add_completions -f
        return
        ;;
    '--packets')
        __ferrule_add_completions -f
        return
        ;;
    '--packet')
        return
        ;;
    '--conntrack-from')
        __ferrule_add_completions -f
        return
        ;;
    '--select')
        return
        ;;
    '--ignore')
        return
        ;;
    '--fail-on')
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--baseline')
        __ferrule_add_completions -f
        return
        ;;
    '--target')
        return
        ;;
    '--tool')
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_serve() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --this-host --stack --no-config --version -h --help)
    repeating_options=(--ip-route --ip-rule --ip-neigh --ss --sysctl --allow-path --queue --before --packets --packet --select --ignore)
    non_repeating_options=(--base --host --ip-addr --timezone --backend --ipset --fingerprints --clock --tick-phase --seed --conntrack-from --fail-on --config --baseline --target --tool --color --port)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    '--host')
        __ferrule_add_completions -o plusdirs -fX '!*.@(yaml|yml)'
        return
        ;;
    '--ip-addr')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-route')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-rule')
        __ferrule_add_completions -f
        return
        ;;
    '--ip-neigh')
        __ferrule_add_completions -f
        return
        ;;
    '--ss')
        __ferrule_add_completions -f
        return
        ;;
    '--sysctl')
        __ferrule_add_completions -f
        return
        ;;
    '--timezone')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--ipset')
        __ferrule_add_completions -f
        return
        ;;
    '--fingerprints')
        __ferrule_add_completions -f
        return
        ;;
    '--clock')
        return
        ;;
    '--queue')
        return
        ;;
    '--tick-phase')
        return
        ;;
    '--seed')
        return
        ;;
    '--before')
        __ferrule_add_completions -f
        return
        ;;
    '--packets')
        __ferrule_add_completions -f
        return
        ;;
    '--packet')
        return
        ;;
    '--conntrack-from')
        __ferrule_add_completions -f
        return
        ;;
    '--select')
        return
        ;;
    '--ignore')
        return
        ;;
    '--fail-on')
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--baseline')
        __ferrule_add_completions -f
        return
        ;;
    '--target')
        return
        ;;
    '--tool')
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--port')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_show() {
    repeating_flags=()
    non_repeating_flags=(--counters -4 --ipv4 -6 --ipv6 -n --noflush --version -h --help)
    repeating_options=()
    non_repeating_options=(--table -t --format --color --base)
    __ferrule_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--table'|'-t')
        __ferrule_add_completions -W 'raw'$'\n''mangle'$'\n''nat'$'\n''filter'$'\n''security'
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_fmt() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --write -w --check --version -h --help)
    repeating_options=()
    non_repeating_options=(--color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_compile() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 -n --noflush --version -h --help)
    repeating_options=()
    non_repeating_options=(--table -t --output -o --format --color --base)
    __ferrule_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--table'|'-t')
        __ferrule_add_completions -W 'raw'$'\n''mangle'$'\n''nat'$'\n''filter'$'\n''security'
        return
        ;;
    '--output'|'-o')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_decompile() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --counters --version -h --help)
    repeating_options=()
    non_repeating_options=(--format)
    __ferrule_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_plan() {
    repeating_flags=()
    non_repeating_flags=(--noflush -n --adopt-sets -4 --ipv4 -6 --ipv6 --version -h --help)
    repeating_options=(--from)
    non_repeating_options=(--output --format --backend --keep --owners --ipset --state-directory --wait -w --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--from')
        __ferrule_add_completions -f
        return
        ;;
    '--output')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--keep')
        return
        ;;
    '--owners')
        __ferrule_add_completions -f
        return
        ;;
    '--ipset')
        __ferrule_add_completions -f
        return
        ;;
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_apply() {
    repeating_flags=()
    non_repeating_flags=(--sandbox --counters --test --force --adopt-sets -4 --ipv4 -6 --ipv6 -n --noflush --version -h --help)
    repeating_options=(--probe --tests)
    non_repeating_options=(--confirm --check --keep --owners --ipset --state-directory --wait -w --backend --color --base)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--confirm')
        return
        ;;
    '--probe')
        return
        ;;
    '--tests')
        __ferrule_add_completions -f
        return
        ;;
    '--check')
        return
        ;;
    '--keep')
        return
        ;;
    '--owners')
        __ferrule_add_completions -f
        return
        ;;
    '--ipset')
        __ferrule_add_completions -f
        return
        ;;
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--base')
        __ferrule_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_confirm() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--state-directory --wait -w)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    esac
}

_ferrule_rollback() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--state-directory --wait -w)
    __ferrule_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    esac
}

_ferrule_history() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--format --state-directory --wait -w)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    esac
}

_ferrule_recover() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--state-directory --wait -w)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--state-directory')
        __ferrule_add_completions -d
        return
        ;;
    '--wait'|'-w')
        return
        ;;
    esac
}

_ferrule_drift() {
    repeating_flags=()
    non_repeating_flags=(--watch -4 --ipv4 -6 --ipv6 --version -h --help)
    repeating_options=()
    non_repeating_options=(--interval --metrics --format --backend --keep --owners --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--interval')
        return
        ;;
    '--metrics')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--keep')
        return
        ;;
    '--owners')
        __ferrule_add_completions -f
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_save() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --counters -c --mine --version -h --help)
    repeating_options=()
    non_repeating_options=(--table -t --backend --owners --format)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--table'|'-t')
        __ferrule_add_completions -W 'raw'$'\n''mangle'$'\n''nat'$'\n''filter'$'\n''security'
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--owners')
        __ferrule_add_completions -f
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    esac
}

_ferrule_explain() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --version -h --help)
    repeating_options=()
    non_repeating_options=(-m --match -j --jump --format)
    __ferrule_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '-m'|'--match')
        return
        ;;
    '-j'|'--jump')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    esac
}

_ferrule_lab() {
    repeating_flags=()
    non_repeating_flags=(--kernel --version -h --help)
    repeating_options=()
    non_repeating_options=(--backend)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    esac
}

_ferrule_test() {
    repeating_flags=()
    non_repeating_flags=(--verbose --update --watch --version -h --help)
    repeating_options=(--allow-path)
    non_repeating_options=(--only --format --jobs --pcapng --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--only')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''junit'$'\n''tap'$'\n''json'$'\n''jsonl'
        return
        ;;
    '--jobs')
        return
        ;;
    '--pcapng')
        __ferrule_add_completions -f
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_coverage() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(--allow-path)
    non_repeating_options=(--only --format --least --jobs --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--only')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'$'\n''lcov'$'\n''html'
        return
        ;;
    '--least')
        return
        ;;
    '--jobs')
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_verify() {
    repeating_flags=()
    non_repeating_flags=(--verbose --version -h --help)
    repeating_options=(--allow-path)
    non_repeating_options=(--only --format --patience --backend --color)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--allow-path')
        __ferrule_add_completions -d
        return
        ;;
    '--only')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''junit'$'\n''tap'$'\n''json'$'\n''jsonl'
        return
        ;;
    '--patience')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--color')
        __ferrule_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_snapshot() {
    repeating_flags=()
    non_repeating_flags=(--redact --version -h --help)
    repeating_options=()
    non_repeating_options=(--connections --backend)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--connections')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    esac
}

_ferrule_doctor() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--format)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    esac
}

_ferrule_fuzz() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --draw --version -h --help)
    repeating_options=()
    non_repeating_options=(--time --count --seed --backend --first --output --format)
    __ferrule_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--time')
        return
        ;;
    '--count')
        return
        ;;
    '--seed')
        return
        ;;
    '--backend')
        __ferrule_add_completions -W 'auto'$'\n''legacy'$'\n''nft'
        return
        ;;
    '--first')
        return
        ;;
    '--output')
        return
        ;;
    '--format')
        __ferrule_add_completions -W 'text'$'\n''json'
        return
        ;;
    esac
}

_ferrule_lsp() {
    repeating_flags=()
    non_repeating_flags=(-4 --ipv4 -6 --ipv6 --no-config --version -h --help)
    repeating_options=(--select --ignore)
    non_repeating_options=(--fail-on --config --baseline --target --tool --host)
    __ferrule_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--select')
        return
        ;;
    '--ignore')
        return
        ;;
    '--fail-on')
        return
        ;;
    '--config')
        __ferrule_add_completions -f
        return
        ;;
    '--baseline')
        __ferrule_add_completions -f
        return
        ;;
    '--target')
        return
        ;;
    '--tool')
        return
        ;;
    '--host')
        __ferrule_add_completions -f
        return
        ;;
    esac
}

_ferrule_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __ferrule_offer_flags_options -1
}

complete -o filenames -F _ferrule ferrule
