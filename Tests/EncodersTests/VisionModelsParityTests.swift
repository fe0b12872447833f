import Encoders
import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

/// The vision models of issue 3 and what they need to be compared.
private enum VisionModel: String, CaseIterable {
  case siglip, clip, vit

  /// Of layers of the size of the image, and of other sizes.
  var fixtures: (tiny: String, resized: String) {
    (self == .clip ? "clip-vision-tiny" : "\(rawValue)-tiny", "\(rawValue)-resized")
  }

  /// Path of a layer's attention in the checkpoint.
  func attention(_ layer: Int) -> String {
    self == .vit
      ? "encoder.layer.\(layer).attention" : "vision_model.encoder.layers.\(layer).self_attn"
  }

  /// A model with its pooled output.
  func load(
    _ folder: ModelFolder
  ) throws -> (model: any VisionEncoder, pooled: (Rows, Context) -> Tensor?) {
    let (store, executor) = (ParameterStore(), LaneExecutor(threads: 2))
    switch self {
    case .siglip:
      let model = try SiglipVisionModel(folder, store: store, executor: executor)
      return (model, { model.pooled($0, in: $1) })
    case .clip:
      let model = try CLIPVisionModel(folder, store: store, executor: executor)
      return (model, { model.pooled($0, in: $1) })
    case .vit:
      let model = try ViTModel(folder, store: store, executor: executor)
      return (model, { model.pooled($0, in: $1) })
    }
  }
}

