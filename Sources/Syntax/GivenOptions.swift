import Diagnostics

/// The options of the rule itself that a line has given, and the place of each. An option is stored at most once.
///
/// The corresponding C variable is `options` of `do_parse`, a word of `OPT_*` bits.
struct GivenOptions {
  private var bits: UInt16 = 0
  private var ranges: InlineArray<11, SourceRange> = InlineArray(repeating: SourceRange(0..<0))

  /// Inlined, because otherwise all ranges are copied to read one.
  subscript(option: GlobalOption) -> SourceRange? {
    @inline(__always) get {
      guard let place = Self.place(of: option), bits & 1 << UInt16(place) != 0 else { return nil }
      return ranges[place]
    }
    @inline(__always) set {
      guard let place = Self.place(of: option), let newValue else { return }
      bits |= 1 << UInt16(place)
      ranges[place] = newValue
    }
  }

  /// The index of an option that may be given once; nil for all others.
  private static func place(of option: GlobalOption) -> Int? {
    switch option {
    case .source: 0
    case .destination: 1
    case .protocol: 2
    case .input: 3
    case .output: 4
    case .fragment: 5
    case .jump: 6
    case .counters: 7
    case .numeric: 8
    case .exact: 9
    case .lineNumbers: 10
    default: nil
    }
  }
}
