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
      config, imageSize: Self.imageSize, vocabulary: 64, captionLength: 12,
      in: ParameterScope(store: store, random: RandomKey(seed: 3)))
    var drawn = ScenesConfig()
    (drawn.train, drawn.validation, drawn.test) = (24, 1, 1)
    (drawn.imageSize, drawn.maxObjects, drawn.captionsPerImage) = (Self.imageSize, 3, 1)
    scenes = try #require(drawn.read().first).train
  }

  private func pixels(_ range: Range<Int>, _ tape: Tape) -> ImageBatch {
    let values = range.flatMap { index -> [Float] in
      guard case .drawn(let image) = scenes[index].media[0].source else { return [] }
      return (0..<3).flatMap { channel in
        stride(from: channel, to: image.pixels.count, by: 3).map {
          Float(image.pixels[$0]) / 127.5 - 1
        }
      }
    }
    let side = Self.imageSize
    return ImageBatch(
      tape.tensor(values, rows: range.count, width: 3 * side * side), height: side, width: side)
  }

  /// A token for each word; which words share one does not matter here.
  private var captions: [[Int32]] {
    scenes.map { scene in
      scene.exchanges[0].answers[0].split(separator: " ").map { word in
        Int32(word.utf8.reduce(0) { ($0 * 31 + Int($1)) % 64 })
      }
    }
  }

  private func gradients(lanes: Int, threads: Int) -> (loss: Double, [[Float]]) {
    let loss = pair.gradients(
      on: Lanes(count: lanes, threads: threads), captions: captions, images: pixels)
    return (loss, pair.parameters.map(\.gradient))
  }

  @Test func laneCountChangesRoundingOnly() {
    pair.setTrainable(true)
    let tape = Tape()
    let whole = pair.loss(
      images: pixels(0..<scenes.count, tape), captions: captions, in: Context(tape: tape))
    tape.backward(from: whole.tensor)
    tape.collectWeightGradients(for: pair.parameters)
    let expected = pair.parameters.map(\.gradient)
    for lanes in [1, 5] {
      let (loss, found) = gradients(lanes: lanes, threads: 2)
      #expect(abs(loss - whole.value) < 1e-6 * whole.value)
      for (a, b) in zip(found, expected) { expectClose(a, b, absolute: 2e-6, relative: 1e-4) }
    }
  }

  @Test func threadsDoNotChangeBits() {
    pair.setTrainable(true)
    let one = gradients(lanes: 5, threads: 1)
    let two = gradients(lanes: 5, threads: 2)
    #expect(one.loss == two.loss)
    #expect(one.1 == two.1)
  }

  @Test func moreLanesThanPairsIsFine() {
    pair.setTrainable(true)
    let few = gradients(lanes: 24, threads: 2)
    let more = gradients(lanes: 31, threads: 2)
    #expect(abs(few.loss - more.loss) < 1e-6)
  }

  @Test func gradientsAreTheLossesSlopes() {
    pair.setTrainable(true)
    _ = gradients(lanes: 2, threads: 1)
    for parameter in pair.parameters {
      let gradient = parameter.gradient
      // Along the gradient itself, so that rounding of the loss is small beside its change.
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 1e-5 else { continue }
      let start = parameter.values
      let step = 4e-3
      func loss(_ sign: Double) -> Double {
        parameter.assign(
          zip(start, gradient).map { $0 + Float(sign * step / norm) * $1 })
        let tape = Tape(recordsGradients: false)
        return pair.loss(
          images: pixels(0..<scenes.count, tape), captions: captions, in: Context(tape: tape)
        ).value
      }
      let slope = (loss(1) - loss(-1)) / (2 * step)
      parameter.assign(start)
      #expect(abs(slope - norm) < 0.02 * norm + 1e-3, "\(parameter.name): \(slope) for \(norm)")
    }
  }

  @Test func trainingTellsTheScenesApart() throws {
    let lanes = Lanes(count: 4, threads: 2)
    pair.setTrainable(true)
    let optimizer = Adam(pair.parameters)
    var losses: [Double] = []
    for _ in 0..<150 {
      losses.append(pair.gradients(on: lanes, captions: captions, images: pixels))
      optimizer.step(learningRate: 2e-3)
      pair.limitScale()
    }
    let first = try #require(losses.first)
    let last = try #require(losses.last)
    #expect(first > 0.7 * log(24.0) && last < 0.4 * first, "loss \(first) to \(last)")
  }

  @Test func scaleIsHeldToAHundred() {
    pair.logScale.assign([7])
    pair.limitScale()
    #expect(pair.logScale.values == [Float(log(100.0))])
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
        key: "patch", rule: "must divide the images' side of 30 pixels", found: "8")
    ) {
      try SmallEncoder(
        SmallEncoderConfig(), imageSize: 30,
        in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 0)))
    }
  }
}
