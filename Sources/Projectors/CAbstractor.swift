import Configuration
import Layers
import Tensors

/// Convolutions over the grid of patches, pooled to a smaller grid between them.
///
/// Shapes: B images of R×C patches, `[B·R·C, D]` → `[B·r·c, H]`, through width W:
///
///     stage of RegNet blocks D → W, adaptive average pooling R×C → r×c, stage W → W,
///     linear W → H, SiLU, linear H → H on each place
///
/// Source: Cha et al. 2024, *Honeybee*, arXiv:2312.06742, §3.2 and `CAbstractor` of its code, whose
/// `RegStage` is timm's (Radosavovic et al. 2020, arXiv:2003.13678; squeeze and excitation of Hu et
/// al. 2018, arXiv:1709.01507) with SiLU and LayerNorm over the channels; group width 1, so that the 3×3
/// convolutions take one channel each. Departures: no learned position table on the patches, and no end
/// tokens after the last visual one; the norm before all else is `input_norm`; W is the encoder's width unless
/// given (there 1024); the output grid need not be square. Leading tokens (class, registers) are dropped, as
/// there.
public struct CAbstractor: Projector {
  /// Before and after the pooling.
  public let stages: [RegNetStage]
  public let outputGrid: GridSize
  /// Maps with SiLU between.
  public let readout: [Linear]

  public var parameters: [Parameter] {
    stages.flatMap(\.parameters) + readout.flatMap(\.parameters)
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - depth: blocks of each stage.
  ///   - readoutDepth: linear maps at the end.
  public init(
    patchWidth: Int, languageWidth: Int, width: Int? = nil, depth: Int = 3, outputGrid: GridSize,
    readoutDepth: Int = 2, in scope: ParameterScope
  ) throws {
    let width = width ?? patchWidth
    self.outputGrid = outputGrid
    // In `net` the pooling is 1, in `readout` the activations have the odd numbers.
    stages = try [(0, patchWidth), (2, width)].map { place, inputWidth in
      try RegNetStage(inputWidth, width, depth: depth, in: scope("net")(place))
    }
    readout = try (0..<readoutDepth).map { index in
      try Linear(
        index == 0 ? width : languageWidth, languageWidth, in: scope("readout")(2 * index))
    }
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let tape = context.tape
    let grids = patches.packedGrids
    let rows = Rows(
      tape.mean(patches.tensor, groups: .blocks(GridSize(rows: 1, columns: 1), of: grids)),
      Segments(lengths: grids.map(\.size.count)))
    let looked = stages[0](rows, grids: grids.map(\.size), in: context)
    let pooled = Rows(
      tape.mean(looked.tensor, groups: .bins(outputGrid, of: Self.packed(grids.map(\.size)))),
      .uniform(count: patches.count, length: outputGrid.count))
    let grid = Array(repeating: outputGrid, count: patches.count)
    let mixed = stages[1](pooled, grids: grid, in: context)
    return mixed.with(
      context.scoped {
        readout.dropFirst().reduce(readout[0](mixed.tensor, in: context)) { tokens, map in
          map(tape.activation(.silu, tokens), in: context)
        }
      })
  }

  /// Grids that lie one after the other.
  static func packed(_ sizes: [GridSize]) -> [PackedGrid] {
    var start = 0
    return sizes.map { size in
      defer { start += size.count }
      return PackedGrid(start: start, size: size)
    }
  }

  public func check(_ grid: PatchGrid) throws(ProjectorError) {
    guard grid.isSpatial else {
      throw .noGrid(projector: CAbstractorConfig.kind, key: "kind", tokens: grid.tokens)
    }
  }

  public func visualTokens(of grid: PatchGrid) -> Int { outputGrid.count }

  public func flops(of grid: PatchGrid) -> Int {
    let stages = zip(stages, [grid.size.count, outputGrid.count])
    return stages.reduce(readout.reduce(0) { $0 + $1.flops(rows: outputGrid.count) }) {
      $0 + $1.0.flops(places: $1.1)
    }
  }
}

/// RegNet blocks, one after the other; the first may change the width.
public struct RegNetStage: Module {
  public let blocks: [RegNetBlock]

  public var parameters: [Parameter] { blocks.flatMap(\.parameters) }

  init(_ inputWidth: Int, _ width: Int, depth: Int, in scope: ParameterScope) throws {
    blocks = try (0..<depth).map { index in
      try RegNetBlock(index == 0 ? inputWidth : width, width, in: scope("b\(index + 1)"))
    }
  }

  func callAsFunction(_ rows: Rows, grids: [GridSize], in context: Context) -> Rows {
    let packed = CAbstractor.packed(grids)
    return blocks.reduce(rows) { rows, block in block(rows, grids: packed, in: context) }
  }

