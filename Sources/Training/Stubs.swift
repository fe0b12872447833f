import Foundation

public enum TensorBoardWriter {
  public static let folder = "tensorboard"
  static func write(_ records: [TrainingRecord], to folder: URL) throws {}
}
