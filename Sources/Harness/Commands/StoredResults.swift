import Configuration
import Foundation
import Reports
import Storage
import Training

/// What lies in a results folder: its experiment, and the cells that are whole.
///
/// A cell counts by its small files alone; no checkpoint, data set or model is read.
struct StoredResults: Sendable {
  let folder: ResultsFolder
  let experiment: Experiment
  let cells: [FinishedCell]
  /// Of all cells there; 1 without.
  let folds: Int

  /// - Throws: ``ComparisonRefusal`` for a folder without results, ``ConfigError`` for its experiment.
  init(_ url: URL) throws {
    folder = ResultsFolder(url.standardizedFileURL)
    guard FileManager.default.fileExists(atPath: folder.experiment.path) else {
      throw ComparisonRefusal(
        "\(url.path(percentEncoded: false)) is no results folder: it has no experiment.yaml. "
          + "`dragoman run` makes one.")
    }
    // Paths of data and models may lead nowhere here, and nothing of them is read.
    experiment = try Experiment.load(folder.experiment.path, environment: .anything)
    var cells: [FinishedCell] = []
    for arm in Arm.arms(of: experiment.config) {
      let root = folder.url.appending(path: arm.name)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
      for name in names.filter({ $0.hasPrefix("seed-") }).sorted() {
        let place = folder.cell(arm: arm.name, name)
        guard let outcome = CellOutcome.read(place.metrics),
          let digest = try? Digest.ofFile(place.answers), digest == outcome.answersFileDigest,
          let answers = try? JSONLines.read(AnswerRecord.self, from: place.answers)
        else { continue }
        let plain = Cell.name(seed: outcome.seed, fold: outcome.fold, label: "")
        var known = arm
        known.label = name.hasPrefix(plain + "-") ? String(name.dropFirst(plain.count + 1)) : ""
        cells.append(
          FinishedCell(
            cell: Cell(
              arm: known, seed: outcome.seed, fold: outcome.fold, config: experiment.config,
              folder: place), outcome: outcome, answers: answers))
      }
    }
    self.cells = cells
    folds = (cells.compactMap(\.outcome.fold).max() ?? 0) + 1
    guard !cells.isEmpty else {
      throw ComparisonRefusal(
        "\(folder.url.path(percentEncoded: false)) has no finished cell: ARM/seed-N with "
          + "metrics.json and captions.jsonl that belong together")
    }
  }
}

extension [String: String] {
  /// Stands for an environment when paths are only carried along: `${NAME}` stays `${NAME}`.
  static var anything: [String: String] {
    ProcessInfo.processInfo.environment.merging(
      ["DRAGOMAN_DATA": "${DRAGOMAN_DATA}", "DRAGOMAN_MODELS": "${DRAGOMAN_MODELS}"]
    ) { own, _ in own }
  }
}

/// Results that can't be laid side by side, and why.
public struct ComparisonRefusal: Error, ExitCodeProviding, CustomStringConvertible {
  public let description: String
  public var programExit: ProgramExit { .badData }

  init(_ description: String) { self.description = description }
}

/// What `dragoman compare` was asked for.
public struct ComparisonOptions: Sendable {
  public var results: [URL]
  /// As `evaluation.metrics` names it; the first experiment's primary one when nil.
  public var metric: String?
  /// A row that all others are compared with; every pair when nil.
  public var baseline: String?
  public var cache: URL
  public var threads: Int

  public init(
    results: [URL], metric: String? = nil, baseline: String? = nil, cache: URL, threads: Int
  ) {
    self.results = results
    self.metric = metric
    self.baseline = baseline
    self.cache = cache
    self.threads = threads
  }
}

/// One table over several results folders, from their small files: `dragoman compare`.
public struct ResultsComparison {
  public let summary: RunSummary

