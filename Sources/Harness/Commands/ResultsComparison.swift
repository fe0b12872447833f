import Configuration
import Foundation
import Reports
import Training

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
    let seeds = Set(all.flatMap(\.experiment.config.training.seeds)).sorted()
    let scoring = try Scoring(
      evaluation, seeds: seeds, cache: options.cache, threads: options.threads,
      console: Console(quiet: true))
    let names = Self.names(of: all)
    let prefixes = all.count > 1 ? names.map { $0 + ": " } : [""]
    var cells = zip(all, prefixes).flatMap { results, prefix in
      results.cells.map { $0.renamed(prefix) }
    }
    var summary = try scoring.summary(
      of: &cells, folds: first.folds, experiment: names.joined(separator: ", "), question: nil)
    let missing = zip(all, prefixes).flatMap { results, prefix in
      results.missing.map { prefix + $0 }
    }
    summary.missing = missing.isEmpty ? nil : missing
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

  /// What the rows of each folder begin with: the experiment's name, or the folder where two share one.
  private static func names(of all: [StoredResults]) -> [String] {
    let names = all.map(\.experiment.name)
    return zip(all, names).map { results, name in
      names.count { $0 == name } == 1 ? name : results.path
    }
  }

  private static func check(_ other: StoredResults, against first: StoredResults) throws {
    let folders = [first.path, other.path]
    let names = folders.joined(separator: " and ")
    guard first.folder.url.path != other.folder.url.path else {
      throw ComparisonRefusal("\(folders[0]) is named twice")
    }
    guard first.folds == other.folds else {
      throw ComparisonRefusal(
        "\(names) were tested in \(first.folds) and \(other.folds) folds, so their scores are of "
          + "different images; run both with the same dataset section")
    }
    let questions = [first, other].map { results in
      Set(results.cells.flatMap(\.questions))
    }
    guard questions[0] == questions[1] else {
      throw ComparisonRefusal(
        "\(names) were tested on different images, questions or references, so their scores can't be "
          + "ranked; run both with the same dataset section")
    }
    let (a, b) = (first.experiment.config.evaluation, other.experiment.config.evaluation)
    guard Set(a.metrics) == Set(b.metrics),
      !a.metrics.contains(.meteor) || Set(a.meteorStages) == Set(b.meteorStages)
    else {
      throw ComparisonRefusal(
        "\(names) are scored differently: \(Self.scoring(a)), and \(Self.scoring(b)); make their "
          + "evaluation sections alike and run again, which trains nothing")
    }
  }

  /// "cider_d, meteor (exact, stem)".
  private static func scoring(_ evaluation: EvaluationConfig) -> String {
    let stages = evaluation.meteorStages.map(\.rawValue).joined(separator: ", ")
    return evaluation.metrics.map { $0.rawValue + ($0 == .meteor ? " (\(stages))" : "") }
      .joined(separator: ", ")
  }

  /// The tables in one of the formats of ``ResultTable``; `html` is a page.
  public func text(_ format: ComparisonFormat) throws -> String {
    let tables = summary.tables
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
    var arm = Arm(
      name: prefix + cell.arm.name, config: cell.arm.config, isControl: cell.arm.isControl)
    arm.label = cell.arm.label
    return FinishedCell(
      cell: Cell(
        arm: arm, seed: cell.seed, fold: cell.fold, config: cell.config, folder: cell.folder),
      outcome: outcome, answers: answers)
  }
}
