/// The place in a structure that stores whether an option was inverted.
public struct Inversion<Info>: Sendable {
  @usableFromInline let get: @Sendable (Info) -> Bool
  @usableFromInline let set: @Sendable (inout Info, Bool) -> Void

  /// Creates an inversion from a getter and a setter.
  public init(get: @escaping @Sendable (Info) -> Bool, set: @escaping @Sendable (inout Info, Bool) -> Void) {
    self.get = get
    self.set = set
  }

  /// A field that is 1 if inverted and 0 if not.
  @inlinable
  public static func flag<Word: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<Info, Word> & Sendable
  ) -> Inversion {
    let field = FieldPath(path)
    return Inversion(get: { field[$0] != 0 }, set: { field.set($1 ? 1 : 0, in: &$0) })
  }

  /// Bits in a word of flags, set if inverted.
  @inlinable
  public static func bits<Word: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<Info, Word> & Sendable, _ mask: Word
  ) -> Inversion {
    let field = FieldPath(path)
    return Inversion(
      get: { field[$0] & mask != 0 },
      set: { info, inverted in field.set(inverted ? field[info] | mask : field[info] & ~mask, in: &info) })
  }
}

/// The place in a structure that stores whether an option was given.
public struct Presence<Info>: Sendable {
  @usableFromInline let get: @Sendable (Info) -> Bool
  @usableFromInline let set: @Sendable (inout Info) -> Void
  /// Whether the option is not printed although a rule without it is a different rule.
  @usableFromInline let isLost: @Sendable (Info) -> Bool

  /// Creates a presence from a getter and a setter.
  ///
  /// - Parameter isLost: whether the option is not printed although a rule without it is a different rule.
  public init(
    get: @escaping @Sendable (Info) -> Bool, set: @escaping @Sendable (inout Info) -> Void,
    isLost: @escaping @Sendable (Info) -> Bool = { _ in false }
  ) {
    self.get = get
    self.set = set
    self.isLost = isLost
  }

  /// Always printed, because the structure cannot store whether the option was given.
  public static var always: Presence { Presence(get: { _ in true }, set: { _ in }) }

  /// Never printed, because another option prints the value.
  public static var never: Presence { Presence(get: { _ in false }, set: { _ in }) }

  /// Bits in a word of flags, all set if the option was given.
  @inlinable
  public static func bits<Word: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<Info, Word> & Sendable, _ mask: Word
  ) -> Presence {
    let field = FieldPath(path)
    return Presence(get: { field[$0] & mask == mask }, set: { field.set(field[$0] | mask, in: &$0) })
  }

  /// Printed if a test holds, usually if the value differs from the initial one.
  ///
  /// - Parameter isLost: whether the option is not printed although a rule without it is a different rule.
  public static func when(
    _ test: @escaping @Sendable (Info) -> Bool, isLost: @escaping @Sendable (Info) -> Bool = { _ in false }
  ) -> Presence {
    Presence(get: test, set: { _ in }, isLost: isLost)
  }
}

/// How an option may be combined with others.
public struct OptionUse: Sendable {
  /// Whether the option may be given more than once.
  public var repeatable = false
  /// Whether a rule must give the option.
  public var mandatory = false
  /// The names of options that must not be given together with this one.
  public var excludes: [String] = []
  /// The names of options that must be given together with this one.
  public var requires: [String] = []
  /// Further long names of the same option.
  public var aliases: [String] = []
  /// The letter of the short form; nil if there is none.
  public var short: Character?
  /// Whether an optional argument may follow. It must not begin with `-` or `!`.
  public var mayHaveArgument = false
  /// What the argument is; nil if no program outside the language needs to know.
  public var content: OptionContent?
  /// The greatest number of an argument `LOW:HIGH`; nil for other arguments. A value syntax of a range sets it.
  public var greatest: UInt64?
  /// Whether the argument changes nothing but its field: neither the extension's ``Extension/finish(_:seen:_:)`` nor its
  /// ``Extension/check(_:_:)`` depends on it.
  public var isIndependent = false