  /// - Throws: ``ComparisonRefusal`` for results that don't share test data and metric variants.
  public init(_ options: ComparisonOptions) throws {
    let all = try options.results.map { try StoredResults($0) }
    guard let first = all.first else { throw ComparisonRefusal("name a results folder") }
    for other in all.dropFirst() { try Self.check(other, against: first) }
    var evaluation = first.experiment.config.evaluation
    if let metric = options.metric {
      guard let choice = evaluation.metrics.first(where: { $0.rawValue == metric }) else {
        throw ComparisonRefusal(
          "--metric \(metric): the experiment scores "
            + evaluation.metrics.map(\.rawValue).joined(separator: ", "))
      }
      evaluation.primary = choice
    }
    let seeds = Set(all.flatMap { $0.cells.map(\.cell.seed) }).sorted()
    let scoring = try Scoring(
      evaluation, seeds: seeds, cache: options.cache, threads: options.threads,
      console: Console(quiet: true))
    var cells = all.flatMap { results in
      results.cells.map { $0.renamed(all.count > 1 ? results.experiment.name + ": " : "") }
    }
    var summary = try scoring.summary(
      of: &cells, folds: first.folds,
      experiment: all.map(\.experiment.name).joined(separator: ", "), question: nil)
    if let baseline = options.baseline {
      guard summary.arms.contains(where: { $0.arm == baseline }) else {
        throw ComparisonRefusal(
          "--baseline \(baseline): there is no such row; there are "
            + summary.arms.map(\.arm).joined(separator: ", "))
      }
      summary.comparisons = summary.comparisons.filter { $0.a == baseline || $0.b == baseline }
    }
    self.summary = summary
  }

  private static func check(_ other: StoredResults, against first: StoredResults) throws {
    let names = "\(first.folder.url.lastPathComponent) and \(other.folder.url.lastPathComponent)"
    func references(_ results: StoredResults) -> [String: [String]] {
      Dictionary(
        results.cells.flatMap { cell in
          cell.answers.map { ("\(cell.cell.fold ?? 0) \($0.image)", $0.references) }
        }, uniquingKeysWith: { first, _ in first })
    }
    guard references(first) == references(other) else {
      throw ComparisonRefusal(
        "\(names) were tested on different images or references, so their scores can't be ranked; "
          + "run both with the same dataset section")
    }
    let (a, b) = (first.experiment.config.evaluation, other.experiment.config.evaluation)
    guard a.metrics == b.metrics, a.meteorStages == b.meteorStages else {
      throw ComparisonRefusal(
        "\(names) are scored differently (metrics \(a.metrics.map(\.rawValue)) and "
          + "\(b.metrics.map(\.rawValue)), METEOR stages \(a.meteorStages.map(\.rawValue)) and "
          + "\(b.meteorStages.map(\.rawValue))); set evaluation alike and run again, which trains nothing")
    }
  }

  /// The tables in one of the formats of ``ResultTable``; `html` is a page.
  public func text(_ format: ComparisonFormat) throws -> String {
    let tables = [summary.comparisonTable(), summary.comparisonsTable()]
    switch format {
    case .json: return String(decoding: try summary.json(), as: UTF8.self)
    case .html: return ReportPage.tables(tables, title: summary.experiment)
    case .text: return tables.map { $0.text() }.joined(separator: "\n")
    case .markdown: return tables.map { $0.rendered(as: .markdown) }.joined(separator: "\n")
    case .csv: return tables.map { $0.rendered(as: .csv) }.joined(separator: "\n")
    case .latex: return tables.map { $0.rendered(as: .latex) }.joined(separator: "\n")
    }
  }
}

/// How `dragoman compare` prints.
public enum ComparisonFormat: String, CaseIterable, Sendable {
  case text, markdown, csv, latex, html, json
}

extension FinishedCell {
  /// The same cell, its row's name beginning with `prefix`.
  fileprivate func renamed(_ prefix: String) -> FinishedCell {
    guard !prefix.isEmpty else { return self }
    var arm = Arm(name: prefix + cell.arm.name, config: cell.arm.config, isControl: cell.arm.isControl)
    arm.label = cell.arm.label
    return FinishedCell(
      cell: Cell(
        arm: arm, seed: cell.seed, fold: cell.fold, config: cell.config, folder: cell.folder),
      outcome: outcome, answers: answers)
  }
}
