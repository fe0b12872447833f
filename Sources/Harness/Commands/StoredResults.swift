import Configuration
import Foundation
import Storage
import Training

/// What lies in a results folder: its experiment, the cells that are whole, and those that are not.
///
/// A cell counts by its small files alone; no checkpoint, data set or model is read. Cells of seeds or arms that
/// the experiment no longer names are left out, and so are those whose arm or stages have other settings now.
struct StoredResults: Sendable {
  let folder: ResultsFolder
  /// As it was named.
  let path: String
  let experiment: Experiment
  let cells: [FinishedCell]
  /// "mlp/seed-1: the loss is nan at update 12", as the tables name them.
  let missing: [String]
  /// How many of the missing ones failed.
  let failures: Int
  /// That there are in all; 1 without.
  let folds: Int

  /// - Throws: ``ComparisonRefusal`` for a folder without results, ``ConfigError`` for its experiment.
  init(_ url: URL) throws {
    folder = ResultsFolder(url.standardizedFileURL)
    path = url.relativePath
    guard FileManager.default.fileExists(atPath: folder.experiment.path) else {
      throw ComparisonRefusal(
        "\(path) is no results folder: it has no experiment.yaml. "
          + "`dragoman run` makes one.")
    }
    // Paths of data and models may lead nowhere here, and nothing of them is read.
    experiment = try Experiment.load(folder.experiment.path, environment: .anything)
    let config = experiment.config
    folds = config.dataset.foldCount
    let numbers: [Int?] = folds > 1 ? Array(0..<folds) : [nil]
    var cells: [FinishedCell] = []
    var missing: [String] = []
    var failures = 0
    for arm in Arm.arms(of: config) {
      for label in folder.labels(of: arm.name) {
        var arm = arm
        arm.label = label
        for seed in config.training.seeds {
          for fold in numbers {
            let place = folder.cell(
              arm: arm.name, Cell.name(seed: seed, fold: fold, label: label))
            let cell = Cell(arm: arm, seed: seed, fold: fold, config: config, folder: place)
            if cell.hasOwnSettings, let finished = FinishedCell(stored: cell) {
              cells.append(finished)
            } else if let failure = CellFailure.read(place.failure) {
              failures += 1
              missing.append("\(cell.shortTitle): \(failure.message)")
            } else {
              missing.append("\(cell.shortTitle): not run")
            }
          }
        }
      }
    }
    guard !cells.isEmpty else {
      throw ComparisonRefusal(
        "\(path) has no finished cell: ARM/seed-N with "
          + "metrics.json and captions.jsonl that belong together")
    }
    self.cells = cells
    self.missing = missing
    self.failures = failures
  }
}

extension ResultsFolder {
  /// The swept values whose cells an arm has here, as folder names write them; none swept if none are here.
  fileprivate func labels(of arm: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: url.appending(path: arm).path(percentEncoded: false))
    let labels = (names ?? []).sorted().compactMap { name in
      name.wholeMatch(of: /seed-[0-9]+(-fold-[0-9]+)?(-(?<label>.+))?/).map { match in
        match.output.label.map(String.init) ?? ""
      }
    }
    var seen: Set<String> = []
    return labels.isEmpty ? [""] : labels.filter { seen.insert($0).inserted }
  }
}

extension Cell {
  /// Whether `config.yaml`, where there is one, says what the experiment says of arm and stages. What is swept or
  /// searched is only known there.
  fileprivate var hasOwnSettings: Bool {
    guard arm.label.isEmpty, config.search == nil,
      let text = try? String(contentsOf: folder.config, encoding: .utf8),
      let written = try? YAMLReader.node(from: text, file: folder.config.path)
    else { return true }
    let settings = trainingSettings(limit: nil)
    return ["arm", "stages"].allSatisfy { key in
      guard let old = written[key], let new = settings[key] else { return false }
      return old.differences(to: new).isEmpty
    }
  }
}

extension FinishedCell {
  /// By its own word; nil unless the small files are there, whole, and belong together.
  fileprivate init?(stored cell: Cell) {
    guard let outcome = CellOutcome.read(cell.folder.metrics) else { return nil }
    self.init(cell, weights: outcome.weightsDigest, answers: outcome.answersDigest)
  }

  /// What was asked of which image, in this fold, and what would be right.
  var questions: Set<AskedQuestion> {
    Set(
      answers.map {
        AskedQuestion(
          fold: cell.fold, image: $0.image, question: $0.question, references: $0.references)
      })
  }
}

/// One item of a test: results that share all of theirs can be ranked.
struct AskedQuestion: Hashable {
  let fold: Int?
  let image: Identifier
  let question: String?
  let references: [String]
}

extension CellFailure {
  fileprivate static func read(_ url: URL) -> CellFailure? {
    (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(CellFailure.self, from: $0) }
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
