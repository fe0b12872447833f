import Datasets
import Encoders
import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@Suite struct Dinov2ParityTests {
  @Test(arguments: ["own", "resized"])
  func tinyModelGivesTransformersHiddenStates(size: String) throws {
    let fixture = try EncoderFixture("dinov2-tiny")
    let model = try Dinov2Model(
      fixture.folder, store: ParameterStore(), executor: LaneExecutor(threads: 1))
    let tape = Tape()
    tape.captures = Captures()
    let context = Context(tape: tape)
    let images = try fixture.images("\(size).pixel_values", on: tape)
    for depth in 0...model.layerCount {
      let states = model.hidden([images], depth: depth, finalNorm: false, in: context)
      try fixture.expect(tape.values(states.tensor), "\(size).hidden_states.\(depth)")
    }
    let last = model.patches(of: [images], layer: .last, classToken: true, in: context)
    try fixture.expect(tape.values(last.tensor), "\(size).last_hidden_state")
    for layer in 0..<model.layerCount {
      try fixture.expect(
        tape.captures, "encoder.layer.\(layer).attention", "\(size).attentions.\(layer)")
    }
  }

  /// Class token, registers, patches; positions of other sizes by the antialiased rule.
  @Test(arguments: ["own", "resized", "smaller", "wide"])
  func modelWithRegistersGivesTransformersHiddenStates(size: String) throws {
    let fixture = try EncoderFixture("dinov2-registers-tiny")
    let model = try Dinov2Model(
      fixture.folder, store: ParameterStore(), executor: LaneExecutor(threads: 1))
    #expect(model.leadingTokens == 5)
    let tape = Tape()
    tape.captures = Captures()
    let context = Context(tape: tape)
    let images = try fixture.images("\(size).pixel_values", on: tape)
    for depth in 0...model.layerCount {
      let states = model.hidden([images], depth: depth, finalNorm: false, in: context)
      try fixture.expect(tape.values(states.tensor), "\(size).hidden_states.\(depth)")
    }
    let last = model.patches(of: [images], layer: .last, classToken: true, in: context)
    try fixture.expect(tape.values(last.tensor), "\(size).last_hidden_state")
    for layer in 0..<model.layerCount {
      try fixture.expect(
        tape.captures, "encoder.layer.\(layer).attention", "\(size).attentions.\(layer)")
    }
    // Without leading tokens the registers go too.
    let patches = model.patches(of: [images], layer: .last, classToken: false, in: context)
    let width = model.width
    let whole = tape.values(last.tensor)
    let kept = last.segments.indices.flatMap { image in
      last.segments[image].dropFirst(5).flatMap { whole[$0 * width..<($0 + 1) * width] }
    }
    #expect(tape.values(patches.tensor) == kept)
    #expect(patches.grids.allSatisfy { $0.leading == 0 })
  }

  /// A table that trains is resized on the tape, by the same rule as a frozen one.
  @Test func positionsThatTrainAreResizedAlike() throws {
    let fixture = try EncoderFixture("dinov2-registers-tiny")
    let model = try Dinov2Model(
      fixture.folder, store: ParameterStore(), executor: LaneExecutor(threads: 1))
    model.setTrainable(true)
    let tape = Tape()
    let images = try fixture.images("smaller.pixel_values", on: tape)
    let states = model.hidden([images], depth: 0, finalNorm: false, in: Context(tape: tape))
    try fixture.expect(tape.values(states.tensor), "smaller.hidden_states.0")
    tape.backward(
      from: tape.dot(states.tensor, probe: .init(repeating: 1, count: states.tensor.count))
        .tensor)
    tape.collectWeightGradients(for: model.parameters)
    let registers = try #require(
      model.parameters.first { $0.name == "embeddings.register_tokens" })
    // Each register stands once in the one image.
    #expect(registers.gradient == Array(repeating: 1, count: 4 * model.width))
  }

  /// The DINOv2 ViT-S/14 itself, from pixels and from a PNG file.
  @Test(
    .enabled(if: Fixtures.models != nil, "DRAGOMAN_MODELS is not set"), arguments: 0..<3)
  func realModelGivesTransformersFeatures(input: Int) throws {
    let models = try #require(Fixtures.models)
    let folder = try ModelFolder(
      resolving: models.appending(path: "dinov2-small-saliency").path, relativeTo: nil,
      environment: [:])
    let model = try Dinov2Model(
      folder, store: ParameterStore(), executor: LaneExecutor(threads: 2))
    let fixture = Fixtures.folder("dinov2-small-saliency")
    let golden = try SafetensorsFile(fixture.appending(path: "input\(input).safetensors"))
    let png = try RGBImage(contentsOf: fixture.appending(path: "input\(input).png"))

    let samples = try golden.bytes("pixels_u8")
    let area = png.width * png.height
    #expect((0..<3 * area).allSatisfy { samples[$0] == png.pixels[$0 % area * 3 + $0 / area] })
    let exact = Pass(model, samples.map { (Float($0) - 128) / 64 }, side: png.width)
    try exact.expectStates(golden, prefix: "")
    expectClose(
      exact.rows(every: 32, of: exact.states(.hiddenState(0))),
      try golden.floats("embeddings_every32"), absolute: 3e-4, relative: 1e-3)
    expectClose(
      exact.rows(every: 32, of: exact.states(.hiddenState(-2))),
      try golden.floats("penultimate_every32"), absolute: 3e-4, relative: 1e-3)
    let captured = try #require(
      exact.tape.captures?.attention["encoder.layer.\(model.layerCount - 1).attention"]?.first)
    let classRows = (0..<captured.heads).flatMap { head in
      captured.probabilities.dropFirst(head * captured.queries * captured.keys)
        .prefix(captured.keys)
    }
    expectClose(
      classRows, try golden.floats("last_attention_cls"), absolute: 2e-5, relative: 0)

    let processor = try ImageProcessor(
      preprocessorConfig: folder.file("preprocessor_config.json"))
    try Pass(model, processor(png), side: png.width).expectStates(golden, prefix: "bit.")
  }
}

