import FoundationEssentials
import Glibc
import Kernel

/// A program that is run to its end by `MemoryProbe`, with what it took.
package struct MeasuredProcess {
  package let status: Int32
  /// Kilobytes of memory that it held at most. Kernel: `rusage.ru_maxrss`.
  package let peakKilobytes: Int
  /// Seconds of processor time.
  package let seconds: Double
  /// What it wrote to its standard output and standard error.
  package let output: String

  package init(_ path: String, _ arguments: [String]) throws {
    let probe = try HostProcess.run(BuiltPrograms.folder + "/MemoryProbe", [path] + arguments)
    guard let end = probe.output.lastIndex(where: { $0 == "\n" }).map({ probe.output[..<$0].lastIndex(of: "\n") ?? $0 }) else {
      throw Failure()
    }
    let numbers = probe.output[end...].split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
    guard numbers.count == 3 else { throw Failure() }
    status = Int32(clamping: numbers[0])
    peakKilobytes = numbers[1]
    seconds = Double(numbers[2]) / 1e6
    output = String(probe.output[..<end])
  }

  package struct Failure: Error {}
}
