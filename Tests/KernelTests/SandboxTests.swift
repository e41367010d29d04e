import Glibc
import Kernel
import TestSupport
import Testing

@Suite(.asRoot) struct SandboxTests {
  /// The probe stands beside the test's own program.
  private static func probe() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    let own = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/SandboxProbe"
  }

  @Test func rootEntersANetworkNamespace() throws {
    let text = try HostProcess.run(try SandboxTests.probe()).output
    #expect(text == "entered network, DROP, 1 rule\ntables: [\"filter\"]\n")
  }

  @Test func othersEnterAUserNamespaceToo() throws {
    let probe = try SandboxTests.probe()
    let arguments = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    guard try HostProcess.run("setpriv", arguments + ["test", "-x", probe]).status == 0 else {
      print("sandbox without root NOT tested: another user may not run \(probe)")
      return
    }
    let text = try HostProcess.run("setpriv", arguments + [probe]).output
    #expect(text.hasPrefix("entered userAndNetwork, DROP, 1 rule\n"))
    #expect(text.contains("\"filter\""))
  }

  @Test func aProcessOfManyThreadsIsRefused() {
    #expect(throws: KernelError.self) { try Sandbox.enter() }
  }
}
