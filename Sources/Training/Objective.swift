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
  func weight(of sample: Int, draw: RandomKey) -> Int

  /// Records the summed loss of the samples times `scale`.
  ///
  /// - Parameters:
  ///   - draw: names the random choices (which caption, dropout) of this pass; the same key must give
  ///     the same choices here and in ``weight(of:draw:)``.
  ///   - scale: 1 / the weight of the whole batch.
  func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) -> Loss

  /// Leaves the gradients of a batch's mean loss in the parameters, computed on all lanes.
  ///
  /// The default cuts the batch into lanes; an objective whose samples see each other replaces it.
  /// - Returns: the mean loss.
  func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, lanes: Lanes
  ) -> Double
}

extension Objective {
  public func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, lanes: Lanes
  ) -> Double {
    let weight = batch.reduce(0) { $0 + self.weight(of: $1, draw: draw) }
    let scale = 1 / Float(max(weight, 1))
    let shares = Lanes.split(batch.count, lanes: lanes.count)
    return lanes.gradients(of: parameters) { lane, tape in
      guard !shares[lane].isEmpty else { return nil }
      let context = Context(tape: tape, mode: .training, random: draw.named("lane").numbered(lane))
      return loss(of: Array(batch[shares[lane]]), draw: draw, scale: scale, in: context)
    }
  }

  /// The mean loss over all samples, nothing trained.
  ///
  /// - Parameters:
  ///   - group: samples in one forward pass; part of the result's bits.
  ///   - shouldStop: asked before each group; true ends the evaluation early.
  /// - Returns: nil when stopped, or when there are no samples.
  public func meanLoss(
    group: Int, executor: LaneExecutor, pool: BufferPool, shouldStop: @Sendable () -> Bool
  ) -> Double? {
    let draw = RandomKey(seed: 0).named("evaluation")
    let groups = stride(from: 0, to: sampleCount, by: group).map {
      Array($0..<min($0 + group, sampleCount))
    }
    let sums: [Double?] = executor.map(count: groups.count) { index in
      guard !shouldStop() else { return nil }
      let tape = Tape(pool: pool, recordsGradients: false)
      let context = Context(tape: tape, mode: .evaluation, random: draw)
      return loss(of: groups[index], draw: draw, scale: 1, in: context).value
    }
    var sum = 0.0
    for share in sums {
      guard let share else { return nil }
      sum += share
    }
    let weight = (0..<sampleCount).reduce(0) { $0 + self.weight(of: $1, draw: draw) }
    return weight > 0 ? sum / Double(weight) : nil
  }
}
