import Foundation
import LanguageModels
import Layers
import Projectors
import Tensors
import Testing
import Training

@Suite struct ArmContrastTests {
  private static let captions: [[[Int32]]] = [
    [[1, 2, 3]], [[4, 5]], [[6]], [[7, 8, 9, 10]], [[11, 12]], [[13, 14, 15]],
  ]
  private static let opening: [Int32] = [21]
  private let tiny: TinyTraining
  private let head: ContrastHead

  init() throws {
    tiny = try TinyTraining()
    var config = ContrastConfig()
    config.embedding = 8
    head = try ContrastHead(
      config, width: 16,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    parameters.setTrainable(true)
  }

  private var parameters: [Parameter] {
    tiny.projector.parameters + tiny.model.parameters + head.parameters
  }

  private func pair(_ media: [[Int]] = (0..<6).map { [$0] }) -> ArmEmbeddings {
    ArmEmbeddings(
      projector: tiny.projector, model: tiny.model, patches: TinyTraining.Features(), head: head,
      media: media, opening: Self.opening)
  }

  private var objective: ContrastiveObjective {
    ContrastiveObjective(pair: pair(), captions: Self.captions)
  }

  private func gradients(lanes: Int) throws -> Double {
    try objective.gradients(
      of: Array(0..<6), for: parameters, draw: RandomKey(seed: 0), update: RandomKey(seed: 0),
      lanes: Lanes(count: lanes, threads: 2))
  }

  private func loss() throws -> Double {
    let context = Context(tape: Tape(recordsGradients: false))
    return try objective.loss(
      of: Array(0..<6), draw: RandomKey(seed: 0), scale: 1 / 6, in: context
    ).value
  }

  /// Cosines `[image, text]`, row by row.
  private func similarities() throws -> [[Float]] {
    let context = Context(tape: Tape(recordsGradients: false))
    let pair = pair()
    let cosines = context.tape.product(
      try pair.images(Array(0..<6), in: context),
      transposed: pair.texts(Self.captions.map { $0[0] }, in: context))
    return (0..<6).map { context.tape.row($0, of: cosines) }
  }

  @Test func embeddingsHaveUnitLength() throws {
    let context = Context(tape: Tape(recordsGradients: false))
    for side in [
      try pair().images([0, 3], in: context), pair().texts([[1], [2, 3]], in: context),
    ] {
      #expect(side.rows == 2 && side.width == 8)
      for row in 0..<2 {
        let length = context.tape.row(row, of: side).reduce(0) { $0 + $1 * $1 }
        #expect(abs(length - 1) < 1e-5)
      }
    }
  }

  @Test func aCaptionsEmbeddingIsTheMeanOfItsOwnRows() throws {
    let context = Context(tape: Tape(recordsGradients: false))
    let tape = context.tape
    let caption: [Int32] = [4, 5, 6]
    let ids = Self.opening + caption
    let hidden = tiny.model.hidden(
      tiny.model.embed(ids, in: context), positions: [0, 1, 2, 3],
      layout: .causal(Segments(lengths: [4])), in: context)
    let own = tape.gather(hidden, rows: [1, 2, 3])
    let projection = Linear(
      weight: try #require(head.parameters.first { $0.name == "text_projection.weight" }),
      bias: nil)
    let expected = tape.normalize(
      projection(tape.mean(Rows(own, Segments(lengths: [3]))), in: context))
    let found = pair().texts([[9, 9], caption], in: context)
    expectClose(
      tape.row(1, of: found), tape.values(expected), absolute: 1e-6, relative: 1e-5)
  }

  @Test func severalMediaOfASampleAreOneMean() throws {
    let context = Context(tape: Tape(recordsGradients: false))
    let tape = context.tape
    let visual = tiny.projector(
      TinyTraining.Features().patches(of: [1, 4], in: context), in: context
    ).tensor
    let projection = Linear(
      weight: try #require(head.parameters.first { $0.name == "image_projection.weight" }),
      bias: nil)
    let expected = tape.normalize(
      projection(tape.mean(Rows(visual, Segments(lengths: [visual.rows]))), in: context))
    let found = try pair([[0], [1, 4]]).images([0, 1], in: context)
    expectClose(
      tape.row(1, of: found), tape.values(expected), absolute: 1e-6, relative: 1e-5)
  }

  @Test(arguments: [1, 2, 4, 9])
  func lanesDoNotChangeTheLoss(lanes: Int) throws {
    let whole = try loss()
    #expect(abs(try gradients(lanes: lanes) - whole) < 1e-5 * whole)
  }

  @Test func gradientsAreTheLossesSlopes() throws {
    _ = try gradients(lanes: 2)
    var moving = 0
    for parameter in parameters {
      let gradient = parameter.gradient
      // Along the gradient itself, so that rounding of the loss is small beside its change.
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 1e-5 else { continue }
      moving += 1
      let start = parameter.values
      let step = 2e-3
      func loss(_ sign: Double) throws -> Double {
        parameter.assign(zip(start, gradient).map { $0 + Float(sign * step / norm) * $1 })
        return try self.loss()
      }
      let slope = try (loss(1) - loss(-1)) / (2 * step)
      parameter.assign(start)
      #expect(abs(slope - norm) < 0.02 * norm + 1e-3, "\(parameter.name): \(slope) for \(norm)")
    }
    // All but the language model's head, which no logit asks for.
    #expect(moving >= parameters.count - 1)
  }

  @Test func whatIsFrozenStaysAndTheRestLearns() throws {
    let before = try similarities()
    let frozen = tiny.model.parameters.map(\.values)
    tiny.model.setTrainable(false)
    // At a temperature of 1 the loss is not done with mismatches that are merely at right angles.
    head.logScale.assign([0])
    let learning = tiny.projector.parameters + head.parameters.filter { $0 != head.logScale }
    let optimizer = Adam(learning)
    let (first, lanes) = (try loss(), Lanes(count: 3, threads: 2))
    for update in 0..<200 {
      _ = try objective.gradients(
        of: Array(0..<6), for: learning, draw: RandomKey(seed: 0),
        update: RandomKey(seed: 0).numbered(update), lanes: lanes)
      optimizer.step(learningRate: 5e-3)
      objective.afterUpdate()
    }
    let after = try similarities()
    func mean(_ table: [[Float]], matched: Bool) -> Float {
      let chosen = (0..<6).flatMap { row in
        (0..<6).filter { ($0 == row) == matched }.map { table[row][$0] }
      }
      return chosen.reduce(0, +) / Float(chosen.count)
    }
    #expect(mean(after, matched: true) > mean(before, matched: true))
    #expect(mean(after, matched: false) < mean(before, matched: false))
    #expect(after.enumerated().allSatisfy { row, values in values.max() == values[row] })
    #expect(try loss() < 0.7 * first)
    #expect(tiny.model.parameters.map(\.values) == frozen)
  }
}
