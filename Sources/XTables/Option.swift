/// Where an option keeps whether it was inverted.
public struct Inversion<Info>: Sendable {
  @usableFromInline let get: @Sendable (Info) -> Bool
  @usableFromInline let set: @Sendable (inout Info, Bool) -> Void

  public init(get: @escaping @Sendable (Info) -> Bool, set: @escaping @Sendable (inout Info, Bool) -> Void) {
    self.get = get
    self.set = set
  }

  /// A field that is one where inverted and zero where not.
  @inlinable
  public static func flag<Word: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<Info, Word> & Sendable
  ) -> Inversion {
    let field = FieldPath(path)
    return Inversion(get: { field[$0] != 0 }, set: { field.set($1 ? 1 : 0, in: &$0) })
  }

  /// Bits in a word of flags.
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

/// Where an option keeps whether it was given at all.
public struct Presence<Info>: Sendable {
  @usableFromInline let get: @Sendable (Info) -> Bool
  @usableFromInline let set: @Sendable (inout Info) -> Void
  /// The option is not printed although a rule read without it is another one.
  @usableFromInline let isLost: @Sendable (Info) -> Bool

  public init(
    get: @escaping @Sendable (Info) -> Bool, set: @escaping @Sendable (inout Info) -> Void,
    isLost: @escaping @Sendable (Info) -> Bool = { _ in false }
  ) {
    self.get = get
    self.set = set
    self.isLost = isLost
  }

  /// Printed whether it was given or not: the structure has no room to tell.
  public static var always: Presence { Presence(get: { _ in true }, set: { _ in }) }

  /// Never printed: another option prints what this one sets.
  public static var never: Presence { Presence(get: { _ in false }, set: { _ in }) }

  @inlinable
  public static func bits<Word: FixedWidthInteger & Sendable>(
    _ path: any WritableKeyPath<Info, Word> & Sendable, _ mask: Word
  ) -> Presence {
    let field = FieldPath(path)
    return Presence(get: { field[$0] & mask == mask }, set: { field.set(field[$0] | mask, in: &$0) })
  }

  /// Printed where the value is not the one the template has.
  ///
  /// - Parameter isLost: the option is left out there although it is needed.
  public static func when(
    _ test: @escaping @Sendable (Info) -> Bool, isLost: @escaping @Sendable (Info) -> Bool = { _ in false }
  ) -> Presence {
    Presence(get: test, set: { _ in }, isLost: isLost)
  }
}

/// The rules about using an option together with others.
public struct OptionUse: Sendable {
  public var repeatable = false
  public var mandatory = false
  public var excludes: [String] = []
  public var requires: [String] = []
  public var aliases: [String] = []
  public var short: Character?
  /// An argument may follow, which begins with neither `-` nor `!`.
  public var mayHaveArgument = false

  public init(
    repeatable: Bool = false, mandatory: Bool = false, excludes: [String] = [], requires: [String] = [],
    aliases: [String] = [], short: Character? = nil, mayHaveArgument: Bool = false
  ) {
    self.repeatable = repeatable
    self.mandatory = mandatory
    self.excludes = excludes
    self.requires = requires
    self.aliases = aliases
    self.short = short
    self.mayHaveArgument = mayHaveArgument
  }

  public static let plain = OptionUse()
  public static let mandatory = OptionUse(mandatory: true)
}

/// One option of an extension, declared once: it parses, prints, documents, completes and feeds the grammar.
///
/// The corresponding C structure is `xt_option_entry`.
public struct Option<Info: Sendable>: Sendable {
  public let name: String
  /// The one-letter form, where there is one.
  public let short: Character?
  /// How many arguments follow: 0, 1 or 2.
  public let arity: Int
  /// One argument may follow where `arity` says none must.
  public let mayHaveArgument: Bool
  public let placeholder: String
  public let grammar: String
  public let samples: [String]
  public let nearMisses: [String]
  public let isInvertible: Bool
  public let isRepeatable: Bool
  public let isMandatory: Bool
  public let excludes: [String]
  public let requires: [String]
  /// Other names under which getopt finds the same option.
  public let aliases: [String]
  public let summary: String
  @usableFromInline let read: @Sendable (inout Info, OptionArguments) throws(OptionError) -> Void
  @usableFromInline let write: @Sendable (Info, inout RuleText) -> Void

  /// An option whose argument is one value kept in one field.
  @inlinable
  public init<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<Info, Value> & Sendable,
    invert: Inversion<Info>? = nil, present: Presence<Info> = .always, _ use: OptionUse = .plain, _ summary: String = ""
  ) {
    let field = FieldPath(path)
    self.init(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: invert != nil, use, summary,
      read: { info, arguments throws(OptionError) in
        field.set(try syntax.parse(arguments.token, arguments), in: &info)
        present.set(&info)
        invert?.set(&info, arguments.inverted)
      },
      write: { info, text in
        let isInverted = invert?.get(info) ?? false
        // iptables-save leaves out a full range even where it is inverted, so that nothing becomes everything.
        guard present.get(info) || text.isReloadable && (isInverted || present.isLost(info)) else { return }
        text.option(name, inverted: isInverted)
        syntax.print(field[info], &text)
      })
  }

  /// An option without an argument: a switch.
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

  /// An option that fits no common shape; it says itself how it is read and written.
  public init(
    _ name: String, arity: Int, placeholder: String, grammar: String, samples: [String], nearMisses: [String] = [],
    invertible: Bool = false, _ use: OptionUse = .plain, _ summary: String = "",
    read: @escaping @Sendable (inout Info, OptionArguments) throws(OptionError) -> Void,
    write: @escaping @Sendable (Info, inout RuleText) -> Void
  ) {
    self.name = name
    short = use.short
    self.arity = arity
    mayHaveArgument = use.mayHaveArgument
    self.placeholder = placeholder
    self.grammar = grammar
    self.samples = samples
    self.nearMisses = nearMisses
    isInvertible = invertible
    isRepeatable = use.repeatable
    isMandatory = use.mandatory
    excludes = use.excludes
    requires = use.requires
    aliases = use.aliases
    self.summary = summary
    self.read = read
    self.write = write
  }
}
