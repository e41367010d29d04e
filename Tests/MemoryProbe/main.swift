import Glibc

// Runs a program and writes what it took behind its output: a line of exit status, kilobytes of memory at most, and microseconds of
// processor time. A process begins with the peak memory of the one that starts it, so a test that has grown cannot measure another
// program itself; this program stays small.
guard CommandLine.arguments.count > 1 else { exit(2) }
var words = unsafe CommandLine.arguments.dropFirst().map { unsafe strdup($0) }
unsafe words.append(nil)
var process: pid_t = 0
guard unsafe posix_spawn(&process, CommandLine.arguments[1], nil, nil, words, environ) == 0 else { exit(2) }
var status: Int32 = 0
var usage = rusage()
guard unsafe wait4(process, &status, 0, &usage) == process else { exit(2) }
let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
let time = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
print("\n\(code) \(usage.ru_maxrss) \(time)")
