internal import Compiler
internal import Wire
internal import XTables

/// The ipsets in the record of a change, as text: those that it changes, and the numbers of all that were loaded, because rules in the
/// kernel's form name sets by their numbers.
package struct ChangedSets: Sendable, Equatable {
  /// One set before and after the change: ``SetChange/Step``.
  struct Step: Sendable, Equatable {
    let name: String
    let temporary: String
    /// The output of `ipset save`; empty if there is no set.
    let before, after: String
  }

  let steps: [Step]
  /// The names of the loaded sets by their numbers.
  let names: [UInt16: String]

  package init() { (steps, names) = ([], [:]) }

  /// The sets of a change, with the numbers that the loaded sets have now.
  init(_ change: SetChange?) {
    steps = (change?.steps ?? []).map {
      Step(name: $0.name, temporary: $0.temporary ?? "", before: $0.before?.saved() ?? "", after: $0.after?.saved() ?? "")
    }
    names = KernelSets.numbers()
  }

  /// The change of the sets.
  ///
  /// - Throws: `KernelError` if a text cannot be read.
  func change(in state: StateDirectory?) throws(KernelError) -> SetChange {
    var read: [SetChange.Step] = []
    for step in steps {
      let (before, after) = (try Self.set(step.before, step.name), try Self.set(step.after, step.name))
      read.append(SetChange.Step(name: step.name, before: before, after: after, temporary: step.temporary.isEmpty ? nil : step.temporary))
    }
    return SetChange(steps: read, in: state)
  }

  private static func set(_ text: String, _ name: String) throws(KernelError) -> AddressSet? {
    if text.isEmpty { return nil }
    do throws(AddressSetError) {
      if let set = try AddressSets(saved: text, isWhole: false)[name] { return set }
    } catch {
      throw KernelError(.malformed("the record of the set \(name) cannot be read: \(error)"))
    }
    throw KernelError(.malformed("the record of the set \(name) has another set"))
  }

  // MARK: Bytes

  /// Nothing if there are no sets; otherwise the numbers of steps and of names, the steps, and the names.
  var bytes: [UInt8] {
    guard !steps.isEmpty || !names.isEmpty else { return [] }
    var bytes: [UInt8] = []
    func add(_ text: String) {
      let text = Array(text.utf8)
      bytes.appendHostWord(UInt32(text.count))
      bytes += text
    }
    bytes.appendHostWord(UInt32(steps.count))
    bytes.appendHostWord(UInt32(names.count))
    for step in steps { for text in [step.name, step.temporary, step.before, step.after] { add(text) } }
    for (number, name) in names.sorted(by: { $0.key < $1.key }) {
      bytes.appendHostWord(UInt32(number))
      add(name)
    }
    return bytes
  }

  /// Reads the end of a record; nil if it is not whole. Nothing in it is trusted.
  init?(_ rest: ArraySlice<UInt8>) {
    var reader = Reader(bytes: Array(rest))
    var (steps, names): ([Step], [UInt16: String]) = ([], [:])
    if !rest.isEmpty {
      guard let stepCount = reader.number(), let nameCount = reader.number() else { return nil }
      for _ in 0..<stepCount {
        guard let name = reader.text(), let temporary = reader.text(), let before = reader.text(), let after = reader.text() else {
          return nil
        }
        steps.append(Step(name: name, temporary: temporary, before: before, after: after))
      }
      for _ in 0..<nameCount {
        guard let number = reader.number().flatMap({ UInt16(exactly: $0) }), let name = reader.text() else { return nil }
        names[number] = name
      }
    }
    guard reader.at == rest.count else { return nil }
    (self.steps, self.names) = (steps, names)
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    mutating func number() -> Int? {
      guard let word = bytes.hostWord(UInt32.self, at: at) else { return nil }
      at += 4
      return Int(word)
    }

    mutating func text() -> String? {
      guard let length = number(), length <= bytes.count - at else { return nil }
      defer { at += length }
      return String(validating: bytes[at..<at + length], as: UTF8.self)
    }
  }
}

extension ChangeRecord {
  /// The tables and the sets, each as in `IPv6 nat` or `set blocked`.
  var labels: [String] { steps.map(\.before.label) + sets.steps.map { "set \($0.name)" } }

  /// The steps with the numbers that the sets of their rules have now.
  ///
  /// - Parameter registry: decodes the rules.
  /// - Throws: `KernelError` if a set that a rule names is gone.
  func rebound(_ registry: Registry) throws(KernelError) -> [Step] {
    let numbers = Dictionary(KernelSets.numbers().map { ($1, $0) }) { first, _ in first }
    let moved = sets.names.filter { numbers[$1] != $0 }
    guard !moved.isEmpty else { return steps }
    var rebound: [Step] = []
    for step in steps {
      var table = try step.before.typed(registry)
      var (isChanged, gone): (Bool, String?) = (false, nil)
      for index in table.chains.indices {
        table.update(at: index) { chain in
          for place in chain.rules.indices {
            chain.rules[place] = chain.rules[place].rebound { number in
              guard let name = moved[number] else { return number }
              isChanged = true
              guard let now = numbers[name] else {
                gone = name
                return number
              }
              return now
            }
          }
        }
      }
      if let gone {
        throw KernelError(
          .malformed("the rules before the change name the set \(gone), which is gone: create it first"), family: step.before.family,
          table: step.before.name.rawValue)
      }
      let before = isChanged ? TableCompiler().compile(table) : step.before
      rebound.append(Step(before: before, after: step.after, origins: step.origins, existed: step.existed))
    }
    return rebound
  }
}
