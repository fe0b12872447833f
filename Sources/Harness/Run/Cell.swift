import Configuration
import Foundation
import Reports
import Storage
import Training

/// One arm × seed × fold × set of changes: trained, answered and kept by itself.
///
/// What decides its weights is told apart from what decides its answers: more test images, another way to
/// decode or another metric never train again.
public struct Cell: Sendable {
  public let arm: Arm
  public let seed: Int
  /// From 0; nil without folds.
  public let fold: Int?
  /// The experiment with this cell's swept values.
  let config: ExperimentConfig
  let folder: CellFolder
  /// How the rates were chosen, for the tables.
  var rateSource = "given"

  /// `seed-0`, `seed-0-fold-2`, `seed-0-fold-2-queries=16`.
  static func name(seed: Int, fold: Int?, label: String) -> String {
    "seed-\(seed)" + (fold.map { "-fold-\($0)" } ?? "")
      + (label.isEmpty ? "" : "-" + Experiment.folderName(label))
  }

  /// For people: "qformer (queries=16), seed 0, fold 2".
  var title: String { "\(arm.row), seed \(seed)" + (fold.map { ", fold \($0)" } ?? "") }

  /// As the tables name it where it is missing.
  var shortTitle: String { "\(arm.row)/\(Self.name(seed: seed, fold: fold, label: ""))" }

  /// Every setting that decides the weights, as `config.yaml` keeps it.
  ///
  /// - Parameter limit: updates after which each stage ends.
  func trainingSettings(limit: Int?) -> ConfigNode {
    var entries = [
      ConfigNode.Entry("arm", arm.config.resolved),
      ConfigNode.Entry("stages", ConfigNode(.sequence(config.training.stages.map(\.resolved)))),
      ConfigNode.Entry("lanes", .plain("\(config.training.lanes)")),
      ConfigNode.Entry("features", .plain(config.training.features.rawValue)),
      ConfigNode.Entry("checkpoint", .plain(config.training.checkpoint.rawValue)),
      ConfigNode.Entry("seed", .plain("\(seed)")),
    ]
    if config.training.learnsContrast {
      entries.append(ConfigNode.Entry("contrast", config.training.contrast.resolved))
    }
    if let fold { entries.append(ConfigNode.Entry("fold", .plain("\(fold)"))) }
    if let limit { entries.append(ConfigNode.Entry("steps", .plain("\(limit)"))) }
    entries.append(ConfigNode.Entry("numeric_version", .plain("\(NumericVersion.current)")))
    return ConfigNode(.mapping(entries))
  }

  /// Digest of everything that decides the weights.
  func weightsDigest(_ inputs: ExperimentInputs, limit: Int?) throws -> String {
    var hasher = DigestHasher()
    hasher.update(field: "inputs", try inputs.trainingDigest(fold: fold))
    hasher.update(field: "arm", arm.name)
    hasher.update(field: "settings", trainingSettings(limit: limit).yaml)
    return hasher.finalize()
  }

  /// Digest of everything that decides the answers.
  func answersDigest(_ inputs: ExperimentInputs, weights: String) throws -> String {
    var hasher = DigestHasher()
    hasher.update(field: "weights", weights)
    hasher.update(field: "test", try inputs.testDigest(fold: fold))
    hasher.update(field: "data", config.answeredData.rawValue)
    hasher.update(field: "decode", config.evaluation.decode.resolved.yaml)
    hasher.update(field: "labels", config.evaluation.labels?.resolved.yaml ?? "")
    hasher.update(field: "pairs", "\(config.evaluation.pairs)")
    hasher.update(field: "controls", "\(config.evaluation.controls)")
    hasher.update(field: "seed", String(config.evaluation.seed))
    return hasher.finalize()
  }
}

/// What one cell came to: `metrics.json`. With the captions beside it, it is all that a table needs.
public struct CellOutcome: Codable, Sendable, Equatable {
  /// Digest of everything that decides the weights.
  public var weightsDigest: String
  /// Digest of everything that decides the answers.
  public var answersDigest: String
  /// Of `captions.jsonl`, byte by byte.
  public var answersFileDigest: String
  public var arm: String
  public var seed: Int
  public var fold: Int?
  public var isControl: Bool
  public var visualTokens: Int
  /// Forward pass of projector and language model for one example and one answer of mean length.
  public var flopsPerSample: Double
  public var trainableParameters: Int
  public var stages: [RunSummary.Stage]
  public var bestValidationLoss: Double?
  public var finalValidationLoss: Double?
  public var bestEpoch: Int?
  public var seconds: Double
  /// Updates after which each stage was ended by `--steps`.
  public var steps: Int?
  /// Corpus scores by row (`trained`, `untrained`, `shuffled`) and metric.
  public var scores: [String: [String: Double]] = [:]

