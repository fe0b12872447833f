import Testing

@testable import Tensors

/// `count` standard normal numbers, the same for the same name.
func noise(_ count: Int, _ name: String, scale: Float = 1) -> [Float] {
  var stream = RandomKey(seed: 7).named(name).stream
  return (0..<count).map { _ in stream.normal() * scale }
}

/// Compares element by element: |actual − expected| ≤ absolute + relative · |expected|.
func expectClose<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
  _ actual: [Actual], _ expected: [Expected], absolute: Double, relative: Double = 0,
  _ label: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(label): \(actual.count) values, not \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  var worst: (excess: Double, index: Int) = (0, -1)
  for (index, (a, b)) in zip(actual, expected).enumerated() {
    let excess = abs(Double(a) - Double(b)) - (absolute + relative * abs(Double(b)))
    if !(excess <= worst.excess) { worst = (excess, index) }
  }
  guard worst.index >= 0 else { return }
  Issue.record(
    "\(label)[\(worst.index)]: \(actual[worst.index]), not \(expected[worst.index])",
    sourceLocation: sourceLocation)
}

/// Equal to the last bit; NaN equals NaN.
func expectSameBits(
  _ actual: [Float], _ expected: [Float], _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.map(\.bitPattern) == expected.map(\.bitPattern), "\(label)",
    sourceLocation: sourceLocation)
}

/// A function of inputs and weights to hold against finite differences.
struct GradientCheck {
  struct Input {
    let shape: (rows: Int, width: Int)
    let values: [Float]
  }

  private var inputs: [Input] = []
  private let store = ParameterStore()
  private(set) var parameters: [Parameter] = []
  private let loss: (Tape, [Tensor], [Parameter]) -> Loss

  /// - Parameters:
  ///   - values: replaces the random values of an input or a weight by its name.
  ///   - loss: gets the inputs and the weights in the order given.
  init(
    inputs: [(Int, Int)] = [], weights: [[Int]] = [], values: [String: [Float]] = [:],
    loss: @escaping (Tape, [Tensor], [Parameter]) -> Loss
  ) {
    self.loss = loss
    for (index, (rows, width)) in inputs.enumerated() {
      let name = "input \(index)"
      self.inputs.append(
        Input(shape: (rows, width), values: values[name] ?? noise(rows * width, name)))
    }
    for (index, shape) in weights.enumerated() {
      let name = "weight \(index)"
      let start = values[name] ?? noise(shape.reduce(1, *), name)
      parameters.append(store.add(name, shape: shape, values: start))
    }
  }

  /// The same of a tensor: the loss is its dot product with random numbers.
  init(
    inputs: [(Int, Int)] = [], weights: [[Int]] = [], values: [String: [Float]] = [:],
    output: @escaping (Tape, [Tensor], [Parameter]) -> Tensor
  ) {
    self.init(inputs: inputs, weights: weights, values: values) { tape, inputs, parameters in
      let result = output(tape, inputs, parameters)
      return tape.dot(result, probe: noise(result.count, "probe"))
    }
  }

  /// Gradients of the inputs, then of the weights, as the tape gives them.
  func gradients(inputs wanted: Set<Int>, weights trainable: Set<Int>) -> [[Float]] {
    for (index, parameter) in parameters.enumerated() {
      store.setTrainable([parameter], trainable.contains(index))
    }
    defer { store.setTrainable(parameters, false) }
    let tape = Tape()
    let tensors = inputs.enumerated().map { index, input in
      tape.tensor(
        input.values, rows: input.shape.rows, width: input.shape.width,
        needsGradient: wanted.contains(index))
    }
    tape.backward(from: loss(tape, tensors, parameters).tensor)
    tape.collectWeightGradients(for: parameters)
    return tensors.map { tape.gradient(of: $0) } + parameters.map(\.gradient)
  }

  /// The loss with nothing recorded, one value moved.
  private func value(moving target: Int, _ element: Int, by step: Float) -> Double {
    let tape = Tape(recordsGradients: false)
    let tensors = inputs.enumerated().map { index, input in
      var values = input.values
      if index == target { values[element] += step }
      return tape.tensor(values, rows: input.shape.rows, width: input.shape.width)
    }
    guard target >= inputs.count else { return loss(tape, tensors, parameters).value }
    let parameter = parameters[target - inputs.count]
    let before = parameter.values
    var moved = before
    moved[element] += step
    parameter.assign(moved)
    defer { parameter.assign(before) }
    return loss(tape, tensors, parameters).value
  }

  /// Central differences with the next order taken out: (8 Δ(h) − Δ(2h)) / 12 h.
  private func difference(_ target: Int, _ element: Int, _ h: Float) -> Double {
    let near = value(moving: target, element, by: h) - value(moving: target, element, by: -h)
    let far = value(moving: target, element, by: 2 * h) - value(moving: target, element, by: -2 * h)
    return (8 * near - far) / (12 * Double(h))
  }

  /// Compares all gradients with differences, then those of runs in which only one of the inputs
  /// and weights wants one.
  func run(
    step: Float = 1 / 64, tolerance: Double = 4e-4,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let all = gradients(inputs: Set(inputs.indices), weights: Set(parameters.indices))
    for (target, gradient) in all.enumerated() {
      let expected = gradient.indices.map { difference(target, $0, step) }
      expectClose(
        gradient, expected, absolute: tolerance, relative: tolerance, label(target),
        sourceLocation: sourceLocation)
      #expect(gradient.contains { $0 != 0 }, "\(label(target))", sourceLocation: sourceLocation)
    }
    for target in all.indices {
      let isInput = target < inputs.count
      let alone = gradients(
        inputs: isInput ? [target] : [], weights: isInput ? [] : [target - inputs.count])
      for other in all.indices {
        let expected = other == target ? all[other] : all[other].map { _ in 0 }
        expectClose(
          alone[other], expected, absolute: 1e-5, relative: 1e-5,
          "\(label(other)) when only \(label(target)) wants a gradient",
          sourceLocation: sourceLocation)
      }
    }
  }

  private func label(_ target: Int) -> String {
    target < inputs.count ? "input \(target)" : "weight \(target - inputs.count)"
  }
}
