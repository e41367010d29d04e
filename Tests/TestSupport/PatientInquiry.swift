package import Documents
import Glibc
package import Lab
package import Scenarios

extension KernelInquiry {
  /// What differs for certain from an answer that does not depend on the kernel's choices, with a longer pause after each attempt.
  package func differences(
    _ ours: JSONValue, limit: Int = 1, asking kernel: (Scenario) -> JSONValue
  ) -> [LabComparison.Difference] {
    differences({ _ in ours }, limit: limit, asking: kernel)
  }

  /// What differs for certain, with a longer pause after each attempt.
  package func differences(
    _ ours: (JSONValue) -> JSONValue, limit: Int = 1, asking kernel: (Scenario) -> JSONValue
  ) -> [LabComparison.Difference] {
    differences(ours, limit: limit, asking: kernel) { attempt in
      print("attempt \(attempt): \(scenario.name) differs")
      usleep(UInt32(attempt) * 50_000)
    }
  }
}
