#if FERRULE_LIBFUZZER
  import CLibFuzzer
  import Glibc
  import InputFuzzing

  nonisolated(unsafe) private var covered = InputEntry.all[0]

  /// Hands the process over to libFuzzer.
  func cover(_ entry: InputEntry) throws -> Int32 {
    unsafe covered = entry
    // libFuzzer keeps the arguments as long as the process lives.
    var pointers = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
    return unsafe pointers.withUnsafeMutableBufferPointer { list in
      unsafe ferrule_fuzz(Int32(CommandLine.arguments.count), list.baseAddress) { bytes, count in
        unsafe covered.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      }
    }
  }
#endif
