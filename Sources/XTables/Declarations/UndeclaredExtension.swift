import Diagnostics
import Wire

extension ExtensionDescriptor {
  /// Where the knowledge of an extension comes from.
  public enum Origin: Sendable {
    /// The extension is declared in Swift.
    case declared
    /// Another program parses and prints the extension. Its meaning is unknown.
    case foreign(any ForeignExtension)
    /// Only the bytes are known.
    ///
    /// - Parameter isNameKnown: whether other revisions of the extension can be decoded.
    case unknown(isNameKnown: Bool)
    /// Only the words of the rule are known, because nothing here can read them.
    case unread
  }

  /// Whether the meaning of the extension is unknown.
  public var isMeaningUnknown: Bool { if case .declared = origin { false } else { true } }

  /// Whether only the bytes are known.
  public var isUnknown: Bool { if case .unknown = origin { true } else { false } }

  /// Whether two separately made descriptors describe the same structure.
  func describesSame(as other: ExtensionDescriptor) -> Bool {
    isMeaningUnknown && other.isMeaningUnknown && kind == other.kind && kernelName == other.kernelName
      && revision == other.revision && size == other.size
  }

  /// Creates the descriptor of a match or target that another program parses and prints.
  public convenience init(foreign: any ForeignExtension) {
    let known = foreign.facts
    self.init(
      facts: Facts(foreign), kind: known.kind, behaviour: .unknown(known.kind, known.name), origin: .foreign(foreign),
      apply: { _, _, _ in },
      finish: { payload, _, _ throws(OptionError) in
        let made = try foreign.finish(payload)
        payload = made.structure + (made.holdsAddress ? [1] : [])
      },
      check: { payload, _ throws(OptionError) in
        guard payload.count > known.size else { return }
        throw OptionError(
          "foreign-address", "\(known.name): its structure contains an address in the memory of the program that read its options",
          hint: "load the rule with iptables: it reads and commits in one process",
          legacyStatus: .otherProblem)
      },
      claims: { _ in true },
      save: { payload, _, text in
        let printed = foreign.text(of: payload, protocolNumber: text.protocolNumber, .saved)
        // A target without a printer has no options, or they are in its bytes. A match without a printer is saved by its name only.
        if let printed, printed.bytes != nil || known.kind == .match || known.size == 0 {
          text.glue(bytes: printed.bytes ?? [])
        } else {
          StructureBytes.write(payload.prefix(known.size), revision: known.revision, to: &text)
        }
      },
      list: { payload, _, numeric, text in
        let printed = foreign.text(
          of: payload, protocolNumber: text.protocolNumber, numeric ? .listedNumerically : .listed)
        text.glue(bytes: printed?.bytes ?? (known.kind == .match ? Array("\(known.name) ".utf8) : []))
      },
      start: nil, services: { _ in [] }, objects: { _ in [] },
      effects: { _, _ in [.anything] }, scope: { _ in .anywhere })
  }

  /// Creates the descriptor of a match or target of which only the bytes are known.
  ///
  /// - Parameters:
  ///   - size: the size of the structure in bytes.
  ///   - isNameKnown: whether other revisions of the extension can be decoded.
  public convenience init(
    unknown kind: Kind, named name: String, revision: UInt8, size: Int, isNameKnown: Bool = false
  ) {
    self.init(
      facts: Facts(unknown: name, revision: revision, size: size), kind: kind, behaviour: .unknown(kind, name),
      origin: .unknown(isNameKnown: isNameKnown), apply: { _, _, _ in }, finish: { _, _, _ in }, check: { _, _ in },
      claims: { _ in true },
      save: { payload, _, text in StructureBytes.write(payload.prefix(size), revision: revision, to: &text) },
      list: { _, _, _, text in
        switch (kind, isNameKnown) {
        case (.match, true): text.glue("\(name) [unsupported revision] ")
        case (.match, false): text.glue("UNKNOWN match `\(name)' ")
        case (.target, true): text.glue(" \(name) [unsupported revision]")
        case (.target, false): text.glue(size == 0 ? "" : "[\(size) bytes of unknown target data] ")
        }
      },
      start: nil, services: { _ in [] }, objects: { _ in [] },
      effects: { _, _ in [.anything] }, scope: { _ in .anywhere })
  }