@Suite struct VisionModelsParityTests {
  @Test(arguments: VisionModel.allCases)
  private func layersAttentionAndPoolerAreTransformers(kind: VisionModel) throws {
    let fixture = try EncoderFixture(kind.fixtures.tiny)
    let (model, pooled) = try kind.load(fixture.folder)
    let tape = Tape()
    tape.captures = Captures()
    let context = Context(tape: tape)
    let images = try fixture.images("pixel_values", on: tape)
    for depth in 0...model.layerCount {
      let rows = model.hidden([images], depth: depth, finalNorm: false, in: context)
      try fixture.expect(
        tape.values(rows.tensor), depth == 0 ? "layer_in.0" : "layer_out.\(depth - 1)")
    }
    let last = model.patches(of: [images], layer: .last, classToken: true, in: context)
    try fixture.expect(tape.values(last.tensor), "last_hidden_state")
    try fixture.expect(tape.values(try #require(pooled(last.rows, context))), "pooler_output")
    for layer in 0..<model.layerCount {
      try fixture.expect(tape.captures, kind.attention(layer), "attentions.\(layer)")
    }
  }

  @Test(arguments: VisionModel.allCases)
  private func gradientOfThePixelsIsTransformers(kind: VisionModel) throws {
    let fixture = try EncoderFixture(kind.fixtures.tiny)
    let (model, _) = try kind.load(fixture.folder)
    let tape = Tape()
    let images = try fixture.images("pixel_values", on: tape, needsGradient: true)
    let last = model.patches(
      of: [images], layer: .last, classToken: true, in: Context(tape: tape))
    tape.backward(
      from: tape.dot(last.tensor, probe: try fixture.io.floats("grad_probe")).tensor)
    try fixture.expect(tape.gradient(of: images.pixels), "grad.pixel_values")
  }

  @Test(arguments: VisionModel.allCases)
  private func hiddenStatesAreTransformers(kind: VisionModel) throws {
    let fixture = try EncoderFixture(kind.fixtures.tiny)
    let (model, _) = try kind.load(fixture.folder)
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let images = try fixture.images("pixel_values", on: tape)
    func features(_ layer: EncoderLayer, classToken: Bool = true) -> [Float] {
      tape.values(
        model.patches(of: [images], layer: layer, classToken: classToken, in: context).tensor)
    }
    let count = model.layerCount
    try fixture.expect(features(.hiddenState(0)), "layer_in.0")
    try fixture.expect(features(.hiddenState(-count - 1)), "layer_in.0")
    try fixture.expect(features(.hiddenState(-2)), "layer_out.\(count - 2)")
    try fixture.expect(features(.hiddenState(count - 1)), "layer_out.\(count - 2)")
    // The last entry of the tuple is what the model returns.
    try fixture.expect(features(.hiddenState(-1)), "last_hidden_state")
    try fixture.expect(features(.hiddenState(count)), "last_hidden_state")
    if kind == .clip {
      try fixture.expect(features(.hiddenState(-2), classToken: false), "llava_features")
    }
  }

  @Test(arguments: VisionModel.allCases)
  private func otherImageSizesResizeThePositions(kind: VisionModel) throws {
    let fixture = try EncoderFixture(kind.fixtures.resized)
    let (model, pooled) = try kind.load(fixture.folder)
    let cases = fixture.io.names.filter { $0.hasSuffix(".pixel_values") }
      .map { String($0.dropLast(".pixel_values".count)) }
    #expect(cases.count == 7)
    for name in cases {
      let tape = Tape(recordsGradients: false)
      let context = Context(tape: tape)
      let images = try fixture.images("\(name).pixel_values", on: tape)
      let last = model.patches(of: [images], layer: .last, classToken: true, in: context)
      try fixture.expect(tape.values(last.tensor), "\(name).last_hidden_state")
      try fixture.expect(
        tape.values(try #require(pooled(last.rows, context))), "\(name).pooler_output")
      let shape = try #require(fixture.io.info("\(name).position_table")?.shape)
      #expect(model.tokens(height: images.height, width: images.width) == shape[0])
    }
  }

  @Test func bothSidesOfCLIPAreTransformers() throws {
    let fixture = try EncoderFixture("clip-full-tiny")
    let model = try CLIPModel(
      fixture.folder, store: ParameterStore(), executor: LaneExecutor(threads: 1))
    model.setTrainable(true)
    let tape = Tape()
    let context = Context(tape: tape)
    let images = try fixture.images("pixel_values", on: tape, needsGradient: true)
    let shape = try #require(fixture.io.info("input_ids")?.shape)
    let ids = try fixture.io.int64s("input_ids")
    let mask = try fixture.io.int64s("attention_mask")
    let lengths = (0..<shape[0]).map { text in
      mask[text * shape[1]..<(text + 1) * shape[1]].reduce(0) { $0 + Int($1) }
    }
    let texts = lengths.enumerated().map { text, length in
      ids[text * shape[1]..<text * shape[1] + length].map(Int32.init)
    }

    let states = model.text(texts, in: context)
    let width = model.text.description.hiddenSize
    let golden = try fixture.io.floats("text_last_hidden_state")
    expectClose(
      tape.values(states.tensor),
      lengths.enumerated().flatMap { text, length in
        golden[text * shape[1] * width..<(text * shape[1] + length) * width]
      }, absolute: 2e-5, relative: 1e-4, "text_last_hidden_state")
    try fixture.expect(
      tape.values(model.text.pooled(states, texts: texts, in: context)), "text_pooler_output")

    let imageEmbeddings = model.embedding(of: images, in: context)
    let textEmbeddings = model.embedding(of: texts, in: context)
    try fixture.expect(tape.values(imageEmbeddings), "image_embeds")
    try fixture.expect(tape.values(textEmbeddings), "text_embeds")
    try fixture.expect(
      tape.values(model.logits(images: imageEmbeddings, texts: textEmbeddings, in: context)),
      "logits_per_image")
    #expect(
      abs(
        Float(exp(Double(model.logScale.values[0]))) - (try fixture.io.floats("logit_scale_exp"))[0]
      )
        < 1e-4)
    let loss = model.loss(images: imageEmbeddings, texts: textEmbeddings, in: context)
    #expect(abs(Float(loss.value) - (try fixture.io.floats("loss"))[0]) < 1e-5)

    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    try fixture.expect(tape.gradient(of: images.pixels), "grad.pixel_values")
    let learned = model.parameters.filter { fixture.io.contains("grad.\($0.name)") }
    #expect(learned.count == 3)
    for parameter in learned {
      try fixture.expect(parameter.gradient, "grad.\(parameter.name)")
    }
  }
}
