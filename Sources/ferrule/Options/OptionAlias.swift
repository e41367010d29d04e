import ArgumentParser

/// An option of a command. An extension's option is `XTables.Option`.
typealias Option = ArgumentParser.Option
