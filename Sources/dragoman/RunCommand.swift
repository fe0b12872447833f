import ArgumentParser
import Foundation
import Harness

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs an experiment: trains every arm, scores it, writes tables, figures and report.",
    discussion: """
      The same command goes on where an earlier one stopped. Ctrl-C ends at a checkpoint with exit \
      code 75; a second Ctrl-C ends at once.
      """)

  @OptionGroup var experiment: ExperimentArguments

  @Option(help: ArgumentHelp("Where results go, one folder an experiment.", valueName: "dir"))
  var results = "Results"

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads; the results do not depend on it. Default: all cores.")
  var threads: Int?

  @Option(help: "End each stage after this many updates, to try a large setting.")
  var steps: Int?

  @Flag(help: "Start again: throw away what an earlier run left.")
  var fresh = false

  @Flag(
    help: "Say what would be computed, kept and taken, and how long it takes here; run nothing.")
  var plan = false

  @Flag(help: "With --plan: print JSON, a list with one entry an experiment.")
  var json = false

  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  func validate() throws {
    try atLeastOne(threads, "--threads")
    try atLeastOne(steps, "--steps")
    if json, !plan { throw ValidationError("--json goes with --plan.") }
  }

  func run() throws {
    let experiments = try experiment.load()
    guard !plan else { return try printPlans(experiments) }
    let signals = SignalStop()
    for experiment in experiments {
      let summary = try ExperimentRunner(experiment, options: options, stop: signals.stop).run()
      try StandardOutput.print(summary.tableText)
    }
  }

  private var options: RunOptions {
    RunOptions(
      results: URL(filePath: results), cache: cache.folder,
      threads: threads ?? allCores, maximumUpdates: steps,
      isFresh: fresh, isQuiet: quiet)
  }

  private func printPlans(_ experiments: [Experiment]) throws {
    let plans = try experiments.map { try RunPlanner($0, options: options).plan() }
    try show(plans, text: plans.map(\.text).joined(separator: "\n"), json: json)
  }
}
