import Wire
public import XTables

/// Makes the completion of the iptables commands for bash (and for zsh through `bashcompinit`) from a registry: the names of
/// tables, chains, matches and targets, and the options of the matches and targets in the line.
public struct ShellCompletion: Sendable {
  private let registry: Registry

  /// Creates a generator for the extensions of a registry.
  public init(registry: Registry) { self.registry = registry }

  private static let commands = [Family.ipv4, .ipv6].flatMap { family in ["", "-legacy"].map { family.command + $0 } }

  /// The options of the commands themselves.
  private static let general = [
    "--append", "--check", "--delete", "--insert", "--replace", "--list", "--list-rules", "--flush", "--zero", "--new-chain",
    "--delete-chain", "--rename-chain", "--policy", "--protocol", "--source", "--destination", "--in-interface", "--out-interface",
    "--jump", "--goto", "--match", "--numeric", "--verbose", "--wait", "--exact", "--line-numbers", "--set-counters", "--table",
    "--modprobe", "--fragments", "--ipv4", "--ipv6", "--help", "--version",
  ]

  private func names(_ kind: ExtensionDescriptor.Kind, _ family: Family) -> String {
    registry.names(kind, family).sorted().reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }.joined(separator: " ")
  }

  /// The lines of an associative array from the name of an extension to its options.
  private func options(_ kind: ExtensionDescriptor.Kind) -> String {
    var options: [String: Set<String>] = [:]
    for descriptor in registry.all where descriptor.kind == kind {
      for name in [descriptor.name] + descriptor.aliases {
        options[name, default: []].formUnion(descriptor.options.flatMap { [$0.name] + $0.aliases })
      }
    }
    return options.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { name, options in
      "  [\(name)]=\"\(options.sorted().joined(separator: " "))\"\n"
    }.joined()
  }

  /// The content of `Grammar/completions/iptables.bash`.
  public var bash: String {
    """
    # Completion of the iptables commands for bash; for zsh after `autoload -U bashcompinit && bashcompinit'.
    # Made from the extensions' tables by `make grammar'; do not edit.

    declare -gA _ferrule_match_options=(
    \(options(.match)))
    declare -gA _ferrule_target_options=(
    \(options(.target)))

    _ferrule_iptables() {
      local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= index
      local matches="\(names(.match, .ipv4))" targets="\(names(.target, .ipv4))"
      if [[ ${COMP_WORDS[0]##*/} == ip6tables* ]]; then
        matches="\(names(.match, .ipv6))"
        targets="\(names(.target, .ipv6))"
      fi
      case $previous in
      -m | --match) words=$matches ;;
      -j | --jump) words="\(StandardVerdict.allCases.map(\.rawValue).joined(separator: " ")) $targets" ;;
      -t | --table) words="\(TableName.allCases.map(\.rawValue).joined(separator: " "))" ;;
      -p | --protocol) words="\(BuiltinProtocol.names.map(\.name).joined(separator: " "))" ;;
      -P | --policy | -A | --append | -I | --insert | -D | --delete | -R | --replace | -C | --check | -L | --list | -S | --list-rules | -F | --flush | -Z | --zero)
        words="PREROUTING INPUT FORWARD OUTPUT POSTROUTING" ;;
      INPUT | FORWARD | OUTPUT)
        case ${COMP_WORDS[COMP_CWORD - 2]} in -P | --policy) words="ACCEPT DROP" ;; esac ;;
      esac
      if [[ -z $words && $current == -* ]]; then
        words="\(Self.general.joined(separator: " "))"
        for ((index = 1; index < COMP_CWORD; index++)); do
          case ${COMP_WORDS[index - 1]} in
          -m | --match | -p | --protocol) words+=" ${_ferrule_match_options[${COMP_WORDS[index]}]}" ;;
          -j | --jump) words+=" ${_ferrule_target_options[${COMP_WORDS[index]}]}" ;;
          esac
        done
      fi
      COMPREPLY=($(compgen -W "$words" -- "$current"))
    }

    complete -F _ferrule_iptables \(Self.commands.joined(separator: " "))

    """
  }
}
