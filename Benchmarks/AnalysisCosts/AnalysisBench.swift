import Glibc
import Measuring

/// The files that are measured, in a folder of their own, and what was found so far.
struct AnalysisBench {
  var findings = Findings()
  private let ferrule: String
  private let folder: String
  private var files: [String] = []

  init(programs: String) {
    ferrule = programs + "/ferrule"
    folder = "/tmp/ferrule-bench-\(getpid())"
    precondition(mkdir(folder, 0o700) == 0, "\(folder) cannot be made")
  }

  mutating func write(_ text: String, to name: String) -> String {
    let path = "\(folder)/\(name)"
    guard let file = fopen(path, "w") else { preconditionFailure("\(path) cannot be written") }
    fputs(text, file)
    fclose(file)
    files.append(path)
    return path
  }

  /// Rules of a cluster, as kube-proxy makes them.
  mutating func cluster(_ services: Int, to name: String) -> String {
    let path = write("", to: name)
    let command = "sh Examples/kube-proxy/services.sh \(services) > \(path)"
    precondition(Child(["sh", "-c", command]).status == 0, "the rules cannot be made")
    return path
  }

  /// The lower costs of two runs, and a line about them.
  ///
  /// - Parameter statuses: the exit statuses that are right.
  mutating func measure(_ what: String, _ arguments: [String], statuses: Set<Int32>) -> (seconds: Double, mebibytes: Double) {
    let runs = [Child([ferrule] + arguments), Child([ferrule] + arguments)]
    let seconds = (runs.map(\.processor).min() ?? 0) / 1e3
    let mebibytes = Double(runs.map(\.peak).min() ?? 0) / 1024
    findings.line(what, "\((seconds * 100).rounded() / 100) s, \(Int(mebibytes.rounded())) MiB")
    findings.check(runs.allSatisfy { statuses.contains($0.status >> 8 & 0xff) && $0.status & 0x7f == 0 }, "it ends as it should")
    return (seconds, mebibytes)
  }

  /// Deletes the files.
  func clear() {
    for file in files { unlink(file) }
    rmdir(folder)
  }
}
