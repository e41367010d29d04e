import ArgumentParser
import Capture
import Diagnostics
import Kernel
import Suites

/// The folders whose files a scenario file or snapshot may name.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also allow a scenario file or snapshot to name files in this folder. By default it can name only files in its own folder and below.",
      valueName: "dir"),
    completion: .directory)
  var allowPath: [String] = []

  /// The loader for the files that a file names.
  ///
  /// - Parameter file: the path of the naming file; `-` for standard input.
  func loader(besides file: String) -> ScenarioFileLoader { Self.loader(besides: file, allowing: allowPath) }

  static func loader(besides file: String, allowing folders: [String]) -> ScenarioFileLoader {
    let access = FolderAccess(besides: file, allowing: folders)
    return ScenarioFileLoader(
      bytes: { path throws(ScenarioFileLoader.Failure) in
        do throws(KernelError) {
          return try access.bytes(path)
        } catch {
          throw ScenarioFileLoader.Failure("\(error)")
        }
      },
      capture: { path throws(ScenarioFileLoader.Failure) in
        do throws(KernelError) {
          return try access.reading(path) { (place) throws(KernelError) in
            do throws(CaptureError) {
              let (frames, damage) = try CaptureReader.read(path: place, calledAs: path, upTo: Limits.heldCaptureBytes)
              if let damage, case .tooLong = damage { throw damage }
              return frames
            } catch {
              throw KernelError(.malformed("\(error)"))
            }
          }
        } catch {
          throw ScenarioFileLoader.Failure("\(error)")
        }
      })
  }
}
