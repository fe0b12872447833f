import Foundation
import Layers
import Tensors
import TestSupport
import Testing

/// Adam, AdamW and their decay groups against `Fixtures/adam`, a reference in float64 of the repository's own.
@Suite struct AdamReferenceTests {
  struct Reference: Decodable {
    struct Trajectory: Decodable {
      let steps: [[Double]]
      let norms: [Double]
      let expAvg: [Double]
      let expAvgSq: [Double]
    }
    let learningRate: Double
    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let weightDecay: Double
    let clipNorm: Double
    let start: [Double]
    let gradients: [[Double]]
    let cases: [String: Trajectory]
  }

  static func reference() throws -> Reference {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/adam/io.json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Reference.self, from: data)
  }

  @Test(
    "every step is the reference's",
    arguments: [OptimizerConfig.Kind.adamw, .adam], [Adam.Decaying.all, .matrices])
  func everyStep(kind: OptimizerConfig.Kind, decaying: Adam.Decaying) throws {
    let reference = try Self.reference()
    let expected = try #require(reference.cases["\(kind.rawValue)-\(decaying.rawValue)"])
    var config = OptimizerConfig()
    config.kind = kind
    config.decaying = decaying
    config.beta1 = reference.beta1
    config.beta2 = reference.beta2
    config.epsilon = reference.epsilon
    config.weightDecay = reference.weightDecay
    config.clipNorm = reference.clipNorm
    let store = ParameterStore()
    let start = reference.start.map(Float.init)
    let weights = [
      store.add("matrix", shape: [3, 4], values: Array(start[..<12])),
      store.add("bias", shape: [4], values: Array(start[12...])),
    ]
    weights.setTrainable(true)
    let optimizer = Adam(weights, options: config.options)
    for (step, gradient) in reference.gradients.enumerated() {
      let tape = Tape()
      let parts = [gradient[..<12], gradient[12...]]
      for (weight, values) in zip(weights, parts) {
        tape.backward(from: tape.parameter(weight), gradient: values.map(Float.init))
      }
      tape.collectWeightGradients(for: weights)
      let norm = optimizer.step(learningRate: reference.learningRate)
      #expect(abs(norm - expected.norms[step]) < 1e-6 * norm)
      close(weights.flatMap(\.values), expected.steps[step], "step \(step)")
    }
    let moments = optimizer.state
    close(moments[0].values + moments[2].values, expected.expAvg, "m")
    close(moments[1].values + moments[3].values, expected.expAvgSq, "v")
  }

  private func close(_ actual: [Float], _ expected: [Double], _ name: String) {
    let far = zip(actual, expected).filter { abs(Double($0) - $1) > 2e-6 }
    #expect(actual.count == expected.count && far.isEmpty, "\(name): \(far)")
  }

  @Test("without a decay of its own Adam has none and AdamW PyTorch's")
  func defaultDecay() {
    var config = OptimizerConfig()
    #expect(config.options.weightDecay == 0.01 && config.options.isDecoupled)
    config.kind = .adam
    #expect(config.options.weightDecay == 0 && !config.options.isDecoupled)
    config.weightDecay = 0.2
    config.kind = .adamw
    #expect(config.options.weightDecay == 0.2)
  }

  @Test("gradients that no step can take are told before the step")
  func unusableGradients() {
    let store = ParameterStore()
    let weight = store.add("w", shape: [2], values: [1, 2])
    weight.store.setTrainable([weight], true)
    func norm(_ gradient: [Float]) -> Double {
      let tape = Tape()
      tape.backward(from: tape.parameter(weight), gradient: gradient)
      tape.collectWeightGradients(for: [weight])
      return Adam([weight]).gradientNorm()
    }
    var clipped = Adam.Options()
    clipped.clipNorm = 1
    let (plain, clipping) = (Adam([weight]), Adam([weight], options: clipped))
    for gradient in [[Float.nan, 0], [.infinity, 1], [-.infinity, .infinity]] {
      #expect(!plain.canStep(norm: norm(gradient)) && !clipping.canStep(norm: norm(gradient)))
    }
    #expect(norm([3, 4]) == 5 && plain.canStep(norm: 5))
    // Its square is no float32: the second moment would stay infinite for ever.
    let large = norm([3e19, 0])
    #expect(large.isFinite && !plain.canStep(norm: large) && clipping.canStep(norm: large))
    #expect(weight.values == [1, 2])
  }
}