  /// Creates the descriptor of a part of a rule of nf_tables, which has no options and no structure.
  convenience init(native kind: Kind, _ behaviour: Behaviour, _ services: KernelServices) {
    self.init(
      facts: Facts(unknown: "nft", revision: 0, size: 0), kind: kind, behaviour: behaviour, origin: .declared, apply: { _, _, _ in },
      finish: { _, _, _ in }, check: { _, _ in }, claims: { _ in true }, save: { _, _, _ in }, list: { _, _, _, _ in }, start: nil,
      services: { _ in services }, objects: { _ in [] }, effects: { _, _ in [.anything] }, scope: { _ in .anywhere })
  }

  /// The name after `-m` or `-j` with which a structure is saved.
  public func savedName(_ payload: [UInt8]) -> String {
    guard case .foreign(let foreign) = origin else { return name }
    return foreign.text(of: payload, protocolNumber: 0, .saved)?.name ?? name
  }
}

extension ExtensionDescriptor.Behaviour {
  static func unknown(_ kind: ExtensionDescriptor.Kind, _ name: String) -> ExtensionDescriptor.Behaviour {
    unknown(
      kind,
      UnknownReason("\(kind == .match ? "-m" : "-j") \(name)", needs: "its meaning, which only the kernel module knows"))
  }

  static func unknown(_ kind: ExtensionDescriptor.Kind, _ reason: UnknownReason) -> ExtensionDescriptor.Behaviour {
    switch kind {
    case .match: return .match(MatchBehaviour(condition: { _, _ in .opaque }, evaluate: { _ in { _ in .unknown(reason) } }))
    case .target: return .target(TargetBehaviour(ending: .sometimes, action: { _ in { _ in .unknown(reason) } }))
    }
  }
}

extension Facts {
  init(_ foreign: any ForeignExtension) {
    let known = foreign.facts
    let options = known.options.map { option in
      OptionDescriptor(
        "--" + option.name, arity: option.arity, placeholder: option.arity > 0 ? "value" : option.mayHaveArgument ? "[value]" : "",
        grammar: "", samples: [], nearMisses: [], isInvertible: true,
        OptionUse(repeatable: true, mayHaveArgument: option.mayHaveArgument), "")
    }
    self.init(
      name: known.name, kernelName: known.kernelName, families: known.family == .ipv4 ? .ipv4 : .ipv6,
      summary: "an extension of libxtables whose meaning Ferrule does not know", helpNotes: { foreign.help },
      options: options, layout: LayoutDescriptor(opaque: known.revision, size: known.size, userSize: known.userSize))
  }

  init(unknown name: String, revision: UInt8, size: Int) {
    self.init(
      name: name, kernelName: name, families: .both, summary: "an extension that neither Ferrule nor libxtables can read",
      helpNotes: { "" },
      options: [], layout: LayoutDescriptor(opaque: revision, size: size, userSize: size))
  }

  private init(
    name: String, kernelName: String, families: Families, summary: String, helpNotes: @escaping @Sendable () -> String,
    options: [OptionDescriptor], layout: LayoutDescriptor
  ) {
    self.name = name
    self.kernelName = kernelName
    aliases = []
    self.families = families
    self.summary = summary
    traits = []
    needs = []
    self.helpNotes = helpNotes
    self.options = options
    layouts = [layout]
    examples = []
    native = nil
    nativeFields = [:]
    // Empty until the first option, or the end of the options, makes the structure.
    template = []
  }
}

extension LayoutDescriptor {
  /// Creates the layout of a structure whose fields are unknown.
  init(opaque revision: UInt8, size: Int, userSize: Int) {
    self.revision = revision
    self.size = size
    self.userSize = userSize
    upgrade = { $0 }
    downgrade = { $0 }
  }
}
