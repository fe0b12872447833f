import ArgumentParser
import Foundation
import Harness

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Lays the rows of several results folders side by side.",
    discussion: """
      Reads the small files of finished cells (metrics.json, captions.jsonl) and nothing else. Results \
      must share test images, references and metric variants; others are refused with the reason.
      """)

  @Argument(help: ArgumentHelp("Results folders.", valueName: "results"), completion: .directory)
  var results: [String]

  @Option(
    help: ArgumentHelp("The metric that is tested; default: the first experiment's primary one."))
  var metric: String?

  @Option(help: ArgumentHelp("Show only comparisons with this row.", valueName: "row"))
  var baseline: String?

  @Option(help: "How the tables are written.")
  var format = ComparisonFormat.text

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads. Default: all cores.")
  var threads: Int?

  func validate() throws { try atLeastOne(threads, "--threads") }

  func run() throws {
    let comparison = try ResultsComparison(
      ComparisonOptions(
        results: results.map { URL(filePath: $0) }, metric: metric, baseline: baseline,
        cache: cache.folder, threads: threads ?? allCores))
    try StandardOutput.write(try comparison.text(format))
  }
}

extension ComparisonFormat: ExpressibleByArgument {}

/// What `caption` and `ask` share.
struct AskingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The experiment file, if it has relative paths: they start from its folder.",
      valueName: "file"))
  var experiment: String?

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads. Default: all cores.")
  var threads: Int?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Say the shapes at every step: pixels, features, projected, text, joined.")
  var verbose = false

  func validate() throws { try atLeastOne(threads, "--threads") }

  func answer(run: String, images: [String], question: String?) throws {
    let session = try AskingSession(
      AskingOptions(
        run: URL(filePath: run), experimentFile: experiment,
        images: images.map { URL(filePath: $0) }, question: question, cache: cache.folder,
        threads: threads ?? allCores, isVerbose: verbose))
    let answers = try session.run { line in
      FileHandle.standardError.write(Data((line + "\n").utf8))
    }
    let text = answers.map { "\($0.image)\t\($0.arm)\t\($0.answer)\n" }.joined()
    try show(answers, text: text, json: json)
  }
}

struct CaptionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Captions any photographs with the trained arms of a run.",
    discussion: "Prints a line an image and arm: image, arm, caption, parted by tabs.")

  @Argument(
    help: ArgumentHelp("A results folder, or the folder of one cell in it.", valueName: "run"),
    completion: .directory)
  var folder: String

  @Argument(help: ArgumentHelp("Photographs.", valueName: "image"), completion: .file())
  var images: [String]

  @OptionGroup var asking: AskingArguments

  func run() throws { try asking.answer(run: folder, images: images, question: nil) }
}

struct AskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask",
    abstract: "Asks the trained arms of a run a question about a photograph.",
    discussion: "Prints a line an arm: image, arm, answer, parted by tabs.")

  @Argument(
    help: ArgumentHelp("A results folder, or the folder of one cell in it.", valueName: "run"),
    completion: .directory)
  var folder: String

  @Argument(help: ArgumentHelp("A photograph.", valueName: "image"), completion: .file())
  var image: String

  @Argument(help: "What is asked.")
  var question: String

  @OptionGroup var asking: AskingArguments

  func run() throws { try asking.answer(run: folder, images: [image], question: question) }
}

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Encodes an experiment's images into the feature store, and trains nothing else.",
    discussion: "An encoder that the run makes itself is made first.")

  @OptionGroup var experiment: ExperimentArguments

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads. Default: all cores.")
  var threads: Int?

  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  func validate() throws { try atLeastOne(threads, "--threads") }

  func run() throws {
    let signals = SignalStop()
    try encodeFeatures(
      of: experiment.load(), cache: cache.folder, threads: threads ?? allCores, isQuiet: quiet,
      stop: signals.stop)
  }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Makes the tables and the page of a run again from its results.",
    discussion: """
      Trains nothing and answers nothing: cells that are not finished are named as missing.
      """)

  @Argument(help: ArgumentHelp("A results folder.", valueName: "results"), completion: .directory)
  var folder: String

  @Option(
    help: ArgumentHelp(
      "The experiment file, if it has relative paths: they start from its folder.",
      valueName: "file"))
  var experiment: String?

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads. Default: all cores.")
  var threads: Int?

  func validate() throws { try atLeastOne(threads, "--threads") }

  func run() throws {
    let summary = try ReportSession(
      URL(filePath: folder), experimentFile: experiment, cache: cache.folder,
      threads: threads ?? allCores
    ).run()
    try StandardOutput.print(summary.tableText)
  }
}

struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Lists, checks or tidies the features that are kept between runs.",
    subcommands: [List.self, Verify.self, Prune.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Says what the cache holds, what was used most recently first."
    )

    @OptionGroup var cache: CacheArguments

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
      let listing = try CacheListing(cache.folder)
      try show(listing, text: listing.text, json: json)
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Reads every shard again and checks it; exit code 1 if something is wrong.")

    @OptionGroup var cache: CacheArguments

    func run() throws {
      let problems = try CacheListing.verify(cache.folder)
      for problem in problems { try StandardOutput.print(problem) }
      if problems.isEmpty {
        try StandardOutput.print("all well")
      } else {
        throw ExitCode(ProgramExit.failed.rawValue)
      }
    }
  }

  struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "prune",
      abstract: "Removes what nothing reads: leftovers of killed runs, entries without a manifest.",
      discussion: "An entry that is being written is left alone.")

    @OptionGroup var cache: CacheArguments

    @Option(
      help: ArgumentHelp("Also remove entries not used for so many days.", valueName: "days"))
    var olderThan: Int?

    func validate() throws { try atLeastOne(olderThan, "--older-than") }

    func run() throws {
      try StandardOutput.write(try CacheListing.prune(cache.folder, olderThan: olderThan))
    }
  }
}
