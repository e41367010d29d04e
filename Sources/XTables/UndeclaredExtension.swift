import Diagnostics
import Wire

extension ExtensionDescriptor {
  /// Where what is known of an extension comes from.
  public enum Origin: Sendable {
    /// A file here says all about it.
    case declared
    /// Another program reads and prints it; what it means is not known.
    case foreign(any ForeignExtension)
    /// Nothing is known but its bytes.
    ///
    /// - Parameter isNameKnown: other revisions of it can be read.
    case unknown(isNameKnown: Bool)
  }

  /// Nothing is known of what the extension means.
  public var isMeaningUnknown: Bool { if case .declared = origin { false } else { true } }

  /// Only the bytes are known.
  public var isUnknown: Bool { if case .unknown = origin { true } else { false } }

  /// Whether two descriptors that were made apart describe the same structure.
  func describesSame(as other: ExtensionDescriptor) -> Bool {
    isMeaningUnknown && other.isMeaningUnknown && kind == other.kind && kernelName == other.kernelName
      && revision == other.revision && size == other.size
  }

  /// A match or target that another program reads and prints.
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
          "foreign-address", "\(known.name): its structure points into the memory of the program that read its options",
          hint: "only iptables itself, which reads and commits in one process, can put the rule into the kernel",
          legacyStatus: .otherProblem)
      },
      claims: { _ in true },
      save: { payload, _, text in
        let printed = foreign.text(of: payload, protocolNumber: text.protocolNumber, .saved)
        // A target without a printer has nothing to say or says it in its bytes; a match without one is saved by its name alone.
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
      start: { _, _, _ in }, services: { _ in [] }, objects: { _ in [] },
      effects: { _, _ in [.anything] }, scope: { _ in .anywhere })
  }

  /// A match or target of which a rule holds the bytes, and nothing more is known.
  ///
  /// - Parameters:
  ///   - size: bytes of the structure.
  ///   - isNameKnown: other revisions of it can be read.
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
      start: { _, _, _ in }, services: { _ in [] }, objects: { _ in [] },
      effects: { _, _ in [.anything] }, scope: { _ in .anywhere })
  }

  /// The name to be written behind `-m` or `-j` for a structure.
  public func savedName(_ payload: [UInt8]) -> String {
    guard case .foreign(let foreign) = origin else { return name }
    return foreign.text(of: payload, protocolNumber: 0, .saved)?.name ?? name
  }
}

extension ExtensionDescriptor.Behaviour {
  static func unknown(_ kind: ExtensionDescriptor.Kind, _ name: String) -> ExtensionDescriptor.Behaviour {
    let reason = UnknownReason(
      "\(kind == .match ? "-m" : "-j") \(name)", needs: "what it means is known to the kernel's module only")
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
        Option<[UInt8]>(
          "--" + option.name, arity: option.arity, placeholder: option.arity > 0 ? "value" : option.mayHaveArgument ? "[value]" : "",
          grammar: "", samples: [], invertible: true,
          OptionUse(repeatable: true, mayHaveArgument: option.mayHaveArgument), read: { _, _ in }, write: { _, _ in }))
    }
    self.init(
      name: known.name, kernelName: known.kernelName, families: known.family == .ipv4 ? .ipv4 : .ipv6,
      summary: "an extension of libxtables that Ferrule does not know: what it means is unknown", helpNotes: { foreign.help },
      options: options, layout: LayoutDescriptor(opaque: known.revision, size: known.size, userSize: known.userSize))
  }

  init(unknown name: String, revision: UInt8, size: Int) {
    self.init(
      name: name, kernelName: name, families: .both, summary: "an extension that nothing here can read", helpNotes: { "" },
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
    self.helpNotes = helpNotes
    self.options = options
    layouts = [layout]
    examples = []
    // Nothing yet: the structure begins with the first option, or with their end.
    template = []
  }
}

extension LayoutDescriptor {
  /// A structure whose fields are not known.
  init(opaque revision: UInt8, size: Int, userSize: Int) {
    self.revision = revision
    self.size = size
    self.userSize = userSize
    upgrade = { $0 }
    downgrade = { $0 }
  }
}
