import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

/// Resizing and preprocessing against Pillow and transformers: `Fixtures/image`, `Fixtures/image-more`.
///
/// Pictures come from the fixture's own decoded bytes, so that no decoder is tested here.
struct ImageProcessorParityTests {
  struct Fixture {
    let file: SafetensorsFile

    init(_ name: String) throws {
      file = try SafetensorsFile(Fixtures.folder(name).appending(path: "io.safetensors"))
    }

    /// A tensor `[height, width, 3]`.
    func image(_ name: String) throws -> RGBImage {
      let shape = try #require(file.info(name)?.shape)
      return RGBImage(width: shape[1], height: shape[0], pixels: try file.bytes(name))
    }

    /// The picture called `name`: the fixture's pixels, or those of the PNG, which decode exactly.
    func source(_ name: String, in folder: String) throws -> RGBImage {
      if file.contains("\(name).rgb_u8") { return try image("\(name).rgb_u8") }
      return try RGBImage(contentsOf: Fixtures.folder(folder).appending(path: name))
    }
  }

  static func exists(_ folder: String) -> Bool {
    FileManager.default.fileExists(
      atPath: Fixtures.folder(folder).appending(path: "io.safetensors").path)
  }

  /// The bytes of `[height, width, 3]` as `[3, height, width]`.
  static func planes(_ image: RGBImage) -> [UInt8] {
    (0..<3).flatMap { channel in
      stride(from: channel, to: image.pixels.count, by: 3).map { image.pixels[$0] }
    }
  }

  @Test(
    "resizing equals Pillow's in every byte",
    .enabled(if: exists("image"), "Fixtures/image/io.safetensors is not there"))
  func resizing() throws {
    let fixture = try Fixture("image")
    var compared = 0
    for name in fixture.file.names {
      guard let match = name.wholeMatch(of: /(.+)\.(bicubic|bilinear)_(\d+)x(\d+)/),
        let filter = ResampleFilter(rawValue: String(match.2)), let width = Int(match.3),
        let height = Int(match.4)
      else { continue }
      let image = try fixture.source(String(match.1), in: "image")
      let resized = ImageResampler.resize(image, width: width, height: height, filter)
      #expect(resized == (try fixture.image(name)), "\(name)")
      compared += 1
    }
    #expect(compared > 0)
  }

  struct Processors: Decodable {
    struct Processor: Decodable {
      let resample: Int
      let size: [String: Int]
      let cropSize: [String: Int]
      let doCenterCrop: Bool
      let rescaleFactor: Double
      let mean: [Double]
      let std: [Double]
    }

    let processors: [String: Processor]
  }

  /// Writes the `preprocessor_config.json` of a processor and reads it as a model folder's.
  static func processor(_ members: [String: Any]) throws -> ImageProcessor {
    try inTemporaryFolder { folder in
      let file = folder.appending(path: "preprocessor_config.json")
      try JSONSerialization.data(withJSONObject: members).write(to: file)
      return try ImageProcessor(preprocessorConfig: file)
    }
  }

  static func processor(
    type: String, _ processor: Processors.Processor
  ) throws -> ImageProcessor {
    var members: [String: Any] = [
      "image_processor_type": type, "size": processor.size, "resample": processor.resample,
      "do_center_crop": processor.doCenterCrop, "rescale_factor": processor.rescaleFactor,
      "image_mean": processor.mean, "image_std": processor.std,
    ]
    if processor.doCenterCrop { members["crop_size"] = processor.cropSize }
    return try Self.processor(members)
  }

  @Test(
    "SigLIP's, CLIP's and ViT's processors give transformers' pixels",
    .enabled(if: exists("image"), "Fixtures/image/io.safetensors is not there"))
  func namedProcessors() throws {
    let fixture = try Fixture("image")
    let data = try Data(contentsOf: Fixtures.folder("image").appending(path: "config.json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let configs = try decoder.decode(Processors.self, from: data).processors
    let types = [
      "siglip": "SiglipImageProcessor", "clip": "CLIPImageProcessor", "vit": "ViTImageProcessor",
    ]
    var compared = 0
    for (name, config) in configs {
      let processor = try Self.processor(type: try #require(types[name]), config)
      for key in fixture.file.names where key.hasSuffix(".\(name).resized_u8") {
        let stem = String(key.dropLast(".\(name).resized_u8".count))
        let image = try fixture.source(stem, in: "image")
        #expect(Self.planes(processor.resized(image)) == (try fixture.file.bytes(key)), "\(key)")
        compared += 1
        let values = "\(stem).\(name).pixel_values"
        guard fixture.file.contains(values) else { continue }
        expectClose(processor(image), try fixture.file.floats(values), within: 1e-5, values)
      }
    }
    #expect(compared > 0)
  }

  @Test("DINOv2's processor gives transformers' pixels, padding and odd sizes included")
  func shortestEdgeAndCrop() throws {
    let fixture = try Fixture("image-more")
    var compared = 0
    for key in fixture.file.names {
      guard let match = key.wholeMatch(of: /(.+)\.bit(\d+)_(\d+)\.(u8|pixel_values)/),
        let edge = Int(match.2), let crop = Int(match.3)
      else { continue }
      let processor = try Self.processor([
        "image_processor_type": "BitImageProcessor", "size": ["shortest_edge": edge],
        "crop_size": ["height": crop, "width": crop], "resample": 3, "do_center_crop": true,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
      ])
      let image = try fixture.source(String(match.1), in: "image-more")
      if match.4 == "u8" {
        #expect(Self.planes(processor.resized(image)) == (try fixture.file.bytes(key)), "\(key)")
      } else {
        expectClose(processor(image), try fixture.file.floats(key), within: 1e-5, key)
      }
      compared += 1
    }
    #expect(compared > 0)
  }
}

/// Compares element by element and reports the first that is too far off.
func expectClose(
  _ values: [Float], _ expected: [Float], within tolerance: Float, _ name: String
) {
  #expect(values.count == expected.count, "\(name)")
  let wrong = zip(values, expected).enumerated().first {
    abs($0.element.0 - $0.element.1) > tolerance
  }
  #expect(wrong == nil, "\(name)")
}

/// Runs `body` with a new folder that is removed afterwards.
func inTemporaryFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appending(path: "dragoman-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
