import Configuration
import Layers
import Projectors
import Tensors
import Testing

/// The presets `tokens` and `parameters`.
@Suite struct ProjectorSizeTests {
  private let site = ProjectorSite(
    patchWidth: 384, grid: PatchGrid(rows: 16, columns: 16, leading: 1), languageWidth: 576)

  private func make(
    _ settings: any ProjectorSettings, tokens: Int? = nil, parameters: Int? = nil,
    norms: Bool = false
  ) throws -> any Projector {
    var frame = ProjectorFrame()
    (frame.tokens, frame.parameters) = (tokens, parameters)
    if norms { (frame.inputNorm, frame.outputNorm) = (true, .text) }
    return try ProjectorConfig(settings, frame: frame).makeProjector(at: site, in: .shapes)
  }

  private func pooled(_ kind: PatchPool.Kind) -> MLPProjectorConfig {
    var config = MLPProjectorConfig()
    config.pool = PoolConfig(kind, factor: nil)
    return config
  }

  static let kinds: [any ProjectorSettings] = {
    var linear = LinearProjectorConfig()
    linear.pool = PoolConfig(.average, factor: nil)
    var unshuffled = MLPProjectorConfig()
    unshuffled.pool = PoolConfig(.unshuffle, factor: nil)
    return [
      linear, unshuffled, QFormerConfig(), PerceiverConfig(), CrossAttentionConfig(),
      CAbstractorConfig(),
    ]
  }()

  @Test(arguments: kinds.map(Named.init))
  func everyKindMakesAsManyTokensAsAskedFor(_ kind: Named) throws {
    for tokens in [16, 32, 64] {
      let projector = try make(kind.config.settings, tokens: tokens)
      #expect(projector.visualTokens(of: site.grid) == tokens)
    }
  }

  struct Named: CustomTestStringConvertible {
    let config: ProjectorConfig
    init(_ settings: any ProjectorSettings) { config = ProjectorConfig(settings) }
    var testDescription: String { config.kind }
  }

  /// 16×16 patches to 32 tokens: blocks of 2×4, and 8×4 bins.
  @Test func blocksAreAsSquareAsTheyCanBeAndRatherWide() throws {
    let mlp = try #require(make(pooled(.average), tokens: 32) as? MLPProjector)
    #expect(mlp.pool?.block == GridSize(rows: 2, columns: 4))
    let abstractor = try #require(make(CAbstractorConfig(), tokens: 32) as? CAbstractor)
    #expect(abstractor.outputGrid == GridSize(rows: 8, columns: 4))
  }

  @Test func tokensThatCannotBeHadNameTheNearest() {
    let error = #expect(throws: ProjectorError.self) { try make(pooled(.average), tokens: 48) }
    #expect(
      error
        == .tokensNotReached(
          projector: "mlp", tokens: 48, grid: GridSize(rows: 16, columns: 16), nearest: [32, 64]))
    #expect(
      error?.description
        == "tokens: the mlp cannot make 48 of a grid of 16×16 patches. The nearest it can is 32 or 64."
    )
    let prime = #expect(throws: ProjectorError.self) { try make(CAbstractorConfig(), tokens: 31) }
    #expect(
      prime
        == .tokensNotReached(
          projector: "c_abstractor", tokens: 31, grid: GridSize(rows: 16, columns: 16),
          nearest: [30, 32]))
    #expect(
      throws: ProjectorError.tokensFixed(
        projector: "mlp", tokens: 32, found: 257, grid: GridSize(rows: 16, columns: 16))
    ) { try make(MLPProjectorConfig(), tokens: 32) }
  }

  @Test func aKindsOwnNumberAndThePresetMustAgree() throws {
    var qformer = QFormerConfig()
    qformer.queries = 16
    #expect(
      throws: ProjectorError.twoSizes(projector: "qformer", key: "queries", preset: "tokens")
    ) { try make(qformer, tokens: 32) }
    #expect(try make(qformer, tokens: 16).visualTokens(of: site.grid) == 16)
    var mlp = pooled(.average)
    mlp.pool?.factor = GridSize(rows: 4, columns: 2)
    #expect(
      throws: ProjectorError.twoSizes(projector: "mlp", key: "pool.factor", preset: "tokens")
    ) { try make(mlp, tokens: 64) }
    // Another block of as many patches stays.
    let kept = try #require(make(mlp, tokens: 32) as? MLPProjector)
    #expect(kept.pool?.block == GridSize(rows: 4, columns: 2))
  }

  @Test(arguments: kinds.dropFirst().map(Named.init))
  func everyKindHasAsManyWeightsAsAskedFor(_ kind: Named) throws {
    for wanted in [1_000_000, 4_000_000] {
      for norms in [false, true] {
        let projector = try make(
          kind.config.settings, tokens: 32, parameters: wanted, norms: norms)
        #expect(abs(projector.parameterCount - wanted) <= wanted / 50)
        #expect(projector.visualTokens(of: site.grid) == 32)
      }
    }
  }

  @Test func aGivenWidthLeavesTheDepthToChoose() throws {
    var qformer = QFormerConfig()
    (qformer.width, qformer.heads) = (64, 4)
    let wanted = try {
      var three = qformer
      three.layers = 3
      return try make(three).parameterCount
    }()
    let projector = try #require(make(qformer, parameters: wanted) as? QFormer)
    #expect(projector.layers.count == 3 && projector.parameterCount == wanted)
  }

  @Test func weightsThatCannotBeHadNameWhatCameClosest() throws {
    var qformer = QFormerConfig()
    qformer.width = 384
    let closest = try {
      qformer.layers = 1
      return try make(qformer).parameterCount
    }()
    qformer.layers = 12
    let error = #expect(throws: ProjectorError.self) { try make(qformer, parameters: 500_000) }
    #expect(
      error
        == .parametersNotReached(
          projector: "qformer", parameters: 500_000, closest: closest, setting: "layers: 1"))
    let fixed = #expect(throws: ProjectorError.self) {
      try make(LinearProjectorConfig(), parameters: 500_000)
    }
    #expect(
      fixed?.description
        == "parameters: the linear cannot have 500000 within 2 %. Its settings give 221760: leave its "
        + "width or depth out, so that it can be chosen.")
    // 221,760 is within 2 % of what it has.
    #expect(try make(LinearProjectorConfig(), parameters: 220_000).parameterCount == 221_760)
  }

  @Test func aPromptIsSizedByItsTokens() throws {
    let prompt = try make(LearnedPromptConfig(), parameters: 64 * 576)
    #expect(prompt.visualTokens(of: site.grid) == 64)
  }
}
