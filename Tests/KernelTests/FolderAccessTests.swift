import Diagnostics
import Foundation
import Glibc
import Kernel
import Testing

/// Which files a file may name: where its path leads is what counts.
@Suite("Files that files name") struct FolderAccessTests {
  /// `own/a.yaml` beside `own/sub/in`, with links, a FIFO, a socket and a device, and `other/out` outside.
  private static func withFolder(_ body: (String) throws -> Void) throws {
    let files = FileManager.default
    let base = files.temporaryDirectory.appending(path: "ferrule-access-\(UUID().uuidString)").path
    defer { try? files.removeItem(atPath: base) }
    try files.createDirectory(atPath: base + "/own/sub", withIntermediateDirectories: true)
    try files.createDirectory(atPath: base + "/other", withIntermediateDirectories: true)
    try files.createDirectory(atPath: base + "/own-not", withIntermediateDirectories: true)
    for path in ["own/in", "own/sub/in", "other/out", "own-not/out"] { try Data("text".utf8).write(to: URL(filePath: "\(base)/\(path)")) }
    for (link, target) in [
      ("own/link", "sub/in"), ("own/leaves", "../other/out"), ("own/absolute", base + "/other/out"), ("own/folder", "../other"),
      ("own/null", "/dev/null"),
      ("linked", "own"), ("own/loop", "loop"),
    ] { try files.createSymbolicLink(atPath: "\(base)/\(link)", withDestinationPath: target) }
    #expect(unsafe mkfifo(base + "/own/fifo", 0o600) == 0)
    try body(base)
  }

  /// Why a file is not read; nil where it is.
  private static func refusal(_ access: FolderAccess, _ path: String) -> String? {
    do throws(KernelError) {
      _ = try access.bytes(path)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func filesOfTheOwnFolderAreRead() throws {
    try Self.withFolder { base in
      for file in ["own/a.yaml", "linked/a.yaml", "own/sub/../a.yaml"] {
        let access = FolderAccess(besides: "\(base)/\(file)")
        for name in ["in", "sub/in", "link", "sub/../in", "../own/in"] {
          #expect((try? access.bytes("\(base)/own/\(name)")) == Array("text".utf8), "\(file) \(name)")
        }
      }
    }
  }

  /// Whether something is outside is not told either.
  @Test(arguments: [
    "../other/out", "leaves", "absolute", "folder/out", "../own-not/out", "../other/none", "folder/none", "/etc/passwd", "/dev/null",
    "null", "/nowhere/at/all",
  ])
  func othersAreRefused(_ name: String) throws {
    try Self.withFolder { base in
      let path = name.hasPrefix("/") ? name : "\(base)/own/\(name)"
      let refusal = Self.refusal(FolderAccess(besides: "\(base)/own/a.yaml"), path)
      #expect(
        refusal?.contains("is outside the folder of the file that names it; allow its folder with --allow-path DIR") == true,
        "\(refusal ?? "")")
      guard name.hasSuffix("other/out") || ["leaves", "absolute", "folder/out"].contains(name) else { return }
      let access = FolderAccess(besides: "\(base)/own/a.yaml", allowing: [base + "/none", base + "/other"])
      #expect((try? access.bytes(path)) == Array("text".utf8))
    }
  }

  /// Nothing is opened that could wait.
  @Test(
    .timeLimit(.minutes(30)),
    arguments: [
      ("fifo", "is a FIFO, not a file"), ("sub", "is a directory, not a file"), ("none", "No such file"), ("loop", "ELOOP"),
      ("in/none", "ENOTDIR"),
    ])
  func onlyRegularFilesAreRead(_ name: String, _ message: String) throws {
    try Self.withFolder { base in
      let refusal = Self.refusal(FolderAccess(besides: "\(base)/own/a.yaml"), "\(base)/own/\(name)")
      #expect(refusal?.contains(message) == true, "\(refusal ?? "")")
    }
  }

  @Test func aDeviceIsRefusedWhereItsFolderIsAllowed() throws {
    let access = FolderAccess(besides: "/nowhere/a.yaml", allowing: ["/dev"])
    #expect(Self.refusal(access, "/dev/zero") == "/dev/zero is a device, not a file")
    #expect(Self.refusal(FolderAccess(besides: "/nowhere/a.yaml"), "/nowhere/in") != nil)
  }

  @Test func aLargeFileIsRefusedBeforeItIsRead() throws {
    try Self.withFolder { base in
      #expect(unsafe truncate(base + "/own/in", Limits.namedFileBytes + 1) == 0)
      let refusal = Self.refusal(FolderAccess(besides: "\(base)/own/a.yaml"), "\(base)/own/in")
      #expect(refusal?.hasSuffix("is larger than 256 MiB") == true)
    }
  }
}
