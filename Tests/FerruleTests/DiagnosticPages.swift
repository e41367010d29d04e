import Linter

enum DiagnosticPages {
  static let ids = DiagnosticCatalogue.ids + CheckList.all.map { $0.id }
}
