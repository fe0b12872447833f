import Encoders
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@Suite("Encoders in bfloat16")
struct BFloat16EncoderTests {
  static let kinds: [(PretrainedEncoderKind, String)] = [
    (.dinov2, "dinov2-tiny"), (.vit, "vit-tiny"), (.siglip, "siglip-tiny"),
    (.clip, "clip-vision-tiny"),
  ]

  /// A product errs by at most 2⁻⁷ of its terms' magnitudes: 2⁻⁸ each for weight and input. Terms of random
  /// sign add up to about the root mean square of the hidden states; they lie behind the patch embedding and 4
  /// products a layer.
  @Test("hidden states are transformers' within 8 bits", arguments: kinds.indices)
  func parity(index: Int) throws {
    let (kind, name) = Self.kinds[index]
    let fixture = try EncoderFixture(name)
    let (store, executor) = (ParameterStore(matrices: .bfloat16), LaneExecutor(threads: 1))
    let model = try encoder(kind, fixture.folder, store, executor)
    for parameter in model.parameters
    where parameter.name.hasSuffix("weight") && parameter.name.contains("proj") {
      #expect(parameter.precision == .bfloat16, "\(parameter.name)")
    }
    let tape = Tape(recordsGradients: false)
    let isOwn = kind == .dinov2
    let images = try fixture.images(isOwn ? "own.pixel_values" : "pixel_values", on: tape)
    let states = tape.values(
      model.hidden(
        [images], depth: model.layerCount, finalNorm: false, in: Context(tape: tape)
      ).tensor)
    let expected = try fixture.io.floats(
      isOwn ? "own.hidden_states.\(model.layerCount)" : "layer_out.\(model.layerCount - 1)")
    let products = Float(4 * model.layerCount + 1)
    let tolerance = products * 0x1p-7 * rootMeanSquare(expected)
    expectClose(states, expected, absolute: tolerance, relative: 0, name)
    let copy = try model.copied(prefix: "arm.")
    for (a, b) in zip(copy.parameters, model.parameters) {
      #expect(a.precision == b.precision && a.values == b.values, "\(a.name)")
    }
  }

  private func encoder(
    _ kind: PretrainedEncoderKind, _ folder: ModelFolder, _ store: ParameterStore,
    _ executor: LaneExecutor
  ) throws -> any VisionEncoder {
    switch kind {
    case .dinov2: try Dinov2Model(folder, store: store, executor: executor)
    case .vit: try ViTModel(folder, store: store, executor: executor)
    case .siglip: try SiglipVisionModel(folder, store: store, executor: executor)
    default: try CLIPVisionModel(folder, store: store, executor: executor)
    }
  }

  private func rootMeanSquare(_ values: [Float]) -> Float {
    (values.reduce(0) { $0 + $1 * $1 } / Float(max(values.count, 1))).squareRoot()
  }
}
