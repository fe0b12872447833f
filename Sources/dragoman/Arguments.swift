import ArgumentParser
import Foundation
import Harness

/// What `--threads` stands for when it is not given.
var allCores: Int { ProcessInfo.processInfo.activeProcessorCount }

/// Refuses a value below 1; one that was not given is fine.
func atLeastOne(_ value: Int?, _ name: String) throws {
  if let value, value < 1 { throw ValidationError("\(name) must be at least 1.") }
}

/// Prints a result for a terminal, or with `--json` for programs.
func show(_ result: some Encodable, text: String, json: Bool) throws {
  try StandardOutput.write(json ? try JSONOutput.text(result) + "\n" : text)
}

/// `--cache`.
struct CacheArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Features and small models kept between runs; default $DRAGOMAN_CACHE, else ~/.cache/dragoman.",
      valueName: "dir"))
  var cache: String?

  var folder: URL { CacheFolder.resolve(cache) }
}
