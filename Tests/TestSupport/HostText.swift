import Diagnostics
package import Documents
package import Evaluator
import Scenarios

extension Host {
  /// A host from the text of a description.
  package convenience init(yaml text: String) throws(ScenarioFileError) {
    try self.init(yaml: SourceFile(name: "host.yaml", bytes: Array(text.utf8)))
  }

  /// A host from what `ip -j addr` and `ip -j route` print.
  package convenience init(ipAddresses: String, ipRoutes: [String]) throws(ScenarioFileError) {
    try self.init(addressListing: SourceFile(name: "addr", bytes: Array(ipAddresses.utf8)))
    for text in ipRoutes { try addRoutes(ofListing: SourceFile(name: "route", bytes: Array(text.utf8))) }
  }
}
