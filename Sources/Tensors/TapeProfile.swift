/// Where the time of a tape goes, by kind of operation: forward from the end of one operation to the end of
/// the next, backward for each by itself.
///
/// It belongs to one tape, as a tape does to one thread. Measuring costs two readings of the clock an
/// operation.
public final class TapeProfile {
  /// All operations of one kind.
  public struct Part: Sendable, Hashable {
    /// `linear 576→1536, frozen`, `attention`, `norms`, …
    public let name: String
    public var calls = 0
    public var seconds = 0.0
    /// Multiplications and additions of products; of other operations 0.
    public var flops = 0.0
    /// Read and written, each tensor and weight once an operation.
    public var bytes = 0.0

    public init(name: String) { self.name = name }
  }

  /// By name, in the order in which they first came.
  public private(set) var parts: [Part] = []
  private var places: [String: Int] = [:]
  private var last: ContinuousClock.Instant

  public init() { last = .now }

  /// The time from here on belongs to the next operation.
  public func start() { last = .now }

  func note(_ work: OperationWork, isBackward: Bool) {
    let now = ContinuousClock.now
    let taken = last.duration(to: now).components
    last = now
    let name = work.name + (isBackward ? ", backward" : "")
    let place = places[name] ?? parts.count
    if place == parts.count {
      parts.append(Part(name: name))
      places[name] = place
    }
    parts[place].calls += 1
    parts[place].seconds += Double(taken.seconds) + Double(taken.attoseconds) / 1e18
    parts[place].flops += isBackward ? work.backwardFLOPs : work.flops
    parts[place].bytes += isBackward ? 2 * work.bytes : work.bytes
  }
}

/// What an operation has to do.
struct OperationWork {
  let name: String
  var flops = 0.0
  /// Without the weights' gradients, which are computed after the backward pass.
  var backwardFLOPs = 0.0
  var bytes = 0.0
}

extension Operation {
  /// - Parameter tape: knows which inputs need a gradient.
  func work(on tape: Tape) -> OperationWork {
    switch self {
    case .linear(let operation): return operation.work(on: tape)
    case .attention(let operation): return operation.work
    case .crossEntropy(let operation): return operation.work
    case .product(let operation):
      let flops = 2.0 * Double(operation.output.count * operation.a.width)
      return OperationWork(
        name: "product", flops: flops, backwardFLOPs: 2 * flops,
        bytes: bytes(operation.a, operation.b, operation.output))
    case .layerNorm(let operation):
      return OperationWork(name: "norms", bytes: bytes(operation.input, operation.output))
    case .rmsNorm(let operation):
      return OperationWork(name: "norms", bytes: bytes(operation.input, operation.output))
    case .rotary(let operation):
      return OperationWork(name: "rotary", bytes: 2 * bytes(operation.output))
    case .swiglu(let operation):
      return OperationWork(name: "activations", bytes: 3 * bytes(operation.output))
    case .activation(let operation):
      return OperationWork(name: "activations", bytes: 2 * bytes(operation.output))
    case .embedding(let operation):
      return OperationWork(name: "embedding", bytes: 2 * bytes(operation.output))
    default: return OperationWork(name: "rows, sums and others")
    }
  }

  private func bytes(_ tensors: Tensor...) -> Double {
    tensors.reduce(0) { $0 + 4 * Double($1.count) }
  }
}

extension LinearOperation {
  fileprivate func work(on tape: Tape) -> OperationWork {
    let flops = 2 * Double(input.rows) * Double(weight.count)
    return OperationWork(
      name: "linear \(input.width)→\(output.width), \(weight.isTrainable ? "trained" : "frozen")",
      flops: flops, backwardFLOPs: tape.needsGradient(input) ? flops : 0,
      bytes: 4 * Double(input.count + output.count) + Double(weight.byteCount))
  }
}

extension AttentionOperation {
  /// Two products forward; backward the first again and four more.
  fileprivate var work: OperationWork {
    let pairs = tiles.reduce(0) { $0 + $1.queries.count * $1.columns }
    let product = 2 * Double(pairs) * Double(queries.width)
    return OperationWork(
      name: "attention", flops: 2 * product, backwardFLOPs: 5 * product,
      bytes: 4 * Double(queries.count + keys.count + values.count + output.count))
  }
}

extension CrossEntropyOperation {
  /// The gradient of the hidden states is computed with the loss.
  fileprivate var work: OperationWork {
    let product = 2 * Double(hidden.rows) * Double(weight.count)
    return OperationWork(
      name: "head and loss", flops: hiddenGradient == nil ? product : 2 * product,
      bytes: 4 * Double(hidden.rows * weight.shape[0]) + Double(weight.byteCount))
  }
}
