extension RunSummary {
  /// One row of the comparison: a projector, or a control.
  public struct Arm: Codable, Equatable, Sendable {
    public var arm: String
    /// A row that shows what is earned without the projector's work: untrained, learned prompt,
    /// shuffled images.
    public var control: Bool
    public var visualTokens: Int
    public var trainableParameters: Int
    /// Of the forward pass of projector and language model, for one image and one caption of mean
    /// length; a multiply-add counts as two.
    public var flopsPerSample: Double?
    /// Training time on the clock, the sum over stages, the mean over seeds.
    public var seconds: Double?
    public var validationLoss: ValidationLoss
    /// By metric name, its variant included: `CIDEr-D`, `METEOR-1.5 (exact+stem)`.
    public var metrics: [String: Metric]

    /// How each stage trained it; empty for a row that is not trained.
    public var stages: [Stage]
    /// The epoch of the weights that were scored, counted from 1; of the first cell.
    public var bestEpoch: Int?
    public var note: String?

    public init(
      arm: String, control: Bool = false, visualTokens: Int, trainableParameters: Int,
      flopsPerSample: Double? = nil, seconds: Double? = nil,
      validationLoss: ValidationLoss = ValidationLoss(), metrics: [String: Metric] = [:],
      stages: [Stage] = [], bestEpoch: Int? = nil, note: String? = nil
    ) {
      self.arm = arm
      self.control = control
      self.visualTokens = visualTokens
      self.trainableParameters = trainableParameters
      self.flopsPerSample = flopsPerSample
      self.seconds = seconds
      self.validationLoss = validationLoss
      self.metrics = metrics
      self.stages = stages
      self.bestEpoch = bestEpoch
      self.note = note
    }

    enum CodingKeys: String, CodingKey {
      case arm
      case control
      case visualTokens = "visual_tokens"
      case trainableParameters = "trainable_parameters"
      case flopsPerSample = "flops_per_sample"
      case seconds
      case validationLoss = "validation_loss"
      case metrics
      case stages
      case bestEpoch = "best_epoch"
      case note
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      arm = try container.decode(String.self, forKey: .arm)
      control = try container.decode(Bool.self, forKey: .control)
      visualTokens = try container.decode(Int.self, forKey: .visualTokens)
      trainableParameters = try container.decode(Int.self, forKey: .trainableParameters)
      flopsPerSample = try container.decodeIfPresent(Double.self, forKey: .flopsPerSample)
      seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
      validationLoss = try container.decode(ValidationLoss.self, forKey: .validationLoss)
      metrics = try container.decode([String: Metric].self, forKey: .metrics)
      stages = try container.decodeIfPresent([Stage].self, forKey: .stages) ?? []
      bestEpoch = try container.decodeIfPresent(Int.self, forKey: .bestEpoch)
      note = try container.decodeIfPresent(String.self, forKey: .note)
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(arm, forKey: .arm)
      try container.encode(control, forKey: .control)
      try container.encode(visualTokens, forKey: .visualTokens)
      try container.encode(trainableParameters, forKey: .trainableParameters)
      try container.encode(flopsPerSample?.finite, forKey: .flopsPerSample)
      try container.encode(seconds?.finite, forKey: .seconds)
      try container.encode(validationLoss, forKey: .validationLoss)
      try container.encode(metrics, forKey: .metrics)
      if !stages.isEmpty { try container.encode(stages, forKey: .stages) }
      try container.encodeIfPresent(bestEpoch, forKey: .bestEpoch)
      try container.encodeIfPresent(note, forKey: .note)
    }
  }

  /// How one stage trained an arm.
  public struct Stage: Codable, Equatable, Sendable {
    public var name: String
    /// Parts that trained: `projector`, `language_model`, `encoder`.
    public var train: [String]
    /// What it learned from: `captions`, `questions`, `contrast`.
    public var data: String
    public var epochs: Int
    public var trainableParameters: Int
    /// Of encoder (where it is computed live), projector and language model.
    public var totalParameters: Int
    public var learningRate: Double
    /// "given", or what was searched: "searched 0.0003, 0.001, 0.003 on validation loss".
    public var rateSource: String

    public init(
      name: String, train: [String], data: String, epochs: Int, trainableParameters: Int,
      totalParameters: Int, learningRate: Double, rateSource: String
    ) {
      self.name = name
      self.train = train
      self.data = data
      self.epochs = epochs
      self.trainableParameters = trainableParameters
      self.totalParameters = totalParameters
      self.learningRate = learningRate
      self.rateSource = rateSource
    }

    enum CodingKeys: String, CodingKey {
      case name
      case train
      case data
      case epochs
      case trainableParameters = "trainable_parameters"
      case totalParameters = "total_parameters"
      case learningRate = "learning_rate"
      case rateSource = "rate_source"
    }
  }

  /// Mean loss a supervised token on the validation split, in nats.
  public struct ValidationLoss: Codable, Equatable, Sendable {
    /// At the checkpoint that was scored.
    public var best: Double?
    /// After the last epoch.
    public var final: Double?

    public init(best: Double? = nil, final: Double? = nil) {
      self.best = best
      self.final = final
    }

    enum CodingKeys: CodingKey {
      case best
      case final
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(best?.finite, forKey: .best)
      try container.encode(final?.finite, forKey: .final)
    }
  }

