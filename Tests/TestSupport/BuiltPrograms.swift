/// Where the programs lie that were built beside the tests.
package enum BuiltPrograms {
  package static let folder = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
    separator: "/")
}
