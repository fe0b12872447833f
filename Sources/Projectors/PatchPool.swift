import Configuration
import Layers
import Tensors

/// Makes one token of each block of neighbouring patches, before a map that takes token by token.
///
/// Shapes: B images of R×C patches and blocks of r×c of them, `[B·R·C, D]` → `[B·(R/r)·(C/c), E]`;
/// E is D for `average` and r·c·D for `unshuffle`. Tokens lie row by row. Leading tokens (class,
/// registers) are dropped: they have no place in the grid.
public struct PatchPool: Sendable, Hashable {
  public enum Kind: String, ConfigChoice {
    /// The mean of the block: DeCo (Yao et al. 2024, arXiv:2405.20985), whose adaptive average pooling is
    /// the same where the block divides the grid.
    case average
    /// The block's patches side by side, in the order (row, column, channel): pixel shuffle as in
    /// Idefics3 and SmolVLM (`Idefics3Connector.pixel_shuffle`), nanoVLM and InternVL (transformers'
    /// `InternVLModel.pixel_shuffle`). Not `torch.nn.PixelUnshuffle`, whose channels come first.
    case unshuffle
  }

  public var kind: Kind
  /// r×c.
  public var block: GridSize

  public init(_ kind: Kind, block: GridSize) {
    self.kind = kind
    self.block = block
  }

  /// E, for features of width D.
  public func width(of patchWidth: Int) -> Int {
    kind == .average ? patchWidth : block.count * patchWidth
  }

  /// Tokens of a medium of this grid.
  public func tokens(of grid: PatchGrid) -> Int {
    (grid.rows / block.rows) * (grid.columns / block.columns)
  }

  /// - Precondition: the block divides every grid (``check(_:of:)``).
  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let groups = RowGroups.blocks(block, of: patches.packedGrids)
    let pooled =
      kind == .average
      ? context.tape.mean(patches.tensor, groups: groups)
      : context.tape.concatenated(patches.tensor, groups: groups)
    return Rows(pooled, Segments(lengths: patches.grids.map(tokens)))
  }

  /// - Throws: ``ProjectorError`` for a grid that the block does not divide, or tokens without a grid.
  func check(_ grid: PatchGrid, of projector: String) throws(ProjectorError) {
    guard grid.isSpatial else {
      throw .noGrid(projector: projector, key: "pool", tokens: grid.tokens)
    }
    guard grid.rows % block.rows == 0, grid.columns % block.columns == 0 else {
      throw .blockDoesNotDivide(projector: projector, block: block, grid: grid.size)
    }
  }
}

/// `pool:` of a projector that maps token by token.
public struct PoolConfig: ConfigSection {
  public var kind = PatchPool.Kind.average
  /// `nil`: as `tokens` asks.
  public var factor: GridSize?
  public var norm = false

  public init() {}

  public init(_ kind: PatchPool.Kind, factor: GridSize?, norm: Bool = false) {
    self.kind = kind
    self.factor = factor
    self.norm = norm
  }

  public static let fields: [Field<Self>] = [
    .choice(
      "kind", \.kind,
      "average: the mean of a block of patches (DeCo); unshuffle: its patches side by side (pixel "
        + "shuffle of SmolVLM, nanoVLM, InternVL). Class and register tokens are dropped."),
    Field(
      "factor", \.factor, .optional(.gridSize),
      "Patches of a block: N for N×N, or [rows, columns]; it must divide the grid. null: as the "
        + "projector's `tokens` asks."),
    .bool("norm", \.norm, "LayerNorm after pooling, before the first map (InternVL)."),
  ]

  /// The pool of these settings.
  ///
  /// - Throws: ``ProjectorError`` where neither `factor` nor `tokens` says how large a block is.
  func pool(of projector: String) throws(ProjectorError) -> PatchPool {
    guard let factor else { throw .poolWithoutFactor(projector: projector) }
    return PatchPool(kind, block: factor)
  }

  /// The block that makes so many tokens of a grid: of those that do, the one nearest to a square, and of
  /// two alike the wider one.
  ///
  /// - Throws: ``ProjectorError`` if `factor` says something else, or no block does.
  func giving(
    tokens: Int, of grid: PatchGrid, projector: String
  ) throws(ProjectorError) -> PoolConfig {
    guard grid.isSpatial else {
      throw .noGrid(projector: projector, key: "pool", tokens: grid.tokens)
    }
    let blocks = grid.size.blocks
    let fitting = blocks.filter { grid.size.count == tokens * $0.count }
    guard let block = fitting.min(by: { $0.oblongness < $1.oblongness }) else {
      throw .tokensNotReached(
        projector: projector, tokens: tokens, grid: grid.size,
        nearest: blocks.map { grid.size.count / $0.count }.neighbours(of: tokens))
    }
    if let factor {
      guard factor.count == block.count else {
        throw .twoSizes(projector: projector, key: "pool.factor", preset: "tokens")
      }
      return self
    }
    var result = self
    result.factor = block
    return result
  }
}

extension GridSize {
  /// Every block that divides a grid of this size.
  fileprivate var blocks: [GridSize] {
    (1...rows).filter { rows % $0 == 0 }.flatMap { height in
      (1...columns).filter { columns % $0 == 0 }.map { GridSize(rows: height, columns: $0) }
    }
  }

  /// 1 for a square; a little more for a tall block than for a wide one.
  fileprivate var oblongness: Double {
    let (long, short) = (max(rows, columns), min(rows, columns))
    return Double(long) / Double(short) + (rows > columns ? 1e-9 : 0)
  }
}

extension ValueType where Value == GridSize {
  /// Rows and columns: `N` for N×N, or `[rows, columns]`.
  static var gridSize: Self {
    let number = ValueType<Int>.integer(.positive)
    let pair = ValueType<[Int]>.list(of: number, .nonEmpty)
    return Self(
      shape: {
        .scalar(
          name: "a whole number, or [rows, columns]", rule: "at least 1 each",
          schema: [
            .init(
              "anyOf",
              [
                ["type": "integer", "minimum": 1],
                [
                  "type": "array", "items": ["type": "integer", "minimum": 1], "minItems": 2,
                  "maxItems": 2,
                ],
              ])
          ])
      },
      decode: { node, decoding in
        guard case .sequence(let elements) = node.content else {
          return number.decode(node, &decoding).map { GridSize(rows: $0, columns: $0) }
        }
        guard elements.count == 2 else {
          decoding.report("must be a whole number or [rows, columns]", at: node.source)
          return nil
        }
        return pair.decode(node, &decoding).map { GridSize(rows: $0[0], columns: $0[1]) }
      },
      encode: { size in
        size.rows == size.columns
          ? number.encode(size.rows) : pair.encode([size.rows, size.columns])
      })
  }
}
