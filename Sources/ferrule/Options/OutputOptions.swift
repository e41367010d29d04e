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
  @Option(name: .customLong("color"), help: "Colour the output; auto does on a terminal unless NO_COLOR is set.")
  var colour = ColourChoice.auto
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

struct OutputOptions: ParsableArguments {
  @Option(help: "How to print.")
  var format = OutputFormat.text

  @OptionGroup var colours: ColourOptions

  var colour: ColourChoice { colours.colour }
}
