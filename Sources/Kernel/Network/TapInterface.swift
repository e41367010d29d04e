internal import CLinux
internal import Glibc

/// A TAP interface in the calling thread's network namespace. Frames written to it arrive at the host; frames that the host sends through
/// it are read from it. It ends with the namespace.
package struct TapInterface {
  package let name: String
  private let file: FileDescriptor

  package init(name: String) throws(KernelError) {
    let number = unsafe open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard number >= 0 else { throw .call("opening /dev/net/tun") }
    file = FileDescriptor(number)
    self.name = name
    // struct ifreq: the name in 16 bytes, then the flags.
    var request = [UInt8](repeating: 0, count: 40)
    for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
    request.setHostWord(UInt16(IFF_TAP | IFF_NO_PI), at: 16)
    let setInterface: UInt = 0x4004_54CA
    guard unsafe ioctl(number, setInterface, &request) == 0 else { throw .call("making the interface \(name)") }
    // Closing the last reference to a non-persistent interface takes 16 ms in the kernel. A persistent one is removed with the namespace
    // without a wait.
    let setPersistent: UInt = 0x4004_54CB
    guard ioctl(number, setPersistent, 1) == 0 else { throw .call("making the interface \(name) persistent") }
  }

  /// The hardware address of the host's side; frames for the host are sent to it.
  package func hardwareAddress() throws(KernelError) -> [UInt8] {
    var request = [UInt8](repeating: 0, count: 40)
    for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
    let getAddress: UInt = 0x8927
    guard unsafe ioctl(file.number, getAddress, &request) == 0 else { throw .call("asking for the address of \(name)") }
    return Array(request[18..<24])
  }

  /// Injects a frame. When this returns, the host has done all immediate processing of it.
  package func write(_ frame: [UInt8]) throws(KernelError) {
    let count = unsafe frame.withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
    guard count == frame.count else { throw .call("writing a frame to \(name)") }
  }

  /// The frames that the host has sent since the last call.
  package func readAll() throws(KernelError) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16 + 32)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file.number, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return frames }
      guard count >= 0 else { throw .call("reading a frame from \(name)") }
      frames.append(Array(buffer[..<count]))
    }
  }
}
