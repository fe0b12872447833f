import ArgumentParser
import Foundation
import Harness
import Metrics
import Synchronization

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Scores captions as pycocoevalcap does, without Python or Java.",
    discussion: """
      References are COCO annotations, candidates COCO result lists; both may be JSON lines with \
      image_id and caption. Several candidate files give a comparison with p-values.

      BLEU, ROUGE-L, CIDEr-D and METEOR 1.5 equal pycocoevalcap's values. METEOR's name says which \
      stages ran: synonyms need WordNet (Debian: wordnet-base), paraphrases the meteor folder of an \
      installed pycocoevalcap, which is found in the usual places or named by --meteor-data or \
      $DRAGOMAN_METEOR_DATA.
      """)

  @Option(help: ArgumentHelp("Reference captions.", valueName: "file"))
  var references: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Candidate captions; only --write-idf does without.", valueName: "file"))
  var candidates: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("What to report.", valueName: "metric"))
  var metrics: [ScoredValue] = [
    .metric(.bleu), .metric(.meteor), .metric(.rougeL), .metric(.ciderD), .diversity,
  ]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Stages of METEOR; default: all that have their data.", valueName: "stage"))
  var meteorStages: [METEORStage] = []

  @Flag(help: "Print JSON: corpus values and those of every image.")
  var json = false

  @Flag(help: "Print CSV: corpus values, then comparisons.")
  var csv = false

  @Flag(help: "Add 95 % intervals, by bootstrap over images.")
  var intervals = false

  @Flag(help: "Score only the images that every candidate file has.")
  var subset = false

  @Option(
    help: ArgumentHelp(
      "Document frequencies for CIDEr-D, from --write-idf; default: the references'.",
      valueName: "file"))
  var idf: String?

  @Option(
    help: ArgumentHelp("Write the references' document frequencies there.", valueName: "file"))
  var writeIdf: String?

  @Option(
    help: ArgumentHelp(
      "Folder with meteor-1.5.jar and data/paraphrase-en.gz.", valueName: "dir"))
  var meteorData: String?

  @Option(
    help: ArgumentHelp(
      "Where the compact paraphrase table is kept; default $DRAGOMAN_CACHE, else ~/.cache/dragoman.",
      valueName: "dir"))
  var cache: String?

  @Option(help: "Resamples of an interval, and trials of a comparison.")
  var resamples = 10_000

  @Option(help: "Seed of resamples and trials.")
  var seed: UInt64 = 0

  @Option(help: "Threads; the results do not depend on it. Default: all cores.")
  var threads: Int?

  @Flag(help: "Say on standard error how long each step took.")
  var timings = false

  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  func validate() throws {
    if candidates.isEmpty, writeIdf == nil {
      throw ValidationError("--candidates needs at least one file.")
    }
    if json, csv { throw ValidationError("--json and --csv exclude each other.") }
    try atLeastOne(threads, "--threads")
    if resamples < 100 { throw ValidationError("--resamples must be at least 100.") }
    if metrics.isEmpty { throw ValidationError("--metrics needs at least one metric.") }
  }

  func run() throws {
    let console = Console(quiet: quiet)
    let threads = threads ?? allCores
    if let writeIdf { try writeFrequencies(to: writeIdf, threads: threads) }
    if candidates.isEmpty { return }
    var options = ScoreReport.Options(metrics: try scorers(console), threads: threads)
    options.diversity = metrics.contains(.diversity)
    options.intervals = intervals
    options.subset = subset
    options.resamples = resamples
    options.seed = seed
    let times = StepTimes()
    let report = try ScoreReport(
      references: references, candidates: candidates, options: options
    ) { share, text in
      times.note(text)
      console.bar(share, text)
    }
    console.endBar()
    if timings { for line in times.lines { console.log(line) } }
    try StandardOutput.print(json ? report.json : csv ? report.csv : report.text)
  }

  private func writeFrequencies(to path: String, threads: Int) throws {
    let file = try CaptionFile(path: references, role: .references)
    let set = try CaptionSet(
      ids: file.images, candidates: file.images.map { _ in "" }, references: file.captions,
      threads: threads)
    let source = URL(filePath: references).lastPathComponent
    try DocumentFrequencies(countingReferencesOf: set, source: source).write(to: path)
  }

  /// The metrics that were asked for, in the order of a report.
  private var chosen: [MetricChoice] {
    MetricChoice.allCases.filter { metrics.contains(.metric($0)) }
  }

  /// nil: all stages that have their data.
  private var stages: [METEORStage]? {
    meteorStages.isEmpty ? nil : Set(meteorStages).sorted()
  }

  private func scorers(_ console: Console) throws -> [any CaptionMetric] {
    let resources =
      chosen.contains { $0.needsResources(stages: stages) }
      ? try METEORResources.find(
        folder: meteorData, cache: CacheFolder.resolve(cache),
        progress: { text, share in console.bar(share, text) })
      : METEORResources()
    let frequencies = try idf.map { try DocumentFrequencies(path: $0) }
    if chosen.contains(.meteor), stages == nil {
      for stage in METEORStage.allCases where !resources.stages.contains(stage) {
        console.log("\(METEORDataError.stageWithoutData(stage)) Going on without it.")
      }
    }
    return try chosen.map {
      try $0.make(stages: stages, resources: resources, documentFrequencies: frequencies)
    }
  }
}

/// How long the steps of a report take.
private final class StepTimes: Sendable {
  /// Steps with their starts; the last begins when all is done.
  private let starts = Mutex<[(step: String, start: ContinuousClock.Instant)]>([])

  func note(_ step: String) {
    starts.withLock { starts in
      if starts.last?.step != step { starts.append((step, .now)) }
    }
  }

  /// `0.012 s  mine.json: tokens`.
  var lines: [String] {
    let starts = starts.withLock { $0 }
    return zip(starts, starts.dropFirst()).map { step, next in
      let seconds = (next.start - step.start) / .seconds(1)
      return "\(seconds.formatted(.number.precision(.fractionLength(3)))) s  \(step.step)"
    }
  }
}

extension METEORStage: ExpressibleByArgument {}

/// What `--metrics` may name.
enum ScoredValue: Hashable, ExpressibleByArgument {
  case metric(MetricChoice)
  /// Distinct n-grams, caption length, vocabulary size.
  case diversity

  init?(argument: String) {
    if argument == "diversity" {
      self = .diversity
    } else if let metric = MetricChoice(rawValue: argument) {
      self = .metric(metric)
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { MetricChoice.allCases.map(\.rawValue) + ["diversity"] }

  var defaultValueDescription: String {
    if case .metric(let metric) = self { metric.rawValue } else { "diversity" }
  }
}
