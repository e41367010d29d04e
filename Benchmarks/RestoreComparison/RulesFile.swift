import Glibc
import Measuring
import RulesetSamples

/// A sample in a file, which the commands read.
struct RulesFile {
  let path: String
  let sample: RulesetSample
  let count: Int

  /// Writes the file in another process. A child that is measured inherits the peak of this one's memory, which must stay small.
  func writeApart() {
    let child = Child(["/proc/self/exe", "--write", path, sample.rawValue, String(count)])
    precondition(child.status == 0, "\(path) cannot be written")
  }

  func write() {
    guard let file = fopen(path, "w") else { preconditionFailure("\(path) cannot be written") }
    fputs(sample.text(rules: count), file)
    fclose(file)
  }
}

extension RulesFile {
  /// What ``writeApart()`` asked this process for, if it did.
  init?(_ arguments: [String]) {
    guard arguments.count == 5, arguments[1] == "--write", let sample = RulesetSample(rawValue: arguments[3]), let count = Int(arguments[4])
    else { return nil }
    self.init(path: arguments[2], sample: sample, count: count)
  }
}
