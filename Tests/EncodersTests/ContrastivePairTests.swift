import Datasets
import Foundation
import Layers
import Tensors
import Testing

@testable import Encoders

@Suite struct ContrastivePairTests {
  /// 16-pixel scenes of 4-pixel patches: 16 patches an image.
  private static let imageSize = 16
  private let store = ParameterStore()
  private let pair: ContrastivePair
  private let scenes: [Example]

  init() throws {
    var config = SmallEncoderConfig()
    config.width = 24
    config.layers = 2
    config.patch = 4
    config.embedding = 16
    pair = try ContrastivePair(
      config, input: .square(Self.imageSize), vocabulary: 64, captionLength: 12,
      in: ParameterScope(store: store, random: RandomKey(seed: 3)))
    var settings = ScenesConfig()
    settings.imageSize = Self.imageSize
    settings.train = 24
    settings.captionsPerImage = 1
    scenes = settings.read()[0].train
  }

  private func pixels(_ tape: Tape) throws -> ImageBatch {
    let values = try scenes.flatMap { scene -> [Float] in
      let image = try scene.media[0].image()
      return (0..<3).flatMap { channel in
        stride(from: channel, to: image.pixels.count, by: 3).map {
          Float(image.pixels[$0]) / 127.5 - 1
        }
      }
    }
    let side = Self.imageSize
    return ImageBatch(
      tape.tensor(values, rows: scenes.count, width: 3 * side * side), height: side, width: side)
  }

  /// A token for each word; which words share one does not matter here.
  private var captions: [[Int32]] {
    scenes.map { scene in
      scene.exchanges[0].answers[0].split(separator: " ").map { word in
        Int32(word.utf8.reduce(0) { ($0 * 31 + Int($1)) % 64 })
      }
    }
  }

  private func loss(_ tape: Tape) throws -> Loss {
    let context = Context(tape: tape)
    return tape.contrastive(
      pair.embedding(of: [try pixels(tape)], in: context),
      pair.embedding(of: captions, in: context), logScale: pair.logScale)
  }

  /// - Returns: the loss.
  private func gradients() throws -> Double {
    let tape = Tape()
    let loss = try loss(tape)
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: pair.parameters)
    return loss.value
  }

  @Test func gradientsAreTheLossesSlopes() throws {
    pair.setTrainable(true)
    _ = try gradients()
    for parameter in pair.parameters {
      let gradient = parameter.gradient
      // Along the gradient itself, so that rounding of the loss is small beside its change.
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 1e-5 else { continue }
      let start = parameter.values
      let step = 4e-3
      func loss(_ sign: Double) throws -> Double {
        parameter.assign(
          zip(start, gradient).map { $0 + Float(sign * step / norm) * $1 })
        return try self.loss(Tape(recordsGradients: false)).value
      }
      let slope = try (loss(1) - loss(-1)) / (2 * step)
      parameter.assign(start)
      #expect(abs(slope - norm) < 0.02 * norm + 1e-3, "\(parameter.name): \(slope) for \(norm)")
    }
  }

  @Test func trainingTellsTheScenesApart() throws {
    pair.setTrainable(true)
    let optimizer = Adam(pair.parameters)
    var losses: [Double] = []
    for _ in 0..<150 {
      losses.append(try gradients())
      optimizer.step(learningRate: 2e-3)
    }
    let first = try #require(losses.first)
    let last = try #require(losses.last)
    #expect(first > 0.7 * log(24.0) && last < 0.4 * first, "loss \(first) to \(last)")
  }

  @Test func scaleStartsAtTheTemperatureAndAtMostAtAHundred() throws {
    for (temperature, scale) in [(0.07, 1 / 0.07), (0.001, 100)] {
      var config = SmallEncoderConfig()
      config.temperature = temperature
      let values = try ContrastivePair(
        config, input: .square(16), vocabulary: 4, captionLength: 2,
        in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 0))
      ).logScale.values
      #expect(values == [Float(log(scale))])
    }
  }

  @Test func longCaptionsAreCutOff() {
    let context = Context(tape: Tape(recordsGradients: false))
    let long = (0..<20).map(Int32.init)
    let rows = pair.text([long, [5]], in: context)
    #expect(rows.segments.lengths == [12, 1])
    let cut = pair.text([Array(long.prefix(12)), [5]], in: context)
    #expect(context.tape.values(rows.tensor) == context.tape.values(cut.tensor))
  }

  @Test func patchMustDivideTheImage() {
    #expect(
      throws: EncoderError(
        key: "patch", rule: "must divide the height of 30 and the width of 30 of its input",
        found: "8")
    ) {
      try SmallEncoder(
        SmallEncoderConfig(), input: .square(30),
        in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 0)))
    }
  }
}
