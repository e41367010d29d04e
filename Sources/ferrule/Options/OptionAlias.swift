import ArgumentParser

/// Of the two things called so, a command's option; an extension's is `XTables.Option`.
typealias Option = ArgumentParser.Option
