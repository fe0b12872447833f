import Configuration
import Tensors

/// Adam (Kingma & Ba 2015, arXiv:1412.6980) with decoupled weight decay (AdamW: Loshchilov & Hutter 2019,
/// arXiv:1711.05101) or with the decay in the gradient, as `torch.optim.AdamW` and `torch.optim.Adam`
/// with the gradient norm clipped as `torch.nn.utils.clip_grad_norm_` does.
///
/// The bits of an update don't depend on the number of threads: the work is cut into fixed blocks, and
/// the norm's partial sums are added in the order of the weights.
public final class Adam {
  /// Which weights decay.
  public enum Decaying: String, ConfigChoice {
    /// Biases and norms too, as in PyTorch when no groups are made.
    case all
    /// Weights of two axes or more: neither biases nor norms nor single numbers (a temperature).
    case matrices
  }

  public struct Options: Sendable, Hashable {
    public var beta1 = 0.9
    public var beta2 = 0.999
    public var epsilon = 1e-8
    public var weightDecay = 0.01
    /// AdamW's decay; else the decay is part of the gradient, after clipping.
    public var isDecoupled = true
    public var decaying = Decaying.all
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

  /// The L2 norm of all gradients together, before clipping: what ``step(learningRate:norm:)`` clips by.
  ///
  /// Not finite where any gradient is not: look before a step, which would spoil the weights.
  public func gradientNorm() -> Double {
    let (blocks, parameters) = (blocks, parameters)
    let squares = executor.map(count: blocks.count) { index in
      parameters[blocks[index].weight].squaredGradient(elements: blocks[index].elements)
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// Whether a step by gradients of this norm leaves finite moments: the squares that they sum are
  /// float32.
  public func canStep(norm: Double) -> Bool {
    let clipped = norm * scale(norm: norm)
    return Float(clipped * clipped).isFinite
  }

  private func scale(norm: Double) -> Double {
    options.clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
  }

  /// Updates the weights by their gradients.
  ///
  /// - Parameters:
  ///   - learningRate: of this update.
  ///   - norm: what ``gradientNorm()`` gave for these gradients.
  public func step(learningRate: Double, norm: Double) {
    let (blocks, parameters, first, second) = (blocks, parameters, first, second)
    updates += 1
    var coefficients = AdamCoefficients(
      learningRate: learningRate, gradientScale: scale(norm: norm), beta1: options.beta1,
      beta2: options.beta2, epsilon: options.epsilon, weightDecay: options.weightDecay,
      isDecoupled: options.isDecoupled, update: updates)
    let decaying = coefficients
    coefficients.weightDecay = 0
    let still = coefficients
    let decays = parameters.map { options.decaying == .all || $0.shape.count > 1 }
    executor.run(count: blocks.count) { index in
      let weight = blocks[index].weight
      parameters[weight].updateAdam(
        first[weight], second[weight], decays[weight] ? decaying : still,
        elements: blocks[index].elements)
    }
  }

  /// Updates the weights by their gradients.
  ///
  /// - Returns: the gradients' norm before clipping.
  @discardableResult
  public func step(learningRate: Double) -> Double {
    let norm = gradientNorm()
    step(learningRate: learningRate, norm: norm)
    return norm
  }
}
