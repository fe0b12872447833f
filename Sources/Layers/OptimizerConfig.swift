import Configuration

/// The optimiser and its learning-rate schedule, from `optimizer:`.
///
/// Source of the defaults: PyTorch's AdamW and Adam, except for the clipping and the schedule.
public struct OptimizerConfig: ConfigSection {
  public enum Kind: String, ConfigChoice {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
    case adamw
    /// Adam with the decay in the gradient (Kingma and Ba 2015, arXiv:1412.6980).
    case adam

    /// The decay where none is given.
    var weightDecay: Double { self == .adamw ? 0.01 : 0 }
  }

  /// How long the rate rises in a straight line.
  public enum Warmup: Sendable, Equatable {
    case updates(Int)
    /// Of the stage's updates, rounded to the nearest whole update.
    case fraction(Double)
  }

  public var kind = Kind.adamw
  public var peakLearningRate = 1e-3
  public var schedule = LearningRateSchedule.Decay.cosine
  public var warmup = Warmup.fraction(0.05)
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  /// Unless set, the kind's: 0.01 for AdamW, 0 for Adam.
  public var weightDecay: Double {
    get { givenWeightDecay ?? kind.weightDecay }
    set { givenWeightDecay = newValue }
  }
  private var givenWeightDecay: Double?
  public var decaying = Adam.Decaying.all
  /// `nil` leaves gradients as they are.
  public var clipNorm: Double? = 1

  public init() {}

  public static let fields: [Field<Self>] = [
    .choice("kind", \.kind, "The method."),
    .number("peak_learning_rate", \.peakLearningRate, .positive, "Rate after warm-up, per update."),
    .choice("schedule", \.schedule, "How the rate falls after warm-up, to the stage's end."),
    .integer(
      "warmup_steps", \.warmupSteps, .atLeast(0),
      "Updates of linear warm-up. Give this or warmup_fraction."),
    .number(
      "warmup_fraction", \.warmupFraction, .range(0...1),
      "Linear warm-up as a fraction of the stage's updates. Give this or warmup_steps."),
    .number("beta1", \.beta1, .range(0..<1), "Decay of the mean gradient."),
    .number("beta2", \.beta2, .range(0..<1), "Decay of the mean squared gradient."),
    .number("epsilon", \.epsilon, .positive, "Added to the root of the mean squared gradient."),
    .number(
      "weight_decay", \.weightDecay, .atLeast(0),
      "adamw: decay times the rate; adam: part of the gradient. Unless given 0.01 for adamw, 0 for adam."),
    .choice(
      "weight_decay_on", \.decaying,
      "all: every weight decays; matrices: those of two axes or more, no biases, norms, temperatures."),
    .number(
      "clip_norm", \.clipNorm, .positive,
      "Largest L2 norm of all gradients together; null for no limit."),
  ]

  public static let alternatives = [["warmup_steps", "warmup_fraction"]]
}

extension OptimizerConfig {
  /// Updates of warm-up in a stage of `total` updates.
  public func warmupUpdates(of total: Int) -> Int {
    switch warmup {
    case .updates(let count): count
    case .fraction(let fraction): Int((fraction * Double(total)).rounded())
    }
  }

  /// The rates of a stage of so many updates.
  public func learningRates(updates: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      peak: peakLearningRate, decay: schedule, warmUpUpdates: warmupUpdates(of: updates),
      totalUpdates: updates)
  }

  /// What the optimiser needs beside the rates.
  public var options: Adam.Options {
    var options = Adam.Options()
    options.beta1 = beta1
    options.beta2 = beta2
    options.epsilon = epsilon
    options.weightDecay = weightDecay
    options.isDecoupled = kind == .adamw
    options.decaying = decaying
    options.clipNorm = clipNorm
    return options
  }

  // Two keys, one property: an arm that gives one of them overrides whichever the stage gave.
  private var warmupSteps: Int? {
    get { if case .updates(let count) = warmup { count } else { nil } }
    set { if let newValue { warmup = .updates(newValue) } }
  }

  private var warmupFraction: Double? {
    get { if case .fraction(let fraction) = warmup { fraction } else { nil } }
    set { if let newValue { warmup = .fraction(newValue) } }
  }
}
