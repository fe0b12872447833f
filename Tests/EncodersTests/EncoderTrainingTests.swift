import Datasets
import Encoders
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

/// Encoders that train, and images of several sizes in one batch.
@Suite("Encoders that train") struct EncoderTrainingTests {
  private static func small() throws -> SmallEncoder {
    var config = SmallEncoderConfig()
    (config.width, config.layers, config.heads, config.patch) = (12, 2, 3, 4)
    return try SmallEncoder(
      config, input: .square(16),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 5))
    )
  }

  private static func tiny(_ name: String) throws -> any VisionEncoder {
    let (store, executor) = (ParameterStore(), LaneExecutor(threads: 1))
    switch name {
    case "small": return try small()
    case "dinov2-tiny":
      return try Dinov2Model(EncoderFixture(name).folder, store: store, executor: executor)
    case "siglip-tiny":
      return try SiglipVisionModel(EncoderFixture(name).folder, store: store, executor: executor)
    case "clip-vision-tiny":
      return try CLIPVisionModel(EncoderFixture(name).folder, store: store, executor: executor)
    default: return try ViTModel(EncoderFixture(name).folder, store: store, executor: executor)
    }
  }

  static let names = ["small", "dinov2-tiny", "siglip-tiny", "clip-vision-tiny", "vit-tiny"]

  private func image(_ number: Int, rows: Int, columns: Int, of model: any VisionEncoder)
    -> PixelValues
  {
    let (height, width) = (rows * model.patchSize, columns * model.patchSize)
    var stream = RandomKey(seed: 11).numbered(number).stream
    return PixelValues(
      (0..<3 * height * width).map { _ in stream.normal() }, height: height, width: width)
  }

  @Test("images of several sizes in one batch get what each gets alone", arguments: names)
  func sizesDoNotMix(name: String) throws {
    let model = try Self.tiny(name)
    let sizes = [(2, 3), (4, 4), (4, 4), (3, 2), (2, 3)]
    let images = sizes.enumerated().map {
      image($0, rows: $1.0, columns: $1.1, of: model)
    }
    for isTraining in [false, true] {
      model.setTrainable(isTraining)
      for classToken in [false, true] {
        func patches(_ images: [PixelValues]) -> (Patches, [Float]) {
          let tape = Tape()
          let patches = model.patches(
            of: images, layer: .hiddenState(-2), classToken: classToken, in: Context(tape: tape))
          return (patches, tape.values(patches.tensor))
        }
        let (together, values) = patches(images)
        let leading = classToken ? model.leadingTokens : 0
        #expect(
          together.grids
            == sizes.map { PatchGrid(rows: $0.0, columns: $0.1, leading: leading) })
        expectClose(
          values, images.flatMap { patches([$0]).1 }, absolute: 2e-5, relative: 1e-4, name)
      }
    }
  }

  @Test("a resized table that trains gives what the frozen one gives", arguments: names)
  func trainingResizesAlike(name: String) throws {
    let model = try Self.tiny(name)
    let images = [image(0, rows: 3, columns: 5, of: model)]
    func values() -> [Float] {
      let tape = Tape()
      return tape.values(
        model.patches(
          of: images, layer: .hiddenState(0), classToken: true, in: Context(tape: tape)
        ).tensor)
    }
    let frozen = values()
    model.setTrainable(true)
    expectClose(values(), frozen, absolute: 2e-6, relative: 1e-5, name)
  }

  @Test("a resized table is never stale, frozen or not")
  func resizedTablesFollowTheWeights() throws {
    let model = try Self.small()
    let images = [image(0, rows: 2, columns: 3, of: model)]
    func values() -> [Float] {
      let tape = Tape()
      return tape.values(
        model.patches(
          of: images, layer: .hiddenState(0), classToken: false, in: Context(tape: tape)
        ).tensor)
    }
    let positions = try #require(model.parameters.first { $0.name == "position_embedding" })
    for isTraining in [false, true, false] {
      model.setTrainable(isTraining)
      let before = values()
      positions.assign(positions.values.map { $0 + 0.5 })
      // The taps of a resized position add up to 1.
      expectClose(values(), before.map { $0 + 0.5 }, absolute: 2e-6, relative: 1e-6)
    }
  }

  /// Along each weight's gradient, so that rounding of the loss is small beside its change.
  @Test(
    "gradients of every weight are the loss's slopes, through images of several sizes",
    arguments: names)
  func gradientsAreSlopes(name: String) throws {
    let model = try Self.tiny(name)
    model.setTrainable(true)
    // The table's own grid and two others.
    let images = [(4, 4), (2, 3), (3, 1)].enumerated().map {
      image($0, rows: $1.0, columns: $1.1, of: model)
    }
    var stream = RandomKey(seed: 3).stream
    let tokens = images.reduce(0) {
      $0 + model.grid(height: $1.height, width: $1.width, classToken: true).tokens
    }
    let probe = (0..<tokens * model.width).map { _ in stream.normal() }
    func loss(_ tape: Tape) -> Loss {
      let patches = model.patches(
        of: images, layer: .last, classToken: true, in: Context(tape: tape, mode: .training))
      return tape.dot(patches.tensor, probe: probe)
    }
    let tape = Tape()
    tape.backward(from: loss(tape).tensor)
    tape.collectWeightGradients(for: model.parameters)
    var learned = 0
    for parameter in model.parameters {
      let gradient = parameter.gradient
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      // Poolers and heads do not reach the patches.
      guard norm > 1e-2 else { continue }
      learned += 1
      let start = parameter.values
      let step = 2e-3
      func value(_ sign: Double) -> Double {
        parameter.assign(zip(start, gradient).map { $0 + Float(sign * step / norm) * $1 })
        return loss(Tape(recordsGradients: false)).value
      }
      let slope = (value(1) - value(-1)) / (2 * step)
      parameter.assign(start)
      #expect(abs(slope - norm) < 0.02 * norm + 0.02, "\(parameter.name): \(slope), not \(norm)")
    }
    #expect(learned >= 14, "\(learned) weights with a gradient")
    let positions = try #require(model.parameters.first { $0.name.contains("position_embedding") })
    #expect(positions.gradient.contains { $0 != 0 })
  }

  @Test(
    "the weights of a layer's features are those that a gradient reaches", arguments: names,
    [EncoderLayer.last, .hiddenState(-2), .hiddenState(0)])
  func readWeights(name: String, layer: EncoderLayer) throws {
    let model = try Self.tiny(name)
    model.setTrainable(true)
    let read = Set(model.parameters(of: layer))
    #expect(read.isSubset(of: model.parameters))
    let patches = { (tape: Tape) in
      model.patches(
        of: [image(0, rows: 2, columns: 2, of: model)], layer: layer, classToken: true,
        in: Context(tape: tape, mode: .training)
      ).tensor
    }
    let tape = Tape()
    let output = patches(tape)
    var stream = RandomKey(seed: 3).stream
    let probe = (0..<output.rows * output.width).map { _ in stream.normal() }
    tape.backward(from: tape.dot(output, probe: probe).tensor)
    tape.collectWeightGradients(for: model.parameters)
    for parameter in model.parameters {
      // A key's bias moves all scores alike: its gradient is nothing but rounding, or nothing.
      guard !parameter.name.contains("mask_token"), !parameter.name.contains("key.bias"),
        !parameter.name.contains("k_proj.bias")
      else { continue }
      #expect(
        parameter.gradient.contains { $0 != 0 } == read.contains(parameter), "\(parameter.name)")
    }
  }

  @Test("a copy has the same values in weights of its own, under a prefix", arguments: names)
  func copies(name: String) throws {
    let model = try Self.tiny(name)
    let copy = try model.copied(prefix: "arm.")
    #expect(copy.parameters.map(\.values) == model.parameters.map(\.values))
    #expect(copy.parameters.allSatisfy { $0.name.hasPrefix("arm.") })
    #expect(Set(copy.parameters).isDisjoint(with: model.parameters))
    copy.setTrainable(true)
    let before = model.parameters.map(\.values)
    for parameter in copy.parameters { parameter.assign(parameter.values.map { $0 + 1 }) }
    #expect(model.parameters.map(\.values) == before)
    #expect(!model.parameters.contains { $0.isTrainable })
    let images = [image(0, rows: 2, columns: 2, of: model)]
    func values(_ model: any VisionEncoder) -> [Float] {
      let tape = Tape()
      return tape.values(
        model.patches(of: images, layer: .last, classToken: true, in: Context(tape: tape)).tensor)
    }
    let again = try model.copied(prefix: "")
    #expect(values(again) == values(model) && values(copy) != values(model))
  }
}
