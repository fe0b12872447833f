import Tensors

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), as
/// `torch.optim.AdamW` with the gradient norm clipped as `torch.nn.utils.clip_grad_norm_` does.
///
/// Every weight decays, biases and norms too, as in PyTorch when no groups are made. The bits of an
/// update don't depend on the number of threads: the work is cut into fixed blocks, and the norm's
/// partial sums are added in the order of the weights.
public final class AdamW {
  public struct Options: Sendable, Hashable {
    public var beta1 = 0.9
    public var beta2 = 0.999
    public var epsilon = 1e-8
    public var weightDecay = 0.01
    /// The largest L2 norm of all gradients together; nil leaves them as they are.
    public var clipNorm: Double?

    public init() {}
  }

  /// One piece of work: some elements of one weight.
  private struct Block: Sendable {
    let weight: Int
    let elements: Range<Int>
  }

  public let options: Options
  /// The weights it updates.
  public let parameters: [Parameter]
  /// How many updates were made. Set it, and assign ``state``, to go on from a checkpoint.
  public var updates = 0

  private let first: [Parameter]
  private let second: [Parameter]
  private let executor: LaneExecutor
  private let blocks: [Block]

  /// - Parameter parameters: each once; those that are frozen at an update are left alone.
  public init(
    _ parameters: [Parameter], options: Options = Options(),
    executor: LaneExecutor = LaneExecutor(threads: 1)
  ) {
    self.parameters = parameters
    self.options = options
    self.executor = executor
    let store = ParameterStore()
    func moment(_ name: String, of parameter: Parameter) -> Parameter {
      store.add("\(name).\(parameter.name)", shape: parameter.shape) { $0.update(repeating: 0) }
    }
    first = parameters.map { moment("exp_avg", of: $0) }
    second = parameters.map { moment("exp_avg_sq", of: $0) }
    let size = 1 << 16
    blocks = parameters.indices.flatMap { weight in
      let count = parameters[weight].count
      return stride(from: 0, to: count, by: size).map {
        Block(weight: weight, elements: $0..<min($0 + size, count))
      }
    }
  }

  /// The moments by the names PyTorch gives them: `exp_avg.NAME` and `exp_avg_sq.NAME`, NAME being
  /// the weight's. With ``updates``, all that a checkpoint needs.
  public var state: [Parameter] { zip(first, second).flatMap { [$0, $1] } }

  /// Updates the weights by their gradients.
  ///
  /// - Parameter learningRate: of this update.
  /// - Returns: the L2 norm of all gradients together, before clipping.
  @discardableResult
  public func step(learningRate: Double) -> Double {
    let (blocks, parameters, first, second) = (blocks, parameters, first, second)
    let squares = executor.map(count: blocks.count) { index in
      parameters[blocks[index].weight].squaredGradient(elements: blocks[index].elements)
    }
    let norm = squares.reduce(0, +).squareRoot()
    updates += 1
    let coefficients = AdamWCoefficients(
      learningRate: learningRate,
      gradientScale: options.clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1,
      beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
      weightDecay: options.weightDecay, update: updates)
    executor.run(count: blocks.count) { index in
      let weight = blocks[index].weight
      parameters[weight].updateAdamW(
        first[weight], second[weight], coefficients, elements: blocks[index].elements)
    }
    return norm
  }
}
