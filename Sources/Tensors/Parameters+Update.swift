import CKernels

/// What one update of Adam or AdamW multiplies by; ``Parameter/updateAdam(_:_:_:elements:)`` gives the
/// equations.
public struct AdamCoefficients: Sendable {
  public var learningRate: Double
  /// Multiplies the gradient first (clipping).
  public var gradientScale: Double
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  /// Whether the weight decays by itself (AdamW) or through its gradient (Adam with L2 regularisation).
  public var isDecoupled: Bool
  /// Which update this is, from 1.
  public var update: Int

  public init(
    learningRate: Double, gradientScale: Double = 1, beta1: Double, beta2: Double, epsilon: Double,
    weightDecay: Double, isDecoupled: Bool = true, update: Int
  ) {
    self.learningRate = learningRate
    self.gradientScale = gradientScale
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.update = update
  }
}

extension Parameter {
  /// Σ g² over some elements of the last gradient, in double precision and a fixed order; 0 if
  /// frozen.
  public func squaredGradient(elements: Range<Int>) -> Double {
    precondition(elements.upperBound <= count, "\(name) has \(count) values, not \(elements)")
    guard let gradient = store.gradientBase(of: self) else { return 0 }
    return dk_sum_squares(gradient + elements.lowerBound, elements.count)
  }

  /// One update of some elements, with g the gradient times its scale and t the update:
  ///
  ///     p ← p (1 − lr · decay)                       AdamW
  ///     g ← g + decay · p                            Adam
  ///     m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
  ///     p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
  ///
  /// Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, in the order of
  /// `torch.optim.AdamW` and `torch.optim.Adam`. Does nothing to a frozen weight. Not while lanes run.
  ///
  /// - Parameters:
  ///   - first: m, of this weight's size.
  ///   - second: v, of this weight's size.
  ///   - elements: those of one thread; others may update other elements meanwhile.
  public func updateAdam(
    _ first: Parameter, _ second: Parameter, _ coefficients: AdamCoefficients,
    elements: Range<Int>
  ) {
    precondition(
      first.count == count && second.count == count && elements.upperBound <= count,
      "\(name): the moments have the weight's size")
    guard let gradient = store.gradientBase(of: self) else { return }
    let start = elements.lowerBound
    let update = Double(coefficients.update)
    let kernel = coefficients.isDecoupled ? dk_adamw : dk_adam
    kernel(
      base + start, gradient + start, first.base + start, second.base + start, elements.count,
      Float(coefficients.gradientScale), coefficients.learningRate, coefficients.beta1,
      coefficients.beta2, Float(coefficients.epsilon), coefficients.weightDecay,
      1 - power(coefficients.beta1, update), 1 - power(coefficients.beta2, update))
  }
}
