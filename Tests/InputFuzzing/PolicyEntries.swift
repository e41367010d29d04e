import Diagnostics
import Kernel
import Linter
import Policies

/// The files with which people say what the linter reports, and compressed rulesets.
enum PolicyEntries {
  static let all = [
    InputEntry("policy") { bytes in
      let file = SourceFile(name: "input", bytes: bytes)
      if let policy = try? PolicyFile(file) { _ = policy.settings.perFile.map { $0.pattern.matches(path: "a/b/rules.v4") } }
      _ = (try? BaselineFile.read(file))?.text
      _ = try? AuditProfileFile.read(file)
    },
    InputEntry("gzip") { bytes in
      let content = try? Gzip.content(of: bytes, upTo: 1 << 20)
      precondition(content.map { $0.count <= 1 << 20 } ?? true, "more than the limit")
    },
  ]
}
