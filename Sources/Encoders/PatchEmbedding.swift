import Datasets
import Layers
import Tensors

/// Patches as rows, after a class token where the model has one, with positions added where it has some; register
/// tokens (Darcet et al. 2024, arXiv:2309.16588), which have no position, come between the two.
///
/// Shapes: B images of C·H·W pixels → `[Σ tokens, D]`. What is left over on the right and below is
/// dropped. Images of other sizes than the table's get a resized one.
struct PatchEmbedding: Module {
  /// What the weights are called in the checkpoint.
  struct Names {
    var classToken: String?
    var positions: String?
    var projection: String
    var registers = "register_tokens"
    /// Whether class token and positions have an axis of 1 in front.
    var hasBatchAxis = false

    /// Of ViT and DINOv2.
    static let vit = Names(
      classToken: "cls_token", positions: "position_embeddings",
      projection: "patch_embeddings.projection", hasBatchAxis: true)
    static let clip = Names(
      classToken: "class_embedding", positions: "position_embedding.weight",
      projection: "patch_embedding")
    static let siglip = Names(
      positions: "position_embedding.weight", projection: "patch_embedding")
    static let small = Names(positions: "position_embedding", projection: "patch_embedding")
    static let smallWithoutPositions = Names(projection: "patch_embedding")
  }

  private let classToken: Parameter?
  /// `[1, R, D]`.
  private let registers: Parameter?
  private let positions: PositionTable?
  private let projection: Linear
  private let channels: Int
  private let patch: Int

  var parameters: [Parameter] {
    (classToken.map { [$0] } ?? []) + (registers.map { [$0] } ?? [])
      + (positions?.parameters ?? []) + projection.parameters
  }
  /// Tokens before the patches that have a position.
  private var leadingTokens: Int { classToken == nil ? 0 : 1 }

  /// - Parameters:
  ///   - input: channels of all images; height and width of those that the position table is for.
  ///   - registers: R.
  ///   - resizing: of the positions for other images.
  init(
    width: Int, input: InputShape, patch: Int, bias: Bool = true, names: Names,
    registers: Int = 0, resizing: PositionTable.Resizing = .bicubic, in scope: ParameterScope
  ) throws {
    channels = input.channels
    self.patch = patch
    let (rows, columns) = (input.height / patch, input.width / patch)
    let start = Initialization.normal(deviation: 0.02)
    classToken = try names.classToken.map {
      try scope.parameter($0, shape: names.hasBatchAxis ? [1, 1, width] : [width], start: start)
    }
    self.registers =
      registers == 0
      ? nil : try scope.parameter(names.registers, shape: [1, registers, width], start: start)
    let leading = classToken == nil ? 0 : 1
    let table = [leading + rows * columns, width]
    positions = try names.positions.map {
      PositionTable(
        try scope.parameter($0, shape: names.hasBatchAxis ? [1] + table : table, start: start),
        leading: leading, rows: rows, columns: columns, resizing: resizing)
    }
    projection = try Linear(
      convolution: [width, channels, patch, patch], bias: bias, in: scope(names.projection))
  }

  /// Forward FLOPs of one image.
  func flops(patches: Int) -> Int { projection.flops(rows: patches) }

  /// The tokens of all images, batch after batch.
  func callAsFunction(_ images: [ImageBatch], in context: Context) -> Rows {
    let tape = context.tape
    var unfolded: [Tensor] = []
    var grids: [PatchGrid] = []
    for batch in images {
      let geometry = PatchGeometry(
        channels: channels, height: batch.height, width: batch.width, patch: patch)
      unfolded.append(tape.unfold(batch.pixels, geometry))
      let grid = PatchGrid(
        rows: geometry.gridRows, columns: geometry.gridColumns, leading: leadingTokens)
      grids += Array(repeating: grid, count: batch.count)
    }
    let pixels =
      unfolded.count == 1
      ? unfolded[0]
      : tape.join(
        unfolded,
        runs: unfolded.enumerated().map { RowRun(source: $0, rows: 0..<$1.rows) })
    var rows = Rows(
      projection(pixels, in: context),
      Segments(lengths: grids.map { $0.tokens - $0.leading }))
    if let classToken {
      rows = tape.joined(tape.repeated(classToken, times: grids.count), rows)
    }
    if let positions {
      rows = rows.with(positions.added(to: rows.tensor, grids: grids, in: context))
    }
    return inserted(rows, in: context)
  }

  /// The registers between each image's leading tokens and its patches.
  private func inserted(_ rows: Rows, in context: Context) -> Rows {
    guard let registers else { return rows }
    let tokens = context.tape.parameter(registers)
    let runs = rows.segments.indices.flatMap { image in
      let all = rows.segments[image]
      let first = all.lowerBound + leadingTokens
      return [
        RowRun(source: 0, rows: all.lowerBound..<first), RowRun(source: 1, rows: 0..<tokens.rows),
        RowRun(source: 0, rows: first..<all.upperBound),
      ]
    }
    return Rows(
      context.tape.join([rows.tensor, tokens], runs: runs),
      Segments(lengths: rows.segments.lengths.map { $0 + tokens.rows }))
  }
}

extension Linear {
  /// A convolution whose stride is its kernel: a linear map of unfolded patches.
  ///
  /// - Parameter shape: the checkpoint's `[D, C, p, p]`.
  init(convolution shape: [Int], bias: Bool, in scope: ParameterScope) throws {
    let inputWidth = shape.dropFirst().reduce(1, *)
    let bound = 1 / Float(inputWidth).squareRoot()
    try self.init(
      weight: scope.matrix("weight", shape: shape, start: .uniform(bound: bound)),
      bias: bias
        ? scope.parameter("bias", shape: [shape[0]], start: .uniform(bound: bound)) : nil)
  }
}
