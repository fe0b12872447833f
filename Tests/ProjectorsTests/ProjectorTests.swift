import Layers
import Projectors
import Tensors
import Testing

@Suite struct ProjectorTests {
  /// A scope that makes no values: sizes only.
  private func sizes() -> ParameterScope {
    ParameterScope.shapes
  }

  private func site(_ patchWidth: Int) -> ProjectorSite {
    ProjectorSite(
      patchWidth: patchWidth, grid: PatchGrid(rows: 4, columns: 4), languageWidth: 8)
  }

  private func scope() -> ParameterScope {
    ParameterScope(store: ParameterStore(), random: RandomKey(seed: 2))
  }

  @Test func parameterCountsAreThoseOfThePapersSystems() throws {
    let scope = sizes()
    func count(_ config: any ProjectorSettings, _ patchWidth: Int, _ languageWidth: Int) throws
      -> Int
    {
      try config.makeProjector(
        at: ProjectorSite(
          patchWidth: patchWidth, grid: PatchGrid(rows: 14, columns: 14),
          languageWidth: languageWidth), in: scope
      ).parameterCount
    }
    #expect(try count(LinearProjectorConfig(), 1024, 768) == 787_200)
    #expect(try count(MLPProjectorConfig(), 1024, 768) == 1_377_792)
    var withNorm = MLPProjectorConfig()
    withNorm.layerNorm = true
    #expect(try count(withNorm, 1024, 960) == 1_908_480)
    // By hand: 32·768 queries; 12 of self-attention 2,362,368, FFN 4,722,432 and two norms 1536;
    // 6 of cross-attention and norm; 768·896 + 896 out.
    let layers = 12 * (2_362_368 + 4_722_432 + 2 * 1536) + 6 * (2_362_368 + 1536)
    #expect(try count(QFormerConfig(), 768, 896) == 32 * 768 + layers + 768 * 896 + 896)
    // 2 of attention, FFN and three norms; final norm.
    let blocks = 2 * (2_362_368 + 4_722_432 + 3 * 1536) + 1536
    #expect(try count(PerceiverConfig(), 768, 896) == 64 * 768 + blocks + 768 * 896 + 896)
    #expect(try count(LearnedPromptConfig(), 768, 896) == 32 * 896)
  }

  /// Source system: W = [[.2,.4,.1],[.3,.1,.5]], b = [.1,.1], z = [.5,.8,.3] gives [.55,.48].
  @Test func linearMapsByItsMatrix() throws {
    let projector = try LinearProjector(patchWidth: 3, languageWidth: 2, in: scope())
    projector.linear.weight.assign([0.2, 0.4, 0.1, 0.3, 0.1, 0.5])
    projector.linear.bias?.assign([0.1, 0.1])
    let tape = Tape()
    let patches = Patches(
      tape.tensor([0.5, 0.8, 0.3], rows: 1, width: 3), grids: [.sequence(1)])
    let tokens = tape.values(projector(patches, in: Context(tape: tape)).tensor)
    #expect(abs(tokens[0] - 0.55) < 1e-6 && abs(tokens[1] - 0.48) < 1e-6)
  }

