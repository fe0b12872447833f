extension Lanes {
  /// The same for a loss that sees the samples of all lanes at once (a contrastive one).
  ///
  /// - Parameters:
  ///   - forward: records a lane's operations and returns what the loss reads; nil for a lane
  ///     without samples.
  ///   - loss: records the loss of the lanes' results, which come in lane order, those of empty
  ///     lanes left out.
  /// - Returns: the loss.
  @discardableResult
  public func gradients<Failure: Error>(
    of parameters: [Parameter], _ forward: @Sendable (Int, Tape) throws(Failure) -> Tensor?,
    jointly loss: (Tape, [Tensor]) -> Loss
  ) throws(Failure) -> Double {
    let results: [Tensor?]
    do {
      results = try executor.map(count: count) { lane throws(Failure) in
        try forward(lane, tapes[lane])
      }
    } catch {
      for tape in tapes { tape.reset() }
      throw error
    }
    let joint = Tape(pool: pool)
    let copies = results.enumerated().map { lane, result in
      result.map { tensor in
        joint.tensor(
          tapes[lane].values(tensor), rows: tensor.rows, width: tensor.width, needsGradient: true)
      }
    }
    let value = loss(joint, copies.compactMap { $0 })
    joint.backward(from: value.tensor)
    let gradients = copies.map { $0.map(joint.gradient(of:)) }
    executor.run(count: count) { lane in
      guard let result = results[lane], let gradient = gradients[lane] else { return }
      tapes[lane].backward(from: result, gradient: gradient)
    }
    WeightGradients.accumulate(tapes + [joint], into: parameters, executor: executor)
    for tape in tapes { tape.reset() }
    return value.value
  }
}
