import Synchronization
import Tensors

/// Reads the weights of a checkpoint into a store, several at a time.
///
/// A model is built first: every weight's presence and shape is checked as it is asked for, and the
/// values are read afterwards by ``run(on:)``, since most of the time goes to the first touch of
/// their pages.
public final class CheckpointReader: Sendable {
  public typealias Read =
    @Sendable (_ name: String, _ values: WeightBuffer) throws -> Void

  /// What is wrong with a weight that a model asks for.
  public enum Mismatch: Sendable, Hashable {
    case missing
    case shape(found: [Int], expected: [Int])
  }

  /// The error to throw for a weight.
  public typealias Refusal = @Sendable (_ name: String, _ mismatch: Mismatch) -> any Error

  // The buffers stay valid while the store lives, and no two overlap.
  private struct Pending: @unchecked Sendable {
    let name: String
    let values: WeightBuffer
  }
  private let shape: @Sendable (String) -> [Int]?
  private let read: Read
  private let refusal: Refusal
  private let pending = Mutex<[Pending]>([])

  /// - Parameters:
  ///   - shape: of the weight of that name; nil when there is none.
  ///   - refusal: puts a mismatch into the model's own words.
  public init(
    shape: @escaping @Sendable (String) -> [Int]?, read: @escaping Read,
    refusal: @escaping Refusal
  ) {
    self.shape = shape
    self.read = read
    self.refusal = refusal
  }

  /// - Parameters:
  ///   - path: the checkpoint's, for a ``CheckpointReaderError``.
  ///   - shape: of the weight of that name; nil when there is none.
  public convenience init(
    path: String, shape: @escaping @Sendable (String) -> [Int]?, read: @escaping Read
  ) {
    self.init(shape: shape, read: read) { name, mismatch in
      switch mismatch {
      case .missing:
        CheckpointReaderError(
          description: "\(path) has no weight \(name): config.json describes another model.")
      case .shape(let found, let expected):
        CheckpointReaderError(
          description: "\(path): \(name) has shape \(found), config.json asks for \(expected).")
      }
    }
  }

  /// The scope that a model is built in; its weights have values after ``run(on:)``.
  public func scope(store: ParameterStore, prefix: String = "") -> ParameterScope {
    ParameterScope(
      store: store, prefix: prefix,
      format: { name, expected, values in
        guard let found = self.shape(name) else {
          throw self.refusal(name, .missing)
        }
        guard found == expected else {
          throw self.refusal(name, .shape(found: found, expected: expected))
        }
        guard !values.isEmpty else { return }
        let read = Pending(name: name, values: values)
        self.pending.withLock { $0.append(read) }
      })
  }

  public func run(on executor: LaneExecutor) throws {
    // Large ones first, so that no thread is left with one at the end.
    let ordered = pending.withLock { $0 }.sorted { $0.values.count > $1.values.count }
    _ = try executor.map(count: ordered.count) { index in
      try read(ordered[index].name, ordered[index].values)
    }
  }
}

/// A checkpoint that does not hold what `config.json` describes.
public struct CheckpointReaderError: Error, Equatable, CustomStringConvertible {
  public let description: String
}