  /// A metric of one arm on the test split.
  public struct Metric: Codable, Equatable, Sendable {
    /// Mean over seeds.
    public var mean: Double?
    /// Standard deviation over seeds; `nil` for a single seed.
    public var std: Double?
    /// The 95 % interval over images, and over seeds and folds where there are several.
    public var ci95: Interval?
    public var perSeed: [Double]
    /// Mean over seeds in each fold; empty without folds.
    public var perFold: [Double]
    /// Standard deviation between folds; `nil` without folds.
    public var foldStd: Double?
    /// Wilson's 95 % interval over images, of a share such as accuracy; `nil` for another metric.
    public var wilson95: Interval?

    public init(
      mean: Double?, std: Double? = nil, ci95: Interval? = nil, perSeed: [Double] = [],
      perFold: [Double] = [], foldStd: Double? = nil, wilson95: Interval? = nil
    ) {
      self.mean = mean
      self.std = std
      self.ci95 = ci95
      self.perSeed = perSeed
      self.perFold = perFold
      self.foldStd = foldStd
      self.wilson95 = wilson95
    }

    enum CodingKeys: String, CodingKey {
      case mean
      case std
      case ci95
      case perSeed = "per_seed"
      case perFold = "per_fold"
      case foldStd = "fold_std"
      case wilson95
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      mean = try container.decodeIfPresent(Double.self, forKey: .mean)
      std = try container.decodeIfPresent(Double.self, forKey: .std)
      ci95 = try container.decodeIfPresent(Interval.self, forKey: .ci95)
      perSeed =
        try container.decodeIfPresent([Double?].self, forKey: .perSeed)?
        .map { $0 ?? .nan } ?? []
      perFold =
        try container.decodeIfPresent([Double?].self, forKey: .perFold)?
        .map { $0 ?? .nan } ?? []
      foldStd = try container.decodeIfPresent(Double.self, forKey: .foldStd)
      wilson95 = try container.decodeIfPresent(Interval.self, forKey: .wilson95)
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(mean?.finite, forKey: .mean)
      try container.encode(std?.finite, forKey: .std)
      try container.encode(ci95?.finite, forKey: .ci95)
      try container.encode(perSeed.map(\.finite), forKey: .perSeed)
      try container.encodeIfPresent(wilson95?.finite, forKey: .wilson95)
      guard !perFold.isEmpty else { return }
      try container.encode(perFold.map(\.finite), forKey: .perFold)
      try container.encode(foldStd?.finite, forKey: .foldStd)
    }
  }

  /// Two arms on one metric, paired over images.
  public struct Comparison: Codable, Equatable, Sendable {
    public var a: String
    public var b: String
    public var metric: String
    /// Score of `a` less score of `b`.
    public var difference: Double
    /// The 95 % interval of the paired difference.
    public var ci95: Interval
    /// Of paired approximate randomisation; `nil` where the metric is described and not tested.
    public var p: Double?
    /// `p` after Holm's correction over the pairs of the primary metric.
    public var pHolm: Double?
    /// Of the difference, over images, seeds and folds.
    public var standardError: Double?
    /// The smallest true difference that the test finds with power 0.8.
    public var smallestDetectable: Double?
    /// McNemar's test of a share; `nil` for another metric.
    public var mcNemar: McNemar?

    public init(
      a: String, b: String, metric: String, difference: Double, ci95: Interval, p: Double? = nil,
      pHolm: Double? = nil, standardError: Double? = nil, smallestDetectable: Double? = nil,
      mcNemar: McNemar? = nil
    ) {
      self.a = a
      self.b = b
      self.metric = metric
      self.difference = difference
      self.ci95 = ci95
      self.p = p
      self.pHolm = pHolm
      self.standardError = standardError
      self.smallestDetectable = smallestDetectable
      self.mcNemar = mcNemar
    }

    enum CodingKeys: String, CodingKey {
      case a
      case b
      case metric
      case difference
      case ci95
      case p
      case pHolm = "p_holm"
      case standardError = "standard_error"
      case smallestDetectable = "smallest_detectable"
      case mcNemar = "mcnemar"
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(a, forKey: .a)
      try container.encode(b, forKey: .b)
      try container.encode(metric, forKey: .metric)
      try container.encode(difference.finite, forKey: .difference)
      try container.encode(ci95, forKey: .ci95)
      try container.encode(p, forKey: .p)
      try container.encode(pHolm, forKey: .pHolm)
      try container.encodeIfPresent(standardError?.finite, forKey: .standardError)
      try container.encodeIfPresent(smallestDetectable?.finite, forKey: .smallestDetectable)
      try container.encodeIfPresent(mcNemar, forKey: .mcNemar)
    }
  }

  /// How many images each of two arms does better on, and the two-sided exact p.
  public struct McNemar: Codable, Equatable, Sendable {
    public var aBetter: Int
    public var bBetter: Int
    public var p: Double

    public init(aBetter: Int, bBetter: Int, p: Double) {
      self.aBetter = aBetter
      self.bBetter = bBetter
      self.p = p
    }

    enum CodingKeys: String, CodingKey {
      case aBetter = "a_better"
      case bBetter = "b_better"
      case p
    }
  }

  /// The ends of an interval; a list of two numbers in JSON.
  public struct Interval: Codable, Equatable, Sendable {
    public var low: Double
    public var high: Double

    public init(_ low: Double, _ high: Double) {
      self.low = low
      self.high = high
    }

    public init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      low = try container.decode(Double.self)
      high = try container.decode(Double.self)
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.unkeyedContainer()
      try container.encode(low)
      try container.encode(high)
    }

    var finite: Interval? { low.isFinite && high.isFinite ? self : nil }
  }
}

extension Double {
  /// `nil` for NaN and infinities, which JSON cannot hold.
  var finite: Double? { isFinite ? self : nil }
}
