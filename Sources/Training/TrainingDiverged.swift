import Foundation

/// A loss or gradient that is no number any more. Nothing of it was kept: the last checkpoint is whole.
public struct TrainingDiverged: Error, CustomStringConvertible, LocalizedError {
  public let stage: String
  /// The update, counted from 1, whose batch gave it.
  public let update: Int
  /// Of the batch.
  public var loss: Double?
  /// Of the batch, before clipping.
  public var gradientNorm: Double?
  /// After the update.
  public var validationLoss: Double?
  /// The batch, by places in the stage's data.
  public var samples: [Int] = []

  public var description: String {
    var values: [String] = []
    if let loss { values.append("the loss is \(loss)") }
    if let gradientNorm { values.append("the gradient's norm \(gradientNorm)") }
    if let validationLoss { values.append("the validation loss is \(validationLoss)") }
    let batch =
      samples.isEmpty
      ? ""
      : " (samples \(samples.prefix(8).map(String.init).joined(separator: ", "))"
        + (samples.count > 8 ? ", …)" : ")")
    return "the training of \(stage) diverged: \(values.joined(separator: ", ")) at update "
      + "\(update)\(batch). Lower peak_learning_rate, or clip the gradient's norm lower"
  }
  public var errorDescription: String? { description }
}

/// A validation set whose loss is a mean over nothing.
public struct NothingToValidate: Error, CustomStringConvertible, LocalizedError {
  public let stage: String

  public var description: String {
    "the validation data of \(stage) has no supervised token: every answer is empty, or cut by "
      + "max_text_tokens"
  }
  public var errorDescription: String? { description }
}

/// A part of the model that is to train and gets no gradient.
public struct NoGradient: Error, CustomStringConvertible, LocalizedError {
  public let stage: String
  public let part: String

  public var description: String {
    "no gradient reaches the \(part) in \(stage): its weights would stay as they are. Does the loss "
      + "depend on it?"
  }
  public var errorDescription: String? { description }
}
