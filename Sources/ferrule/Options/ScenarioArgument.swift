/// `apply --test` with a value.
///
/// `--test` alone only checks the file, as it does for iptables-restore. With a scenario file after it, as in `--test scenario.yaml` or
/// `--test=FILE`, it is `--tests`: the tests of that file must pass before the rules are loaded. A ruleset has never the end of a YAML
/// file; if one has, its tests are not found, and nothing is loaded.
enum ScenarioArgument {
  /// The arguments of the command with `--tests` in place of a `--test` that has a value.
  static func resolved(_ arguments: [String]) -> [String] {
    guard arguments.first == "apply" else { return arguments }
    var resolved: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--" { return resolved + [word] + rest }
      if word == "--test", let next = rest.first, next.hasSuffix(".yaml") || next.hasSuffix(".yml") {
        resolved.append("--tests")
      } else if word.hasPrefix("--test=") {
        resolved += ["--tests", String(word.dropFirst("--test=".count))]
      } else {
        resolved.append(word)
      }
    }
    return resolved
  }
}
