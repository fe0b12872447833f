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

  @Option(
    help: ArgumentHelp(
      "Run this arm's cells only; may be repeated. The others keep what they have.",
      valueName: "arm"))
  var only: [String] = []

  @Option(help: "Cells at once. Default: one for every four threads, as far as memory allows.")
  var jobs: Int?

  @Flag(help: "Start again: throw away what earlier runs of this file's cells left.")
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
    try atLeastOne(jobs, "--jobs")
    if json, !plan { throw ValidationError("--json goes with --plan.") }
  }

  func run() throws {
    let experiment = try experiment.load()
    guard !plan else { return try printPlan(experiment) }
    let signals = SignalStop()
    let summary = try Study(experiment, options: options, stop: signals.stop).run()
    try StandardOutput.print(summary.tableText)
    if summary.hasFailures || summary.missesExpectations {
      throw ExitCode(ProgramExit.failed.rawValue)
    }
  }

  private var options: RunOptions {
    RunOptions(
      results: URL(filePath: results), cache: cache.folder,
      threads: threads ?? allCores, maximumUpdates: steps, only: only, jobs: jobs,
      isFresh: fresh, isQuiet: quiet)
  }

  private func printPlan(_ experiment: Experiment) throws {
    let plans = try experiment.points.map { point in
      try RunPlanner(point, name: experiment.config.experiment, options: options).plan()
    }
    try show(plans, text: plans.map(\.text).joined(separator: "\n"), json: json)
  }
}
