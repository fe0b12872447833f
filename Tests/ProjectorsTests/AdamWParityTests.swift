import Foundation
import Layers
import Projectors
import Storage
import Tensors
import TestSupport
import Testing

/// Against `torch.optim.AdamW`, `clip_grad_norm_` and the schedules of
/// `projectors/adamw-trajectory`: ten steps of the MLP towards random targets.
@Suite struct AdamWParityTests {
  struct Config: Decodable {
    struct Trajectory: Decodable {
      let lr: Double
      let lossScale: Float
    }
    let visionDim: Int
    let llmDim: Int
    let steps: Int
    let warmup: Int
    let betas: [Double]
    let eps: Double
    let weightDecay: Double
    let clip: Double
    let hf: Trajectory
    let warm1: Trajectory
  }

  struct Case: CustomTestStringConvertible {
    let tag: String
    let warmUp: LearningRateSchedule.WarmUp
    let absolute: Float
    let relative: Float
    var testDescription: String { tag }
  }

  static let cases = [
    Case(tag: "hf", warmUp: .fromZero, absolute: 2e-6, relative: 1e-5),
    Case(tag: "warm1", warmUp: .fromFirstStep, absolute: 5e-5, relative: 1e-4),
  ]

  @Test(arguments: cases) func everyStepIsEqual(_ test: Case) throws {
    let folder = Fixtures.folder("projectors").appending(path: "adamw-trajectory")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let config = try decoder.decode(
      Config.self, from: Data(contentsOf: folder.appending(path: "config.json")))
    let trajectory = test.tag == "hf" ? config.hf : config.warm1
    let io = try SafetensorsFile(folder.appending(path: "io.safetensors"))
    let projector = try MLPProjector(
      patchWidth: config.visionDim, languageWidth: config.llmDim,
      in: ProjectorFixture(name: "adamw-trajectory").scope(ParameterStore()))
    projector.setTrainable(true)
    var options = Adam.Options()
    (options.beta1, options.beta2) = (config.betas[0], config.betas[1])
    (options.epsilon, options.weightDecay) = (config.eps, config.weightDecay)
    options.clipNorm = config.clip
    let optimizer = Adam(projector.parameters, options: options)
    let schedule = LearningRateSchedule(
      peak: trajectory.lr, warmUpUpdates: config.warmup, totalUpdates: config.steps,
      warmUp: test.warmUp)
    let (rates, losses, norms) = (
      try io.floats("\(test.tag).lr"), try io.floats("\(test.tag).loss"),
      try io.floats("\(test.tag).grad_norm")
    )
    let (input, target) = (try io.floats("input"), try io.floats("target"))
    for step in 0..<config.steps {
      let rate = schedule.learningRate(at: step)
      #expect(abs(Float(rate) - rates[step]) <= 1e-6 * rates[step] + 1e-10)
      let loss = gradients(
        of: projector, input: input, target: target, scale: trajectory.lossScale)
      #expect(abs(loss - losses[step]) <= 1e-4 * losses[step], "loss of step \(step)")
      let norm = Float(optimizer.step(learningRate: rate))
      #expect(abs(norm - norms[step]) <= 1e-4 * norms[step], "norm of step \(step)")
      for parameter in projector.parameters {
        expectClose(
          parameter.values, try io.floats("\(test.tag).step\(step).\(parameter.name)"),
          absolute: test.absolute, relative: test.relative, "step \(step) \(parameter.name)")
      }
    }
    for moment in optimizer.state {
      expectClose(
        moment.values, try io.floats("\(test.tag).\(moment.name)"), absolute: 1e-7,
        relative: test.tag == "hf" ? 1e-4 : 1e-3, moment.name)
    }
  }

  /// loss = scale · mean((projector(input) − target)²); leaves the weights' gradients.
  private func gradients(
    of projector: MLPProjector, input: [Float], target: [Float], scale: Float
  ) -> Float {
    let tape = Tape()
    let width = projector.first.inputWidth
    let patches = tape.tensor(input, rows: input.count / width, width: width)
    let output = projector(
      Patches(patches, grids: [.sequence(patches.rows)]), in: Context(tape: tape)
    ).tensor
    let differences = zip(tape.values(output), target).map { $0 - $1 }
    let factor = scale / Float(differences.count)
    tape.backward(from: output, gradient: differences.map { 2 * factor * $0 })
    tape.collectWeightGradients(for: projector.parameters)
    return factor * differences.reduce(0) { $0 + $1 * $1 }
  }
}
