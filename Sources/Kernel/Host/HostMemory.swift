/// The memory of this host.
enum HostMemory {
  /// The bytes that programs can get without swapping, as the kernel estimates them (`MemAvailable`); nil if it does not tell.
  static var available: Int? {
    guard let line = (try? HostFile.read("/proc/meminfo"))?.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kibibytes * 1024
  }
}
