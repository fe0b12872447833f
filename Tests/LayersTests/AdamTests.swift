import Layers
import Tensors
import Testing

@Suite struct AdamTests {
  /// One weight larger than a block of work, one small.
  private func weights() -> [Parameter] {
    let store = ParameterStore()
    var stream = RandomKey(seed: 9).stream
    let large = store.add(
      "large", shape: [300, 300], values: (0..<90_000).map { _ in stream.normal() })
    let small = store.add("small", shape: [7], values: (0..<7).map { _ in stream.normal() })
    store.setTrainable([large, small], true)
    return [large, small]
  }

  /// Leaves p / 2 + step as the gradient of each weight p.
  private func setGradients(_ parameters: [Parameter], step: Int) {
    let tape = Tape()
    for parameter in parameters {
      let p = tape.parameter(parameter)
      let gradient = parameter.values.map { $0 / 2 + Float(step) }
      tape.backward(from: p, gradient: gradient)
    }
    tape.collectWeightGradients(for: parameters)
  }

  private func train(
    _ parameters: [Parameter], _ optimizer: Adam, steps: Range<Int>
  ) -> [Double] {
    steps.map { step in
      setGradients(parameters, step: step)
      return optimizer.step(learningRate: 0.01 * Double(step + 1))
    }
  }

  private var options: Adam.Options {
    var options = Adam.Options()
    options.clipNorm = 1
    return options
  }

  @Test(arguments: [2, 3]) func theThreadsDoNotChangeABit(threads: Int) {
    let (one, many) = (weights(), weights())
    let executor = LaneExecutor(threads: threads)
    let norms = train(one, Adam(one, options: options), steps: 0..<4)
    let manyNorms = train(many, Adam(many, options: options, executor: executor), steps: 0..<4)
    #expect(norms == manyNorms)
    #expect(one.map { $0.values.map(\.bitPattern) } == many.map { $0.values.map(\.bitPattern) })
  }

  @Test func itGoesOnFromItsState() {
    let (whole, resumed) = (weights(), weights())
    _ = train(whole, Adam(whole, options: options), steps: 0..<6)

    let first = Adam(resumed, options: options)
    _ = train(resumed, first, steps: 0..<3)
    let second = Adam(resumed, options: options)
    second.updates = first.updates
    for (new, old) in zip(second.state, first.state) {
      #expect(new.name == old.name && new.shape == old.shape)
      new.assign(old.values)
    }
    _ = train(resumed, second, steps: 3..<6)
    #expect(whole.map(\.values) == resumed.map(\.values))
  }

  @Test func stateHasPyTorchsNames() {
    let names = Adam(weights()).state.map(\.name)
    #expect(names == ["exp_avg.large", "exp_avg_sq.large", "exp_avg.small", "exp_avg_sq.small"])
  }

  @Test func frozenWeightsStay() {
    let parameters = weights()
    let before = parameters[0].values
    parameters[0].store.setTrainable([parameters[0]], false)
    let norms = train(parameters, Adam(parameters), steps: 0..<2)
    #expect(parameters[0].values == before)
    let small = parameters[1].gradient
    #expect(abs(norms[1] - small.reduce(0) { $0 + Double($1 * $1) }.squareRoot()) < 1e-5)
  }

  /// With one element, the first update is lr · sign(g), whatever the clipping.
  @Test func theFirstUpdateIsTheRate() {
    let store = ParameterStore()
    let weight = store.add("w", shape: [1], values: [2])
    store.setTrainable([weight], true)
    var options = options
    options.weightDecay = 0
    setGradients([weight], step: 0)
    #expect(Adam([weight], options: options).step(learningRate: 0.25) == 1)
    #expect(abs(weight.values[0] - 1.75) < 1e-6)
  }
}
