import Configuration
import Layers
import Projectors
import Tensors
import Testing

@Suite struct PatchPoolTests {
  private func config(
    _ kind: PatchPool.Kind, _ rows: Int, _ columns: Int, norm: Bool = false
  ) -> MLPProjectorConfig {
    var config = MLPProjectorConfig()
    config.pool = PoolConfig(kind, factor: GridSize(rows: rows, columns: columns), norm: norm)
    return config
  }

  private func site(_ grid: PatchGrid) -> ProjectorSite {
    ProjectorSite(patchWidth: 6, grid: grid, languageWidth: 5)
  }

  /// 2×4 patches of width 1 after a class token.
  @Test(arguments: [
    (PatchPool.Kind.average, [3.5, 5.5] as [Float]),
    (.unshuffle, [1, 2, 5, 6, 3, 4, 7, 8]),
  ]) func blocksAreReadRowByRowAndLeadingTokensDropped(
    kind: PatchPool.Kind, expected: [Float]
  ) {
    let tape = Tape()
    let grid = PatchGrid(rows: 2, columns: 4, leading: 1)
    let patches = Patches(
      tape.tensor([-9, 1, 2, 3, 4, 5, 6, 7, 8], rows: 9, width: 1), grids: [grid])
    let pool = PatchPool(kind, block: GridSize(rows: 2, columns: 2))
    let pooled = pool(patches, in: Context(tape: tape))
    #expect(tape.values(pooled.tensor) == expected)
    #expect(pooled.segments.lengths == [2] && pool.tokens(of: grid) == 2)
    #expect(pooled.width == pool.width(of: 1))
  }

  @Test func aGridThatTheBlockDoesNotDivideIsRefusedAsShapes() throws {
    let error = #expect(throws: ProjectorError.self) {
      try ProjectorConfig(config(.average, 2, 4)).makeProjector(
        at: site(PatchGrid(rows: 14, columns: 14)), in: .shapes)
    }
    #expect(
      error?.description
        == "pool.factor: the mlp pools blocks of 2×4, which do not divide the grid of 14×14 patches. "
        + "Take rows of 1, 2, 7 or 14 and columns of 1, 2, 7 or 14, or images of another size.")
    let projector = try ProjectorConfig(config(.average, 2, 7)).makeProjector(
      at: site(PatchGrid(rows: 14, columns: 14)), in: .shapes)
    #expect(projector.visualTokens(of: PatchGrid(rows: 14, columns: 14, leading: 1)) == 14)
    // Media of other sizes are asked about one by one.
    #expect(throws: ProjectorError.self) { try projector.check(PatchGrid(rows: 7, columns: 7)) }
  }

  @Test func tokensWithoutAGridAreRefused() {
    let error = #expect(throws: ProjectorError.self) {
      try ProjectorConfig(config(.unshuffle, 1, 2)).makeProjector(
        at: site(.sequence(8)), in: .shapes)
    }
    #expect(error == .noGrid(projector: "mlp", key: "pool", tokens: 8))
  }

  @Test func aPoolWithoutFactorOrTokensIsRefused() {
    var config = LinearProjectorConfig()
    config.pool = PoolConfig(.average, factor: nil)
    let error = #expect(throws: ProjectorError.self) {
      try ProjectorConfig(config).makeProjector(
        at: site(PatchGrid(rows: 2, columns: 2)), in: .shapes)
    }
    #expect(error == .poolWithoutFactor(projector: "linear"))
  }

  /// Names of `nn.Sequential`: InternVL's `mlp1` is 0, 1, 3.
  @Test func weightsAreNamedByTheirPlace() throws {
    func names(_ settings: any ProjectorSettings) throws -> [String] {
      try settings.makeProjector(
        at: site(PatchGrid(rows: 2, columns: 2)), in: .shapes
      ).parameters.map(\.name)
    }
    var both = config(.unshuffle, 2, 2, norm: true)
    both.layerNorm = true
    #expect(
      try names(both)
        == ["0", "1", "3", "4"].flatMap { ["\($0).weight", "\($0).bias"] })
    var connector = LinearProjectorConfig()
    connector.pool = PoolConfig(.unshuffle, factor: GridSize(rows: 2, columns: 2))
    connector.bias = false
    #expect(try names(connector) == ["weight"])
    connector.pool?.norm = true
    #expect(try names(connector) == ["0.weight", "0.bias", "1.weight"])
  }

  @Test func factorsAreANumberOrRowsAndColumns() throws {
    func factor(_ text: ConfigNode) throws -> GridSize? {
      try PoolConfig.decode(
        ConfigNode(.mapping([ConfigNode.Entry("factor", text)])), folder: "/", environment: [:]
      ).factor
    }
    #expect(try factor(.plain("2")) == GridSize(rows: 2, columns: 2))
    let pair = ConfigNode(.sequence([.plain("2"), .plain("4")]))
    #expect(try factor(pair) == GridSize(rows: 2, columns: 4))
    #expect(PoolConfig(.average, factor: GridSize(rows: 2, columns: 4)).resolved["factor"] == pair)
    #expect(
      PoolConfig(.average, factor: GridSize(rows: 3, columns: 3)).resolved["factor"]
        == .plain("3"))
    for bad in [
      ConfigNode.plain("0"), ConfigNode(.sequence([.plain("2")])),
      ConfigNode(.sequence([.plain("2"), .plain("0")])), .plain("two"),
    ] {
      #expect(throws: ConfigError.self) { try factor(bad) }
    }
  }
}