  @Test func headsAreAFractionOfTheWidth() throws {
    func heads(_ width: Int, _ heads: Int? = nil) throws -> Int? {
      try PerceiverResampler(
        patchWidth: width, languageWidth: 8, layers: 1, latents: 2, heads: heads, in: sizes()
      ).layers.first?.attention.heads
    }
    #expect(try heads(768) == 12)
    #expect(try heads(24) == 1)
    #expect(try heads(200) == 2)  // 3 does not divide 200
    #expect(try heads(24, 4) == 4)
    #expect(
      throws: ProjectorError.headsDoNotDivide(projector: "Perceiver", heads: 5, width: 24)
    ) { try heads(24, 5) }
    #expect(
      throws: ProjectorError.headsDoNotDivide(projector: "Q-Former", heads: 0, width: 24)
    ) {
      try QFormer(patchWidth: 24, languageWidth: 8, heads: 0, in: sizes())
    }
  }

  @Test("latents start as wide as the configuration says") func latentStart() throws {
    func deviation(_ config: PerceiverConfig) throws -> Float {
      let projector = try config.makeProjector(
        at: site(64), in: scope())
      let latents = try #require(projector.parameters.first { $0.name == "latents" }).values
      return (latents.reduce(0) { $0 + $1 * $1 } / Float(latents.count)).squareRoot()
    }
    var config = PerceiverConfig()
    #expect(abs(try deviation(config) - 1) < 0.05)
    config.latentStd = 0.02
    #expect(abs(try deviation(config) - 0.02) < 0.001)
  }

  struct Arm: CustomTestStringConvertible {
    let config: ProjectorConfig
    let tokens: Int?
    /// Whether it takes any tokens, or only those of a grid with even sides.
    var takesAll = true
    var testDescription: String { config.kind }
  }

  static let arms: [Arm] = {
    var qformer = QFormerConfig()
    (qformer.layers, qformer.queries, qformer.width) = (3, 4, 32)
    var perceiver = PerceiverConfig()
    (perceiver.latents, perceiver.width, perceiver.heads) = (6, 32, 2)
    var cross = CrossAttentionConfig()
    (cross.queries, cross.width, cross.heads) = (5, 32, 2)
    var pooled = MLPProjectorConfig()
    pooled.pool = PoolConfig(.average, factor: GridSize(rows: 2, columns: 2))
    var unshuffled = LinearProjectorConfig()
    unshuffled.pool = PoolConfig(.unshuffle, factor: GridSize(rows: 1, columns: 2), norm: true)
    var frame = ProjectorFrame()
    (frame.inputNorm, frame.outputNorm) = (true, .text)
    var abstractor = CAbstractorConfig()
    (abstractor.outputGrid, abstractor.width) = (GridSize(rows: 3, columns: 2), 16)
    var prompt = LearnedPromptConfig()
    prompt.tokens = 3
    return [
      Arm(config: ProjectorConfig(LinearProjectorConfig()), tokens: nil),
      Arm(config: ProjectorConfig(MLPProjectorConfig()), tokens: nil),
      Arm(config: ProjectorConfig(qformer), tokens: 4),
      Arm(config: ProjectorConfig(perceiver), tokens: 6),
      Arm(config: ProjectorConfig(cross), tokens: 5),
      Arm(config: ProjectorConfig(abstractor), tokens: 6, takesAll: false),
      Arm(config: ProjectorConfig(prompt), tokens: 3),
      Arm(config: ProjectorConfig(pooled), tokens: nil, takesAll: false),
      Arm(config: ProjectorConfig(unshuffled), tokens: nil, takesAll: false),
      Arm(config: ProjectorConfig(cross, frame: frame), tokens: 5),
    ]
  }()

  /// Images of different sizes in one batch; each gets the tokens it gets alone.
  @Test(arguments: arms) func imagesDoNotMixAndMayDiffer(_ arm: Arm) throws {
    let grids =
      arm.takesAll
      ? [
        PatchGrid(rows: 3, columns: 3), PatchGrid(rows: 2, columns: 1, leading: 2),
        PatchGrid(rows: 4, columns: 4), .sequence(5),
      ]
      : [
        PatchGrid(rows: 4, columns: 2), PatchGrid(rows: 2, columns: 6, leading: 2),
        PatchGrid(rows: 2, columns: 2, leading: 1),
      ]
    let projector = try arm.config.makeProjector(
      at: ProjectorSite(patchWidth: 24, grid: grids[0], languageWidth: 20), in: scope())
    var stream = RandomKey(seed: 3).stream
    let images = grids.map { grid in (0..<grid.tokens * 24).map { _ in stream.normal() } }
    func tokens(_ images: [[Float]], _ grids: [PatchGrid]) -> [[Float]] {
      let tape = Tape(recordsGradients: false)
      let rows = grids.reduce(0) { $0 + $1.tokens }
      let patches = tape.tensor(images.flatMap { $0 }, rows: rows, width: 24)
      let result = projector(Patches(patches, grids: grids), in: Context(tape: tape))
      #expect(result.width == 20)
      return result.segments.indices.map { index in
        result.segments[index].flatMap { tape.row($0, of: result.tensor) }
      }
    }
    let together = tokens(images, grids)
    for (index, grid) in grids.enumerated() {
      let count = arm.tokens ?? (arm.takesAll ? grid.tokens : projector.visualTokens(of: grid))
      #expect(projector.visualTokens(of: grid) == count)
      #expect(together[index].count == projector.visualTokens(of: grid) * 20)
      let alone = tokens([images[index]], [grid])[0]
      for (a, b) in zip(together[index], alone) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test("kinds, their settings and their equality come from one list")
  func kindsComeFromOneList() {
    #expect(Set(Self.arms.map(\.config.kind)).count == ProjectorConfig.cases.count)
    var wider = MLPProjectorConfig()
    #expect(ProjectorConfig(wider) == ProjectorConfig(MLPProjectorConfig()))
    wider.hidden = 3
    #expect(ProjectorConfig(wider) != ProjectorConfig(MLPProjectorConfig()))
    #expect(ProjectorConfig(wider) != ProjectorConfig(LinearProjectorConfig()))
  }

  @Test("heads that do not divide are refused as shapes, by projector and key")
  func headsAreCheckedAsShapes() {
    var qformer = QFormerConfig()
    (qformer.layers, qformer.heads) = (1, 5)
    var perceiver = PerceiverConfig()
    perceiver.heads = 5
    for (name, config) in [
      ("Q-Former", qformer as any ProjectorSettings), ("Perceiver", perceiver),
    ] {
      let error = #expect(throws: ProjectorError.self) {
        try config.makeProjector(
          at: site(32), in: .shapes)
      }
      #expect(
        error?.description
          == "heads: the \(name) has 5 attention heads, which do not divide its width 32. "
          + "Give heads that do, or none: 1 are taken then.")
    }
  }

  @Test("learned queries are called what their paper calls them")
  func queryNouns() throws {
    let nouns = try Self.arms.prefix(7).map { arm in
      try arm.config.makeProjector(
        at: site(24), in: sizes()
      ).queryNoun
    }
    #expect(nouns == [nil, nil, "query", "latent", "query", nil, nil])
  }

  @Test func aLearnedPromptSeesNoImage() throws {
    let prompt = try LearnedPrompt(tokens: 2, languageWidth: 4, in: scope())
    let tape = Tape()
    let patches = Patches(
      tape.tensor([1, 2], rows: 2, width: 1), grids: [.sequence(1), .sequence(1)])
    let tokens = prompt(patches, in: Context(tape: tape))
    #expect(tokens.segments == .uniform(count: 2, length: 2))
    #expect(tape.values(tokens.tensor) == prompt.tokens.values + prompt.tokens.values)
  }

  @Test func attentionMapsNameTheCrossAttentions() throws {
    let scope = sizes()("mm_projector")
    let qformer = try QFormer(patchWidth: 64, languageWidth: 8, layers: 5, in: scope)
    #expect(
      qformer.attentionMaps
        == [0, 2, 4].map {
          AttentionMap(name: "mm_projector.layers.\($0).cross_attn", layer: $0)
        })
    let perceiver = try PerceiverResampler(patchWidth: 64, languageWidth: 8, in: scope)
    #expect(
      perceiver.attentionMaps.map(\.name)
        == ["mm_projector.layers.0.attn", "mm_projector.layers.1.attn"])
    let cross = try CrossAttentionProjector(patchWidth: 64, languageWidth: 8, in: scope)
    #expect(cross.attentionMaps == [AttentionMap(name: "mm_projector.attn", layer: 0)])
    #expect(try LinearProjector(patchWidth: 2, languageWidth: 2, in: scope).attentionMaps.isEmpty)
  }

  @Test func flopsAreThoseOfTheProducts() throws {
    let (d, h, p) = (64, 32, 10)
    let mlp = try MLPProjector(patchWidth: d, languageWidth: h, in: sizes())
    #expect(mlp.flops(of: .sequence(p)) == 2 * p * (d * h + h * h))
    let k = 3
    let square = 2 * d * d
    let ffn = 2 * k * 2 * d * 4 * d
    let out = 2 * k * d * h
    let qformer = try QFormer(
      patchWidth: d, languageWidth: h, layers: 3, queries: k, in: sizes())
    let selfAttention = 4 * k * square + 4 * k * k * d
    let crossAttention = 2 * k * square + 2 * p * square + 4 * k * p * d
    #expect(
      qformer.flops(of: .sequence(p)) == 3 * (selfAttention + ffn) + 2 * crossAttention + out)
    let perceiver = try PerceiverResampler(
      patchWidth: d, languageWidth: h, layers: 2, latents: k, in: sizes())
    let attention = 2 * k * square + 2 * (p + k) * square + 4 * k * (p + k) * d
    #expect(perceiver.flops(of: .sequence(p)) == 2 * (attention + ffn) + out)
    let cross = try CrossAttentionProjector(
      patchWidth: d, languageWidth: h, queries: k, in: sizes())
    #expect(cross.flops(of: .sequence(p)) == crossAttention + ffn + out)
  }
}