  func flops(places: Int) -> Int { blocks.reduce(0) { $0 + $1.flops(places: places) } }
}

/// A bottleneck of ratio 1:
///
///     h = SiLU(norm(conv1×1 x)), h = SiLU(norm(conv3×3 h)), h = h · excitation(h), h = norm(conv1×1 h)
///     y = SiLU(h + shortcut), the shortcut x, or norm(conv1×1 x) where the width changes
public struct RegNetBlock: Module {
  let first: NormedConvolution
  let second: NormedConvolution
  let excitation: Excitation
  let third: NormedConvolution
  let shortcut: NormedConvolution?

  public var parameters: [Parameter] {
    first.parameters + second.parameters + excitation.parameters + third.parameters
      + (shortcut?.parameters ?? [])
  }

  init(_ inputWidth: Int, _ width: Int, in scope: ParameterScope) throws {
    first = try NormedConvolution(inputWidth, width, in: scope("conv1"))
    second = try NormedConvolution(width, width, side: 3, in: scope("conv2"))
    // A quarter of the block's input width, as in timm's `Bottleneck`.
    excitation = try Excitation(
      width, inner: Int((Double(inputWidth) / 4).rounded(.toNearestOrEven)), in: scope("se"))
    third = try NormedConvolution(width, width, in: scope("conv3"))
    shortcut =
      inputWidth == width
      ? nil : try NormedConvolution(inputWidth, width, in: scope("downsample"))
  }

  func callAsFunction(_ rows: Rows, grids: [PackedGrid], in context: Context) -> Rows {
    let tape = context.tape
    return rows.with(
      context.scoped {
        var hidden = tape.activation(.silu, first(rows.tensor, grids: grids, in: context))
        hidden = tape.activation(.silu, second(hidden, grids: grids, in: context))
        hidden = excitation(rows.with(hidden), in: context).tensor
        hidden = third(hidden, grids: grids, in: context)
        let past = shortcut.map { $0(rows.tensor, grids: grids, in: context) } ?? rows.tensor
        return tape.activation(.silu, tape.add(hidden, past))
      })
  }

  func flops(places: Int) -> Int {
    ([first, second, third] + (shortcut.map { [$0] } ?? [])).reduce(excitation.flops) {
      $0 + $1.flops(places: places)
    }
  }
}

/// A convolution without bias, then LayerNorm over the channels of each place (ε 1e-5).
struct NormedConvolution: Module {
  /// `[out, in, 1, 1]`, or `[out, 1, side, side]` for one channel at a time.
  let weight: Parameter
  let norm: LayerNorm
  private let isDepthwise: Bool

  var parameters: [Parameter] { [weight] + norm.parameters }

  /// - Parameter side: above 1 each channel has a kernel of its own.
  init(_ inputWidth: Int, _ width: Int, side: Int = 1, in scope: ParameterScope) throws {
    isDepthwise = side > 1
    let fanIn = isDepthwise ? side * side : inputWidth
    weight = try scope("conv").parameter(
      "weight", shape: [width, isDepthwise ? 1 : inputWidth, side, side],
      start: .uniform(bound: 1 / Float(fanIn).squareRoot()))
    norm = try LayerNorm(width, in: scope("bn"))
  }

  func callAsFunction(_ input: Tensor, grids: [PackedGrid], in context: Context) -> Tensor {
    let tape = context.tape
    let convolved =
      isDepthwise
      ? tape.depthwise(input, weight, grids: grids) : tape.linear(input, weight)
    return norm(convolved, in: context)
  }

  func flops(places: Int) -> Int { 2 * places * weight.count }
}

/// Each channel times a factor made of the means of all channels (squeeze and excitation).
struct Excitation: Module {
  let squeeze: Linear
  let excite: Linear

  var parameters: [Parameter] { squeeze.parameters + excite.parameters }

  init(_ width: Int, inner: Int, in scope: ParameterScope) throws {
    func convolution(_ name: String, _ inputWidth: Int, _ width: Int) throws -> Linear {
      let start = Initialization.uniform(bound: 1 / Float(inputWidth).squareRoot())
      return Linear(
        weight: try scope(name).parameter(
          "weight", shape: [width, inputWidth, 1, 1], start: start),
        bias: try scope(name).parameter("bias", shape: [width], start: start))
    }
    squeeze = try convolution("fc1", width, max(1, inner))
    excite = try convolution("fc2", max(1, inner), width)
  }

  func callAsFunction(_ rows: Rows, in context: Context) -> Rows {
    let tape = context.tape
    let means = squeeze(tape.mean(rows), in: context)
    let factors = excite(tape.activation(.silu, means), in: context)
    return tape.scaled(rows, by: tape.activation(.sigmoid, factors))
  }

  /// Of one image.
  var flops: Int { squeeze.flops(rows: 1) + excite.flops(rows: 1) }
}
