import ArgumentParser
import Kernel

/// Whether to colour.
enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never

  func isOn(for stream: ProcessStream) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: stream.takesControls && (ProcessEnvironment.value("NO_COLOR") ?? "").isEmpty
    }
  }
}

struct ColourOptions: ParsableArguments {
  @Option(name: .customLong("color"), help: "Colour the output. auto: only on a terminal, and only if NO_COLOR is not set.")
  var colour = ColourChoice.auto
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

struct OutputOptions: ParsableArguments {
  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var colours: ColourOptions

  var colour: ColourChoice { colours.colour }
}
