import Configuration
import Layers
import Projectors
import Tensors
import Testing

@Suite struct ProjectorFrameTests {
  /// As wide as a projector is in use: LayerNorm's ε counts where tokens are as small as in a tiny one.
  private let wide = ProjectorSite(
    patchWidth: 256, grid: PatchGrid(rows: 4, columns: 4), languageWidth: 20, textScale: 0.12)
  private let site = ProjectorSite(
    patchWidth: 24, grid: PatchGrid(rows: 4, columns: 4), languageWidth: 20, textScale: 0.12)

  private func scope() -> ParameterScope {
    ParameterScope(store: ParameterStore(), random: RandomKey(seed: 2))
  }

  private func frame(_ input: Bool, _ output: OutputNorm) -> ProjectorFrame {
    var frame = ProjectorFrame()
    (frame.inputNorm, frame.outputNorm) = (input, output)
    return frame
  }

  /// Every kind starts with visual tokens as large as the text embeddings.
  @Test(arguments: ProjectorTests.arms.prefix(7))
  func visualTokensStartAtTheScaleOfText(_ arm: ProjectorTests.Arm) throws {
    let settings = type(of: arm.config.settings).init()
    let projector = try ProjectorConfig(settings, frame: frame(false, .text))
      .makeProjector(at: wide, in: scope())
    let tape = Tape(recordsGradients: false)
    var stream = RandomKey(seed: 3).stream
    let patches = Patches(
      tape.tensor((0..<16 * 256).map { _ in 7 * stream.normal() }, rows: 16, width: 256),
      grids: [wide.grid])
    let values = tape.values(projector(patches, in: Context(tape: tape)).tensor)
    let squares = values.reduce(0) { $0 + $1 * $1 }
    #expect(abs((squares / Float(values.count)).squareRoot() - 0.12) < 0.012)
  }

  /// LayerNorm undoes scale and shift of each patch.
  @Test func anInputNormTakesAwayTheScaleOfThePatches() throws {
    let projector = try ProjectorConfig(MLPProjectorConfig(), frame: frame(true, .none))
      .makeProjector(at: site, in: scope())
    func tokens(_ scale: Float, _ shift: Float) -> [Float] {
      let tape = Tape(recordsGradients: false)
      var stream = RandomKey(seed: 3).stream
      let patches = Patches(
        tape.tensor(
          (0..<16 * 24).map { _ in scale * stream.normal() + shift }, rows: 16, width: 24),
        grids: [site.grid])
      return tape.values(projector(patches, in: Context(tape: tape)).tensor)
    }
    expectClose(tokens(50, 3), tokens(1, 0), absolute: 1e-4, relative: 1e-4, "tokens")
  }

  @Test func weightsBetweenNormsStandAfterTheKindsName() throws {
    func names(_ frame: ProjectorFrame) throws -> [String] {
      try ProjectorConfig(LinearProjectorConfig(), frame: frame).makeProjector(
        at: site, in: .shapes("mm_projector")
      ).parameters.map { String($0.name.dropFirst("mm_projector.".count)) }
    }
    #expect(try names(frame(false, .none)) == ["weight", "bias"])
    #expect(
      try names(frame(true, .text)) == [
        "input_norm.weight", "input_norm.bias", "linear.weight", "linear.bias",
        "output_norm.weight", "output_norm.bias",
      ])
  }

  @Test func attentionIsFoundBehindNorms() throws {
    let projector = try ProjectorConfig(QFormerConfig(), frame: frame(true, .text))
      .makeProjector(at: site, in: .shapes)
    #expect(projector.attentionMaps.first?.name == "qformer.layers.0.cross_attn")
    #expect(projector.attentionFlow.count == 18 && projector.queryNoun == "query")
  }

  @Test func aPromptThatReadsNoPatchesHasNoInputNorm() throws {
    #expect(throws: ProjectorError.normOfNothing(projector: "learned_prompt")) {
      try ProjectorConfig(LearnedPromptConfig(), frame: frame(true, .none)).makeProjector(
        at: site, in: .shapes)
    }
    let prompt = try ProjectorConfig(LearnedPromptConfig(), frame: frame(false, .text))
      .makeProjector(at: site, in: .shapes)
    #expect(!prompt.readsPatches)
  }

  /// The shared keys stand beside the kind's own, and a resolved section reads back as itself.
  @Test(arguments: ProjectorTests.arms)
  func everyKindHasTheSharedKeys(_ arm: ProjectorTests.Arm) throws {
    var config = Holder()
    config.projector = ProjectorConfig(arm.config.settings, frame: frame(false, .text))
    let resolved = config.resolved
    #expect(resolved["output_norm"] == .plain("text"))
    #expect(resolved["input_norm"] == .plain("false"))
    let read = try Holder.decode(resolved, folder: "/", environment: [:])
    #expect(read == config)
  }

  struct Holder: ConfigSection {
    var projector = ProjectorConfig(LinearProjectorConfig())
    static let fields: [Field<Self>] = [.flattened(\.projector)]
  }
}
