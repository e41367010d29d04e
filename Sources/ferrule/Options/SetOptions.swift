import ArgumentParser
import Changes
import Diagnostics
import Kernel
import SystemNames
import XTables

/// `--ipset` and `--adopt-sets` of commands that change the loaded rules.
struct SetOptions: ParsableArguments {
  @Option(
    help:
      "The IP sets that the rules need: a file with the output of `ipset save'. They change with the rules: missing sets are created, others get the elements of the file, and sets that an earlier file created and this one does not name are deleted.",
    completion: .file())
  var ipset: String?

  @Flag(help: "Let --ipset replace the elements of sets that another program created. Without it, such a set is refused if it differs.")
  var adoptSets = false

  /// The sets of the file; nil without --ipset.
  func sets() throws -> AddressSets? {
    guard let ipset else { return nil }
    return try Self.sets(try RulesetInput.source(ipset, upTo: Limits.addressSetBytes), now: 0)
  }

  /// The change to sets; nil if there are none to change.
  func change(to sets: AddressSets?, in state: StateDirectory?) throws -> SetChange? {
    try sets.map { try SetChange(to: $0, in: state, adopts: adoptSets) }
  }

  /// The names of this machine, with the sets of the file before those that are loaded.
  static func names(_ sets: AddressSets?, over base: NameDatabase) -> NameDatabase {
    guard let sets else { return base }
    let own = sets.names(over: base)
    return base.with(
      addressSet: { name in
        let answer = own.addressSet(name)
        return answer == .missing ? base.addressSet(name) : answer
      }, addressSetName: { own.addressSetName($0) ?? base.addressSetName($0) })
  }

  /// - Parameter now: the run's clock in nanoseconds; the remaining timeouts of elements start then.
  static func sets(_ source: SourceFile, now: UInt64) throws -> AddressSets {
    let text = String(decoding: source.bytes, as: UTF8.self)
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw CommandFailure("\(source.name): there is no set in it; the input is empty or was cut off")
    }
    do throws(AddressSetError) {
      return try AddressSets(saved: text, now: now, names: .system)
    } catch {
      throw CommandFailure("\(source.name):\(error.line): \(error.reason)")
    }
  }
}

extension SetReport {
  /// What a change does to each set.
  ///
  /// - Parameter uses: what names the sets that are to be deleted.
  static func all(_ change: SetChange?, _ uses: SetUses? = nil) -> [SetReport] {
    (change?.steps ?? []).map { SetReport($0.name, before: $0.before, after: $0.after, staysBecause: uses?.reasons[$0.name]) }
  }
}
