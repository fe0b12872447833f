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

    public var learningRate: Double?
    /// How the rate was chosen: "given", "searched over 4 rates on validation loss".
    public var learningRateSource: String?
    public var peakMemoryBytes: Int?
    public var bestEpoch: Int?
    public var note: String?

    public init(
      arm: String, control: Bool = false, visualTokens: Int, trainableParameters: Int,
      flopsPerSample: Double? = nil, seconds: Double? = nil,
      validationLoss: ValidationLoss = ValidationLoss(), metrics: [String: Metric] = [:],
      learningRate: Double? = nil, learningRateSource: String? = nil, peakMemoryBytes: Int? = nil,
      bestEpoch: Int? = nil, note: String? = nil
    ) {
      self.arm = arm
      self.control = control
      self.visualTokens = visualTokens
      self.trainableParameters = trainableParameters
      self.flopsPerSample = flopsPerSample
      self.seconds = seconds
      self.validationLoss = validationLoss
      self.metrics = metrics
      self.learningRate = learningRate
      self.learningRateSource = learningRateSource
      self.peakMemoryBytes = peakMemoryBytes
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
      case learningRate = "learning_rate"
      case learningRateSource = "learning_rate_source"
      case peakMemoryBytes = "peak_memory_bytes"
      case bestEpoch = "best_epoch"
      case note
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
      try container.encodeIfPresent(learningRate?.finite, forKey: .learningRate)
      try container.encodeIfPresent(learningRateSource, forKey: .learningRateSource)
      try container.encodeIfPresent(peakMemoryBytes, forKey: .peakMemoryBytes)
      try container.encodeIfPresent(bestEpoch, forKey: .bestEpoch)
      try container.encodeIfPresent(note, forKey: .note)
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
    /// The 95 % interval over images.
    public var ci95: Interval?
    public var perSeed: [Double]

    public init(
      mean: Double?, std: Double? = nil, ci95: Interval? = nil, perSeed: [Double] = []
    ) {
      self.mean = mean
      self.std = std
      self.ci95 = ci95
      self.perSeed = perSeed
    }

    enum CodingKeys: String, CodingKey {
      case mean
      case std
      case ci95
      case perSeed = "per_seed"
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      mean = try container.decodeIfPresent(Double.self, forKey: .mean)
      std = try container.decodeIfPresent(Double.self, forKey: .std)
      ci95 = try container.decodeIfPresent(Interval.self, forKey: .ci95)
      perSeed =
        try container.decodeIfPresent([Double?].self, forKey: .perSeed)?
        .map { $0 ?? .nan } ?? []
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(mean?.finite, forKey: .mean)
      try container.encode(std?.finite, forKey: .std)
      try container.encode(ci95?.finite, forKey: .ci95)
      try container.encode(perSeed.map(\.finite), forKey: .perSeed)
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
    /// Of paired approximate randomisation.
    public var p: Double
    /// `p` after Holm's correction over all pairs.
    public var pHolm: Double

    public init(
      a: String, b: String, metric: String, difference: Double, ci95: Interval, p: Double,
      pHolm: Double
    ) {
      self.a = a
      self.b = b
      self.metric = metric
      self.difference = difference
      self.ci95 = ci95
      self.p = p
      self.pHolm = pHolm
    }

    enum CodingKeys: String, CodingKey {
      case a
      case b
      case metric
      case difference
      case ci95
      case p
      case pHolm = "p_holm"
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
