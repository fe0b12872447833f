import Configuration
import Datasets
import Encoders
import Foundation
import Layers
import Storage
import Tensors
import Testing

/// The encoders that a run makes itself: with and without layers and positions, for images of several sizes.
@Suite("Encoders that a run makes") struct PatchesEncoderTests {
  private static func patches(width: Int, patch: Int) throws -> SmallEncoderConfig {
    var config = PatchesEncoderConfig()
    (config.width, config.patch) = (width, patch)
    return try #require(EncoderConfig.patches(config).made)
  }

  private static func encoder(_ config: SmallEncoderConfig, side: Int) throws -> SmallEncoder {
    try SmallEncoder(
      config, input: .square(side),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
  }

  private static func image(_ number: Int, height: Int, width: Int) -> PixelValues {
    var stream = RandomKey(seed: 12).numbered(number).stream
    return PixelValues(
      (0..<3 * height * width).map { _ in stream.normal() }, height: height, width: width)
  }

  private static func values(_ encoder: SmallEncoder, _ images: [PixelValues]) -> [Float] {
    let tape = Tape(recordsGradients: false)
    return tape.values(
      encoder.patches(of: images, layer: .last, classToken: false, in: Context(tape: tape)).tensor)
  }

  /// `Conv2d(3, width, patch, stride: patch)`, then `LayerNorm(width)`, one patch after the other.
  private static func plain(
    _ image: PixelValues, _ encoder: SmallEncoder, patch: Int
  ) throws -> [Float] {
    func weight(_ name: String) throws -> [Float] {
      try #require(encoder.parameters.first { $0.name == name }).values
    }
    let (kernel, bias) = (
      try weight("patch_embedding.weight"), try weight("patch_embedding.bias")
    )
    let (scale, shift) = (try weight("norm.weight"), try weight("norm.bias"))
    var result: [Float] = []
    for top in stride(from: 0, to: image.height, by: patch) {
      for left in stride(from: 0, to: image.width, by: patch) {
        let row = bias.indices.map { output -> Double in
          var sum = Double(bias[output])
          for channel in 0..<3 {
            for y in 0..<patch {
              for x in 0..<patch {
                let pixel = (channel * image.height + top + y) * image.width + left + x
                let place = ((output * 3 + channel) * patch + y) * patch + x
                sum += Double(kernel[place]) * Double(image.values[pixel])
              }
            }
          }
          return sum
        }
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        for (index, value) in row.enumerated() {
          let normed = (value - mean) / (variance + 1e-5).squareRoot()
          result.append(Float(normed * Double(scale[index]) + Double(shift[index])))
        }
      }
    }
    return result
  }

  @Test("`patches` is a convolution with stride and LayerNorm, for images of several sizes at once")
  func convolution() throws {
    let encoder = try Self.encoder(Self.patches(width: 10, patch: 4), side: 16)
    for parameter in encoder.parameters where parameter.name.hasPrefix("norm") {
      var stream = RandomKey(seed: 2).named(parameter.name).stream
      parameter.assign(parameter.values.map { $0 + stream.normal() })
    }
    let images = [(8, 8), (16, 16), (4, 12), (16, 16), (8, 8)].enumerated().map {
      Self.image($0, height: $1.0, width: $1.1)
    }
    let wanted = try images.flatMap { try Self.plain($0, encoder, patch: 4) }
    expectClose(Self.values(encoder, images), wanted, absolute: 1e-5, relative: 1e-5)
  }

  @Test("the source's encoder gives 196 patches and has 98,688 weights; the smaller one gives 64")
  func sourceSizes() throws {
    let config = try Self.patches(width: 128, patch: 16)
    let encoder = try SmallEncoder(config, input: .square(224), in: .shapes)
    #expect(encoder.tokens(height: 224, width: 224) == 196)
    // 3 · 16 · 16 · 128 + 128 and a scale and a shift of 128.
    #expect(encoder.parameterCount == 98_688)
    #expect(encoder.forwardFLOPs(height: 224, width: 224) == 2 * 196 * 768 * 128)
    let small = try SmallEncoder(
      Self.patches(width: 128, patch: 8), input: .square(64), in: .shapes)
    #expect(small.tokens(height: 64, width: 64) == 64)
  }

  @Test(
    "a picture has (side div patch)² patches",
    arguments: [(336, 14, 576), (224, 14, 256), (224, 16, 196), (384, 16, 576), (30, 7, 16)])
  func patchCounts(side: Int, patch: Int, count: Int) throws {
    var description = ViTModel.defaults
    (description.imageSize, description.patchSize) = (side, patch)
    let vit = try ViTModel(description, pooler: false, in: .shapes)
    #expect(vit.grid(height: side, width: side, classToken: false).tokens == count)
    #expect(vit.tokens(height: side, width: side) == count + 1)
  }

  @Test(
    "without positions, patches that change places change places in the output; with them, not only"
  )
  func positions() throws {
    var config = SmallEncoderConfig()
    (config.width, config.layers, config.heads, config.patch) = (12, 2, 3, 4)
    let image = Self.image(0, height: 8, width: 8)
    // The patch at the top left and that at the bottom right.
    var values = image.values
    for channel in 0..<3 {
      for y in 0..<4 {
        for x in 0..<4 {
          values.swapAt((channel * 8 + y) * 8 + x, (channel * 8 + y + 4) * 8 + x + 4)
        }
      }
    }
    let swapped = PixelValues(values, height: 8, width: 8)
    for positions in EncoderPositions.allCases {
      config.positions = positions
      let encoder = try Self.encoder(config, side: 8)
      #expect(
        encoder.parameters.contains { $0.name == "position_embedding" } == (positions == .learned))
      let rows = Self.values(encoder, [image])
      let moved = Self.values(encoder, [swapped])
      let wanted = [3, 1, 2, 0].flatMap { rows[$0 * 12..<$0 * 12 + 12] }
      let worst = zip(moved, wanted).map { abs($0 - $1) }.max() ?? 0
      if positions == .none {
        #expect(worst < 1e-5)
      } else {
        #expect(worst > 1e-3)
      }
    }
  }