  /// Creates the use of an option; by default it is optional, may be given once, and combines with all others.
  public init(
    repeatable: Bool = false, mandatory: Bool = false, excludes: [String] = [], requires: [String] = [],
    aliases: [String] = [], short: Character? = nil, mayHaveArgument: Bool = false, content: OptionContent? = nil,
    greatest: UInt64? = nil, independent: Bool = false
  ) {
    self.repeatable = repeatable
    self.mandatory = mandatory
    self.excludes = excludes
    self.requires = requires
    self.aliases = aliases
    self.short = short
    self.mayHaveArgument = mayHaveArgument
    self.content = content
    self.greatest = greatest
    isIndependent = independent
  }

  /// An optional option that may be given once and combines with all others.
  public static let plain = OptionUse()
  /// An option that a rule must give.
  public static let mandatory = OptionUse(mandatory: true)
}

/// The declaration of one option of an extension, from which parser, printer, documentation, completion and grammar are made.
///
/// The corresponding C structure is `xt_option_entry`.
public struct Option<Info: Sendable>: Sendable {
  /// The name, the argument's shape and the rules of use, which do not depend on the structure.
  public let descriptor: OptionDescriptor
  @usableFromInline let read: @Sendable (inout Info, OptionArguments) throws(OptionError) -> Void
  @usableFromInline let write: @Sendable (Info, inout RuleText) -> Void

  /// An option with one argument, whose value is stored in one field.
  @inlinable
  public init<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<Info, Value> & Sendable,
    invert: Inversion<Info>? = nil, present: Presence<Info> = .always, _ use: OptionUse = .plain, _ summary: String = ""
  ) {
    let field = FieldPath(path)
    var use = use
    use.greatest = use.greatest ?? syntax.greatest
    self.init(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: invert != nil, use,
      plain: use.isIndependent ? PlainField(syntax.plain, offset: field.offset) : nil, summary,
      read: { info, arguments throws(OptionError) in
        field.set(try syntax.parse(arguments.token, arguments), in: &info)
        present.set(&info)
        invert?.set(&info, arguments.inverted)
      },
      write: { info, text in
        let isInverted = invert?.get(info) ?? false
        // iptables-save leaves out a complete range even if it is inverted, so that a rule that matches nothing becomes one that
        // matches everything.
        guard present.get(info) || text.isReloadable && (isInverted || present.isLost(info)) else { return }
        text.option(name, inverted: isInverted)
        syntax.print(field[info], &text)
      })
  }

  /// An option without an argument.
  @inlinable
  public init(
    flag name: String, present: Presence<Info>, invert: Inversion<Info>? = nil, _ use: OptionUse = .plain,
    _ summary: String = ""
  ) {
    self.init(
      name, arity: 0, placeholder: "", grammar: "", samples: [""], invertible: invert != nil, use, summary,
      read: { info, arguments in
        present.set(&info)
        invert?.set(&info, arguments.inverted)
      },
      write: { info, text in
        if present.get(info) { text.option(name, inverted: invert?.get(info) ?? false) }
      })
  }

  /// An option of any other shape, with its own functions for reading and printing.
  public init(
    _ name: String, arity: Int, placeholder: String, grammar: String, samples: [String], nearMisses: [String] = [],
    invertible: Bool = false, _ use: OptionUse = .plain, plain: PlainField? = nil, _ summary: String = "",
    read: @escaping @Sendable (inout Info, OptionArguments) throws(OptionError) -> Void,
    write: @escaping @Sendable (Info, inout RuleText) -> Void
  ) {
    descriptor = OptionDescriptor(
      name, arity: arity, placeholder: placeholder, grammar: grammar, samples: samples, nearMisses: nearMisses, isInvertible: invertible,
      use, plain: plain, summary)
    self.read = read
    self.write = write
  }
}
