internal import Diagnostics

extension HostDiagnosis {
  /// The diagnosis for people, one fact a line. Names that come from the kernel are escaped.
  public var text: String {
    var lines: [String] = []
    func section(_ title: String, _ content: [String], empty: String) {
      lines.append(title)
      lines += (content.isEmpty ? [empty] : content).map { "  \(Escaping.line($0))" }
    }
    section(
      "Backends",
      backends.map { backend in
        let state = backend.isAvailable.map { $0 ? "available" : "not in this kernel" } ?? "not known"
        return "\(backend.name): \(state), \(Self.count(backend.rules, "rule"))\(backend.name == backendInUse ? ", in use: \(reason)" : "")"
      } + (backendInUse == nil ? ["none is used without --backend: \(reason)"] : []), empty: "none")
    section(
      "Tables",
      tables.map { table in
        let owners = table.owners.isEmpty ? "" : ", of \(table.owners.joined(separator: ", "))"
        let objects = table.objects > 0 ? ", \(Self.count(table.objects, "object"))" : ""
        return
          "\(table.holder) \(table.family) \(table.name): \(Self.count(table.rules, "rule"))\(objects)\(owners)\(table.isDormant ? ", dormant" : "")"
      }, empty: "none")
    section(
      "Chains in the order in which packets pass them",
      chains.map { chain in
        let effect =
          chain.isEvaluated
          ? "evaluated"
          : chain.may.isEmpty
            ? "cannot matter" : "may \(chain.may.joined(separator: " or ")), not \(chain.isPartlyEvaluated ? "wholly " : "")evaluated"
        return
          "\(chain.hook) \(chain.priority): \(chain.holder) \(chain.chain), type \(chain.type), policy \(chain.policy), \(Self.count(chain.rules, "rule")), \(effect)"
      }, empty: "none")
    section(
      "Commands", commands.map { "\($0.name): \($0.program.map { $0 } ?? "not installed")\($0.variant.map { " (\($0))" } ?? "")" },
      empty: "none")
    section("Settings", sysctls.map { "\($0.name) = \($0.value ?? "(not in this kernel)")" }, empty: "none")
    section("Extensions that the rules need", extensions.isEmpty ? [] : [extensions.joined(separator: ", ")], empty: "none")
    section("Answers about this machine are unreliable, because", problems, empty: "nothing was found that makes them so")
    section("Not looked at", unseen, empty: "nothing")
    return lines.map { $0 + "\n" }.joined()
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
