import ArgumentParser
import Harness

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Checks an experiment file and says what would run.",
    discussion: """
      Nothing is loaded: data and models may be absent. A file that is wrong gives every problem \
      with its line, and exit code 65.
      """)

  @OptionGroup var experiment: ExperimentArguments

  @Flag(help: "Print the file with every default written out, as YAML.")
  var resolved = false

  func run() throws {
    let experiment = try experiment.load()
    try StandardOutput.write(resolved ? experiment.resolvedYAML : experiment.summary)
  }
}

/// `EXPERIMENT.yaml [KEY=VALUE ...]`, as several subcommands take it.
struct ExperimentArguments: ParsableArguments {
  @Argument(help: "The experiment file.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String

  @Argument(
    help: ArgumentHelp(
      "Changes: KEY=VALUE, +KEY=VALUE to add, ~KEY to delete, KEY=A,B to try both.",
      valueName: "key=value"))
  var overrides: [String] = []

  func load() throws -> Experiment { try Experiment.load(file, overrides: overrides) }
}
