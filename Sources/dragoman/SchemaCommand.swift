import ArgumentParser
import Harness

struct SchemaCommand: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case json
    case markdown
  }

  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints what an experiment file may say.",
    discussion: """
      json: a JSON Schema, draft 2020-12, with which editors complete and check experiment files. \
      markdown: a table of every key with its default and meaning.
      """)

  @Option(help: "json or markdown.")
  var format = Format.json

  func run() throws {
    try StandardOutput.write(format == .json ? Experiment.jsonSchema : Experiment.reference)
  }
}