/// One image through the model.
private struct Pass {
  let model: Dinov2Model
  let tape = Tape(recordsGradients: false)
  let images: ImageBatch

  init(_ model: Dinov2Model, _ pixels: [Float], side: Int) {
    self.model = model
    tape.captures = Captures()
    images = ImageBatch(
      tape.tensor(pixels, rows: 1, width: pixels.count), height: side, width: side)
  }

  func states(_ layer: EncoderLayer) -> [Float] {
    tape.values(
      model.patches(of: [images], layer: layer, classToken: true, in: Context(tape: tape)).tensor)
  }

  func rows(every step: Int, of states: [Float]) -> [Float] {
    stride(from: 0, to: states.count / model.width, by: step).flatMap { row in
      states[row * model.width..<(row + 1) * model.width]
    }
  }

  /// Holds last_hidden_state and its summaries against the golden values.
  func expectStates(_ golden: SafetensorsFile, prefix: String) throws {
    let states = states(.last)
    let width = model.width
    expectClose(
      rows(every: 8, of: states), try golden.floats("\(prefix)last_hidden_state_every8"),
      absolute: 3e-4, relative: 1e-3, prefix)
    let tokens = (0..<states.count / width).map { token in
      states[token * width..<(token + 1) * width].map(Double.init)
    }
    expectClose(
      tokens.map { Float($0.reduce(0, +) / Double(width)) },
      try golden.floats("\(prefix)token_mean"), absolute: 5e-5, relative: 0, "\(prefix)token_mean")
    expectClose(
      tokens.map { Float($0.reduce(0) { $0 + $1 * $1 }.squareRoot()) },
      try golden.floats("\(prefix)token_norm"), absolute: 0, relative: 1e-4, "\(prefix)token_norm")
    let patches = tokens.dropFirst()
    let mean = (0..<width).map { column in
      Float(patches.reduce(0) { $0 + $1[column] } / Double(patches.count))
    }
    expectClose(
      mean, try golden.floats("\(prefix)patch_mean"), absolute: 5e-5, relative: 0,
      "\(prefix)patch_mean")
  }
}