  enum CodingKeys: String, CodingKey {
    case arm, seed, fold, stages, seconds, steps, scores
    case weightsDigest = "weights_digest"
    case answersDigest = "answers_digest"
    case answersFileDigest = "captions_digest"
    case isControl = "control"
    case visualTokens = "visual_tokens"
    case flopsPerSample = "flops_per_sample"
    case trainableParameters = "trainable_parameters"
    case bestValidationLoss = "best_validation_loss"
    case finalValidationLoss = "final_validation_loss"
    case bestEpoch = "best_epoch"
  }

  func write(to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(self) + Data("\n".utf8), to: url)
  }

  static func read(_ url: URL) -> CellOutcome? {
    (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(CellOutcome.self, from: $0) }
  }
}

/// Rows of answers that a cell has.
enum AnswerRow: String, CaseIterable {
  case trained
  case untrained
  case shuffled
}

/// One line of `captions.jsonl`: what an arm said about one test example, or at one turn of a dialogue.
public struct AnswerRecord: Codable, Sendable, Equatable {
  /// The example's id.
  public var image: Identifier
  /// The example's first medium, where that has another name: questions on one image share it.
  public var medium: Identifier?
  public var question: String?
  /// What the question is about.
  public var kind: String?
  /// By row of the table: `trained`, `untrained`, `shuffled`.
  public var captions: [String: String]
  public var references: [String]
  /// By row, how the example's media compare with the test's captions, where that is asked for.
  public var pairs: [String: PairRecord]?
}

/// How one test image compares with every caption of the test, and its captions with every image.
public struct PairRecord: Codable, Sendable, Equatable {
  /// Cosine with the image's own captions, and with the others, means.
  public var matched: Double
  public var mismatched: Double
  /// Of the best of the image's captions among all captions, from 1.
  public var imageToText: Int
  /// Of the image among all images, for each of its captions.
  public var textToImage: [Int]

  enum CodingKeys: String, CodingKey {
    case matched, mismatched
    case imageToText = "image_to_text"
    case textToImage = "text_to_image"
  }
}

/// Cosines of some test images with their first captions: `similarities.json`.
struct SimilarityRecord: Codable, Sendable {
  var captions: [String]
  /// By row (`untrained`, `trained`), `[image][caption]`.
  var cosines: [String: [[Float]]]

  static func read(_ url: URL) -> SimilarityRecord? {
    (try? Data(contentsOf: url)).flatMap {
      try? JSONDecoder().decode(SimilarityRecord.self, from: $0)
    }
  }
}

/// A cell that ended without a result: `failure.json`.
struct CellFailure: Codable, Sendable {
  var weightsDigest: String
  var message: String

  enum CodingKeys: String, CodingKey {
    case message
    case weightsDigest = "weights_digest"
  }
}

/// A cell that is done, from its small files.
struct FinishedCell: Sendable {
  let cell: Cell
  var outcome: CellOutcome
  let answers: [AnswerRecord]

  init(cell: Cell, outcome: CellOutcome, answers: [AnswerRecord]) {
    self.cell = cell
    self.outcome = outcome
    self.answers = answers
  }

  /// nil unless the small files are there, whole, and of these digests.
  init?(_ cell: Cell, weights: String, answers digest: String) {
    guard let outcome = CellOutcome.read(cell.folder.metrics),
      outcome.weightsDigest == weights, outcome.answersDigest == digest,
      let fileDigest = try? Digest.ofFile(cell.folder.answers),
      fileDigest == outcome.answersFileDigest,
      let answers = try? JSONLines.read(AnswerRecord.self, from: cell.folder.answers)
    else { return nil }
    self.init(cell: cell, outcome: outcome, answers: answers)
  }
}

/// What is known of a cell before it runs.
struct KnownCell: Sendable {
  /// Digest of everything that decides its weights.
  let weights: String
  /// Digest of everything that decides its answers.
  let answers: String
  /// nil: it has still to run.
  let finished: FinishedCell?

  init(_ cell: Cell, _ inputs: ExperimentInputs, limit: Int?) throws {
    weights = try cell.weightsDigest(inputs, limit: limit)
    answers = try cell.answersDigest(inputs, weights: weights)
    finished = FinishedCell(cell, weights: weights, answers: answers)
  }
}
