import Foundation

/// A loss that is no number any more. The last checkpoint stays as it was.
public struct TrainingDiverged: Error, CustomStringConvertible, LocalizedError {
  public let stage: String
  /// The update, counted from 1, whose batch gave it.
  public let update: Int
  public let loss: Double

  public var description: String {
    "The training of \(stage) diverged: the loss is \(loss) at update \(update). Lower "
      + "peak_learning_rate, or clip the gradient's norm lower."
  }
  public var errorDescription: String? { description }
}
