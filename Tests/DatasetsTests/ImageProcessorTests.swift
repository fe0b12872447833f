import Foundation
import Storage
import Testing

@testable import Datasets

struct ImageProcessorTests {
  @Test("what is not understood is refused, and the message says which key")
  func refusals() throws {
    let wrong: [([String: Any], String)] = [
      (["image_processor_type": "ConvNextImageProcessor"], "ConvNextImageProcessor"),
      (["image_processor_type": "BitImageProcessor", "resample": 0], "resample is 0"),
      (["image_processor_type": "BitImageProcessor", "do_center_crop": false], "do_center_crop"),
      (["image_processor_type": "ViTImageProcessor", "size": ["height": 8]], "size"),
      (["image_processor_type": "ViTImageProcessor", "size": 0], "size"),
      (["image_processor_type": "ViTImageProcessor", "image_std": [1.0, 0.0, 1.0]], "image_std"),
      (["image_processor_type": "ViTImageProcessor", "image_mean": "half"], "imageMean"),
      (
        [
          "image_processor_type": "CLIPImageProcessor",
          "size": ["shortest_edge": 8, "longest_edge": 9],
        ], "longest_edge"
      ),
    ]
    for (members, words) in wrong {
      let error = #expect(throws: DatasetError.self) {
        try ImageProcessorParityTests.processor(members)
      }
      #expect(error?.description.contains(words) == true, "\(words): \(error?.description ?? "")")
      #expect(error?.file.hasSuffix("preprocessor_config.json") == true)
    }
  }

  @Test("sizes given as numbers mean what each processor means by them")
  func sizesAsNumbers() throws {
    let clip = try ImageProcessorParityTests.processor([
      "feature_extractor_type": "CLIPFeatureExtractor", "size": 32, "crop_size": 30,
    ])
    #expect(clip.resize == .shortestEdge(32))
    #expect((clip.outputWidth, clip.outputHeight) == (30, 30))
    let vit = try ImageProcessorParityTests.processor([
      "image_processor_type": "ViTImageProcessorFast", "size": 32,
    ])
    #expect(vit.resize == .exact(width: 32, height: 32))
    #expect(vit.filter == .bilinear)
  }

  @Test("an absent file is named")
  func absentFile() {
    let error = #expect(throws: DatasetError.self) {
      try ImageProcessor(preprocessorConfig: URL(filePath: "/nowhere/preprocessor_config.json"))
    }
    #expect(error?.description.contains("/nowhere/preprocessor_config.json") == true)
  }

  @Test("the description tells settings apart that give other values")
  func description() {
    let processors = [
      ImageProcessor(
        outputWidth: 8, outputHeight: 8, resize: .shortestEdge(8), mean: nil,
        standardDeviation: nil),
      ImageProcessor(
        outputWidth: 8, outputHeight: 8, resize: .shortestEdge(9), mean: nil,
        standardDeviation: nil),
      ImageProcessor(
        outputWidth: 8, outputHeight: 8, resize: .shortestEdge(8), filter: .bilinear, mean: nil,
        standardDeviation: nil),
      ImageProcessor(
        outputWidth: 8, outputHeight: 8, resize: .shortestEdge(8), mean: [0, 0, 0],
        standardDeviation: [1, 1, 1]),
    ]
    #expect(Set(processors.map(\.description)).count == processors.count)
  }
}
