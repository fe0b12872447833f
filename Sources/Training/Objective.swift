import Layers
import Tensors

/// What a stage minimises: a sum over the supervised units of a batch, divided by their number.
///
/// The stage trainer cuts batches and lanes, so an objective sees samples by number only.
public protocol Objective: Sendable {
  /// How many samples an epoch goes through.
  var sampleCount: Int { get }

  /// Supervised units (tokens, pairs) of one sample: the denominator of the mean, known before any lane
  /// runs.
  func units(of sample: Int, draw: RandomKey) -> Int

  /// Records the summed loss of the samples times `scale`.
  ///
  /// - Parameters:
  ///   - draw: names the random choices of this pass over the data (which caption); the same key must give
  ///     the same choices here and in ``units(of:draw:)``. Dropout takes the context's key.
  ///   - scale: 1 / the units of the whole batch.
  /// - Throws: what reading a medium throws.
  func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) throws -> Loss

  /// Leaves the gradients of a batch's mean loss in the parameters, computed on all lanes.
  ///
  /// The default cuts the batch into lanes; an objective whose samples see each other replaces it.
  ///
  /// - Parameters:
  ///   - draw: of this pass over the data.
  ///   - update: of this update alone: dropout's masks differ by update and by lane.
  /// - Returns: the mean loss.
  func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, update: RandomKey, lanes: Lanes
  ) throws -> Double

  /// Called after each update of the weights.
  func afterUpdate()

  /// Samples in one forward pass of ``meanLoss(group:executor:pool:shouldStop:)``, in a stage of this batch
  /// size. What samples that see each other give depends on it.
  func evaluationGroup(batchSize: Int) -> Int
}

extension Objective {
  public func afterUpdate() {}

  public func evaluationGroup(batchSize: Int) -> Int { 4 }

  public func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, update: RandomKey, lanes: Lanes
  ) throws -> Double {
    let units = batch.reduce(0) { $0 + self.units(of: $1, draw: draw) }
    let scale = 1 / Float(max(units, 1))
    let shares = Lanes.split(batch.count, lanes: lanes.count)
    return try lanes.gradients(of: parameters) { lane, tape in
      guard !shares[lane].isEmpty else { return nil }
      let context = Context(tape: tape, mode: .training, random: update.numbered(lane))
      return try loss(of: Array(batch[shares[lane]]), draw: draw, scale: scale, in: context)
    }
  }

  /// The mean loss over all samples, nothing trained, and the share of supervised tokens that are the
  /// likeliest ones, where the objective is about tokens.
  ///
  /// - Parameters:
  ///   - group: samples in one forward pass; part of the result's bits.
  ///   - shouldStop: asked before each group; true ends the evaluation early.
  /// - Returns: nil when stopped, or when there are no samples.
  public func meanLoss(
    group: Int, executor: LaneExecutor, pool: BufferPool, shouldStop: @Sendable () -> Bool
  ) throws -> (loss: Double, accuracy: Double?)? {
    let draw = RandomKey(seed: 0).named("evaluation")
    let groups = stride(from: 0, to: sampleCount, by: group).map {
      Array($0..<min($0 + group, sampleCount))
    }
    let sums: [(loss: Double, hits: Int?)?] = try executor.map(count: groups.count) { index in
      guard !shouldStop() else { return nil }
      let tape = Tape(pool: pool, recordsGradients: false)
      let context = Context(tape: tape, mode: .evaluation, random: draw)
      let loss = try loss(of: groups[index], draw: draw, scale: 1, in: context)
      return (loss.value, loss.hits)
    }
    var sum = 0.0
    var hits: Int? = 0
    for share in sums {
      guard let share else { return nil }
      sum += share.loss
      hits = hits.flatMap { hits in share.hits.map { hits + $0 } }
    }
    let units = (0..<sampleCount).reduce(0) { $0 + self.units(of: $1, draw: draw) }
    guard units > 0 else { return nil }
    return (sum / Double(units), hits.map { Double($0) / Double(units) })
  }
}