  @Test("images and captions of several sizes are embedded as each is alone")
  func contrastiveSizes() throws {
    var config = SmallEncoderConfig()
    (config.width, config.layers, config.heads, config.patch) = (12, 1, 3, 4)
    let pair = try ContrastivePair(
      config, input: .square(16), vocabulary: 4, captionLength: 2,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 8)))
    let images = [(8, 8), (16, 16), (16, 16), (8, 12)].enumerated().map {
      Self.image($0, height: $1.0, width: $1.1)
    }
    func embeddings(_ images: [PixelValues]) -> [Float] {
      let tape = Tape(recordsGradients: false)
      return tape.values(pair.embedding(of: tape.batches(of: images), in: Context(tape: tape)))
    }
    expectClose(
      embeddings(images), images.flatMap { embeddings([$0]) }, absolute: 1e-6, relative: 1e-5)
  }

  @Test("media of several sizes keep theirs, of one size are resized to it, or as the setting says")
  func processors() throws {
    let executor = LaneExecutor(threads: 2)
    func media(_ sizes: (Int, Int)...) -> [Medium] {
      sizes.enumerated().map { index, size in
        Medium(
          id: Identifier("m\(index)"), source: .drawn(RGBImage(width: size.0, height: size.1)))
      }
    }
    func sizes(_ media: [Medium], _ config: SmallEncoderConfig) throws -> [[Int]] {
      let processor = try config.processor(for: media, executor: executor)
      let pixels = try media.map { try processor.pixels(of: $0) }
      let encoder = try SmallEncoder(config, input: processor.shape, in: .shapes)
      let grids = try encoder.grids(of: media, processor, classToken: false, executor: executor)
      #expect(grids.map { [$0.columns * 8, $0.rows * 8] } == pixels.map { [$0.width, $0.height] })
      #expect(pixels.allSatisfy { $0.values == [Float](repeating: -1, count: $0.values.count) })
      #expect(pixels.allSatisfy { $0.values.count == 3 * $0.width * $0.height })
      return [[processor.shape.width, processor.shape.height]]
        + pixels.map { [$0.width, $0.height] }
    }
    var config = try Self.patches(width: 8, patch: 8)
    #expect(
      try sizes(media((16, 16), (32, 32), (8, 24)), config) == [
        [32, 32], [16, 16], [32, 32], [8, 24],
      ])
    #expect(try sizes(media((16, 24), (16, 24)), config) == [[16, 24], [16, 24], [16, 24]])
    let processor = try config.processor(for: media((16, 16)), executor: executor)
    #expect(try processor.pixels(of: media((40, 50))[0]).width == 16)
    let error = #expect(throws: EncoderError.self) {
      try config.processor(for: media((16, 16), (16, 20)), executor: executor)
    }
    #expect(error?.description.contains("m1 has 16×20 pixels; encoder.image_size resizes") == true)
    config.imageSize = 24
    #expect(try sizes(media((16, 16), (17, 90)), config) == [[24, 24], [24, 24], [24, 24]])
    config.imageSize = 20
    #expect(throws: EncoderError.self) {
      try config.processor(for: media((16, 16)), executor: executor)
    }
  }
}
