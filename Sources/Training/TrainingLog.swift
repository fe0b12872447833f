import Foundation
import Storage

/// One line of `log.jsonl`: an update, or the end of an epoch when `validationLoss` is set.
public struct TrainingRecord: Codable, Sendable, Equatable {
  public var stage: Int
  public var epoch: Int
  public var update: Int
  /// Over all stages.
  public var totalUpdate: Int
  /// Mean over the batch's supervised units.
  public var loss: Double?
  public var learningRate: Double?
  /// Before clipping.
  public var gradientNorm: Double?
  public var validationLoss: Double?
  /// Share of the validation's supervised tokens that are the likeliest ones.
  public var validationAccuracy: Double?
  /// Training time so far, in seconds, over all sittings.
  public var seconds: Double

  enum CodingKeys: String, CodingKey {
    case stage, epoch, update, loss, seconds
    case totalUpdate = "total_update"
    case learningRate = "learning_rate"
    case gradientNorm = "gradient_norm"
    case validationLoss = "validation_loss"
    case validationAccuracy = "validation_accuracy"
  }
}

/// `log.jsonl`, rewritten with each checkpoint so that it never runs ahead of one.
struct TrainingLog {
  private let url: URL
  private(set) var records: [TrainingRecord]

  /// Reads what an earlier sitting wrote, up to the checkpoint's record count.
  /// - Throws: ``CheckpointError`` when it lacks some of them.
  init(url: URL, keeping count: Int) throws {
    self.url = url
    records = []
    guard count > 0 else { return }
    records = (try? TrainingRecord.read(url).prefix(count)).map(Array.init) ?? []
    guard records.count == count else {
      throw CheckpointError(
        "The training log \(url.path) is missing or damaged: the checkpoint beside it speaks of "
          + "\(count) records. Start again with --fresh.")
    }
  }

  mutating func append(_ record: TrainingRecord) { records.append(record) }

  func write() throws {
    try JSONLines.write(records, to: url)
  }
}

extension TrainingRecord {
  /// The records of a run's `log.jsonl`.
  public static func read(_ url: URL) throws -> [TrainingRecord] {
    try JSONLines.read(Self.self, from: url)
  }
}
