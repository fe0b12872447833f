import Configuration
import Datasets
import Foundation
import Layers
import Storage
import Synchronization
import Tensors
import Testing

@testable import Encoders

/// Encoders on inputs of one channel whose height and width differ.
struct SoundEncoderTests {
  static func config(_ change: (inout SmallEncoderConfig) -> Void = { _ in }) -> SmallEncoderConfig
  {
    var config = SmallEncoderConfig()
    (config.width, config.layers, config.heads, config.patch) = (24, 1, 3, 16)
    (config.sound.mels, config.sound.seconds) = (32, 0.48)
    change(&config)
    return config
  }

  static func encoder(_ config: SmallEncoderConfig, _ input: InputShape) throws -> SmallEncoder {
    try SmallEncoder(
      config, input: input, in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 5)))
  }

  static func sound(_ id: String, _ frequency: Double, seconds: Double = 0.5) -> Medium {
    Medium(
      id: Identifier(id),
      source: .sound(
        Audio(
          rate: 8000,
          samples: (0..<Int(8000 * seconds)).map {
            Float(0.5 * sin(2 * Double.pi * frequency * Double($0) / 8000))
          })))
  }

  @Test("a sound is cut into rows and columns of patches, and has positions of its own grid")
  func grid() throws {
    let config = Self.config()
    let media = [Self.sound("a", 300), Self.sound("b", 900, seconds: 2)]
    let processor = try config.processor(for: media, executor: LaneExecutor(threads: 1))
    #expect(processor.shape == InputShape(channels: 1, height: 32, width: 48))
    let encoder = try Self.encoder(config, processor.shape)
    let shapes = Dictionary(
      uniqueKeysWithValues: encoder.parameters.map { ($0.name, $0.shape) })
    #expect(shapes["position_embedding"] == [2 * 3, 24])
    #expect(shapes["patch_embedding.weight"] == [24, 1, 16, 16])
    let grids = try encoder.grids(
      of: media, processor, classToken: false, executor: LaneExecutor(threads: 1))
    #expect(grids == Array(repeating: PatchGrid(rows: 2, columns: 3), count: 2))
    let tape = Tape(recordsGradients: false)
    let patches = encoder.patches(
      of: try media.map { try processor.pixels(of: $0) }, layer: .last, classToken: false,
      in: Context(tape: tape))
    #expect(patches.grids == grids && patches.tensor.rows == 12)
    #expect(tape.values(patches.tensor).allSatisfy { $0.isFinite })
  }

  @Test("the projection of a patch is the sum over its own pixels, row by row")
  func projection() throws {
    let config = Self.config { ($0.layers, $0.positions, $0.patch) = (0, .none, 2) }
    let encoder = try Self.encoder(config, InputShape(channels: 1, height: 4, width: 6))
    let pixels = (0..<24).map { Float($0 * $0 % 11) }
    let tape = Tape(recordsGradients: false)
    let rows = encoder.hidden(
      tape.batches(of: [PixelValues(pixels, height: 4, width: 6)]), depth: 0, finalNorm: false,
      in: Context(tape: tape))
    let values = tape.values(rows.tensor)
    let weight = try #require(encoder.parameters.first { $0.name.hasSuffix("weight") }).values
    let bias = try #require(encoder.parameters.first { $0.name.hasSuffix("embedding.bias") }).values
    for (row, column) in [(0, 0), (0, 2), (1, 1)] {
      for output in 0..<24 {
        var sum = Double(bias[output])
        for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          sum +=
            Double(weight[output * 4 + y * 2 + x])
            * Double(pixels[(row * 2 + y) * 6 + column * 2 + x])
        }
        #expect(abs(Double(values[(row * 3 + column) * 24 + output]) - sum) <= 1e-4)
      }
    }
  }

  @Test("positions of a grid that is not square are resized row by row and column by column")
  func resizing() throws {
    let table = (0..<4 * 6).map { (place: Int) -> Float in
      let (row, column) = place.quotientAndRemainder(dividingBy: 6)
      return Float(10 * row + column)
    }
    let weight = ParameterStore().add("positions", shape: [24, 1], values: table)
    let positions = PositionTable(weight, leading: 0, rows: 4, columns: 6)
    for isTrainable in [true, false] {
      [weight].setTrainable(isTrainable)
      let tape = Tape(recordsGradients: false)
      let grid = PatchGrid(rows: 8, columns: 6)
      let zeros = tape.tensor(rows: 48, width: 1) { $0.update(repeating: 0) }
      let values = tape.values(
        positions.added(to: zeros, grids: [grid], in: Context(tape: tape)))
      for row in 0..<8 {
        let position = (Float(row) + 0.5) / 2 - 0.5
        let first = Int(position.rounded(.down)) - 1
        let expected = (first..<first + 4).reduce(Float(0)) { sum, tap in
          sum + Self.cubic(position - Float(tap)) * 10 * Float(min(max(tap, 0), 3))
        }
        for column in 0..<6 {
          #expect(abs(values[row * 6 + column] - (expected + Float(column))) <= 1e-4)
        }
      }
    }
  }

  /// Keys' cubic convolution with torch's a = −0.75.
  private static func cubic(_ distance: Float) -> Float {
    let (x, a) = (abs(distance), Float(-0.75))
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }

  @Test("patches that do not fit the spectrogram, and sounds among images, are refused")
  func faults() throws {
    func message(_ config: SmallEncoderConfig, _ media: [Medium]) -> String {
      do {
        _ = try config.processor(for: media, executor: LaneExecutor(threads: 1))
        return "no error"
      } catch {
        return "\(error)"
      }
    }
    let sound = Self.sound("a", 300)
    #expect(message(Self.config { $0.sound.mels = 40 }, [sound]).contains("divide the 40 mels"))
    #expect(
      message(Self.config { $0.sound.seconds = 0.5 }, [sound]).contains(
        "divide the 50 frames, sound.seconds over sound.hop"))
    let image = Medium(id: "b", source: .drawn(RGBImage(width: 16, height: 16)))
    #expect(
      message(Self.config(), [image, sound]).contains("the image b and the sound a"))
  }

  @Test("features of sounds are kept under id, content and every setting of the spectrogram")
  func store() throws {
    let fixture = try FeatureStoreFixture()
    let config = Self.config()
    let media = [Self.sound("a", 300), Self.sound("b", 900)]
    let processor = try config.processor(for: media, executor: LaneExecutor(threads: 1))
    let encoder = try Self.encoder(config, processor.shape)
    func features(_ media: [Medium]) throws -> (encoded: Int, values: [[Float]]) {
      let log = Counter()
      let features = try fixture.store.features(
        of: media,
        description: FeatureDescription(
          encoder: "small", encoderDigest: "1", preprocessing: processor.description, layer: .last,
          classToken: false, precision: .float32), encoder: encoder, processor: processor, batch: 2,
        executor: LaneExecutor(threads: 1),
        progress: { done, _ in log.value.withLock { $0 = done } },
        shouldStop: { false })
      return (log.value.withLock { $0 }, try #require(features).allValues)
    }
    let first = try features(media)
    #expect(first.encoded == 2 && first.values[0] != first.values[1])
    #expect(try features(media) == (0, first.values))
    let other = try features([media[0], Self.sound("b", 901)])
    #expect(other.encoded == 1 && other.values[0] == first.values[0])
  }
}

private final class Counter: Sendable {
  let value = Mutex(0)
}
