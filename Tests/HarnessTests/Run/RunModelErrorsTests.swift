import Foundation
import TestSupport
import Testing

/// Photographs and model folders that are damaged or not there.
@Suite("Errors of dragoman run in data and models")
struct RunModelErrorsTests {
  @Test("a whole run on photographs with models from folders")
  func whole() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let ending = try photos.run()
    #expect(ending.code == 0, "\(ending)")
    #expect(ending.output.hasPrefix("photos: comparison\n"))
  }

  @Test("a damaged JPEG is named")
  func damagedImage() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let file = photos.folder.appending(path: "data/Images/3.jpg")
    try Data(contentsOf: file).prefix(200).write(to: file)
    let ending = try photos.run()
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errorLines.count == 1 && ending.errors.contains("data/Images/3.jpg"))
    photos.expectNoResults()
  }

  @Test("a truncated safetensors file", arguments: ["encoder", "language-model"])
  func truncatedWeights(model: String) throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let file = photos.folder.appending(path: model).appending(path: "model.safetensors")
    let data = try Data(contentsOf: file)
    try data.prefix(data.count - 100).write(to: file)
    let ending = try photos.run()
    #expect(
      ending
        == Program.Ending(
          code: 65, output: "",
          errors: "dragoman: error: The safetensors file \(file.path) is truncated: it has "
            + "\(data.count - 100) bytes and needs \(data.count). Fetch it again.\n"))
    photos.expectNoResults()
  }

  @Test("a model folder that is not there", arguments: ["encoder", "language-model"])
  func noModel(model: String) throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let folder = photos.folder.appending(path: model)
    try FileManager.default.removeItem(at: folder)
    let ending = try photos.run()
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errorLines.count == 1 && ending.errors.contains(folder.path))
    photos.expectNoResults()
  }

  @Test("a data folder that is not there")
  func noData() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let data = photos.folder.appending(path: "data")
    try FileManager.default.removeItem(at: data)
    #expect(
      try photos.run()
        == Program.Ending(
          code: 65, output: "",
          errors: "dragoman: error: \(data.path): there is no such folder. Correct dataset.root.\n")
    )
    photos.expectNoResults()
  }

  @Test("a split larger than the data set")
  func largeSplit() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let captions = photos.folder.appending(path: "data/captions.txt").path
    #expect(
      try photos.run(["dataset.split.train=40"])
        == Program.Ending(
          code: 65, output: "",
          errors: "dragoman: error: \(captions): dataset.split does not fit (40 train, "
            + "1 validation, 1 test, seed 0): there are only 6 images, it asks for 42 images. Ask "
            + "for at most 6 in all.\n"))
    photos.expectNoResults()
  }
}

/// Six photographs, the tiny encoder and language model of the fixtures, and a tokenizer of bytes.
struct PhotoExperiment {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    let images = folder.appending(path: "data/Images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    var captions = "image,caption\n"
    for number in 1...6 {
      try FileManager.default.copyItem(
        at: Fixtures.folder("image").appending(path: "photo_q90_420.jpg"),
        to: images.appending(path: "\(number).jpg"))
      captions += "\(number).jpg,A dog runs .\n"
    }
    try write(captions, "data/captions.txt")
    for (name, fixture) in [("encoder", "dinov2-tiny"), ("language-model", "llama-tiny")] {
      let model = folder.appending(path: name)
      try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
      for file in ["config.json", "model.safetensors"] {
        try FileManager.default.copyItem(
          at: Fixtures.folder(fixture).appending(path: file), to: model.appending(path: file))
      }
    }
    try write(
      """
      {"do_resize": true, "size": {"shortest_edge": 28}, "resample": 3, "do_center_crop": true,
       "crop_size": {"height": 28, "width": 28}, "do_rescale": true, "rescale_factor": 0.00392156862745098,
       "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
       "image_processor_type": "BitImageProcessor"}
      """, "encoder/preprocessor_config.json")
    try write(Self.tokenizer, "language-model/tokenizer.json")
    try write(#"{"eos_token": "<|end|>"}"#, "language-model/tokenizer_config.json")
    try write(
      """
      experiment: photos
      dataset: {kind: flickr8k, root: \(folder.path)/data, split: {train: 4, validation: 1, test: 1}}
      encoder: {kind: dinov2, model: \(folder.path)/encoder}
      language_model: {kind: llama, model: \(folder.path)/language-model}
      projectors: {mlp: {kind: mlp}}
      training: {stages: [{epochs: 1, batch_size: 2}], lanes: 2}
      evaluation: {decode: {max_new_tokens: 4}, bootstrap: 100, randomizations: 100, controls: []}
      figures: {heatmaps: {images: 1}}
      """, "photos.yaml")
  }

  func run(_ overrides: [String] = []) throws -> Program.Ending {
    try Program.run(
      ["run", "photos.yaml", "--quiet", "--results", "results", "--cache", "cache"] + overrides,
      in: folder)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// A refused run leaves no folder for the experiment and no features.
  func expectNoResults() {
    let names = ["results/photos", "cache/features"]
    for name in names {
      let files = (try? contents(folder.appending(path: name))) ?? [:]
      #expect(files.keys.filter { !$0.hasSuffix("lock") } == [], "\(name)")
    }
  }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  /// Byte-level BPE without merges: a token for each byte, and the end.
  private static var tokenizer: String {
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    let others = (0...255).filter { !printable.contains($0) }.indices.map { 256 + $0 }
    let letters = (printable + others).compactMap { UnicodeScalar($0).map(String.init) }
    let entries = letters.enumerated().map { index, letter in
      let quoted = letter == "\"" || letter == "\\" ? "\\" + letter : letter
      return "\"\(quoted)\": \(index)"
    }
    return """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [{"id": 256, "content": "<|end|>", "single_word": false, "lstrip": false,
         "rstrip": false, "normalized": false, "special": true}],
       "normalizer": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
         "use_regex": true},
       "post_processor": null,
       "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
         "use_regex": true},
       "model": {"type": "BPE", "dropout": null, "unk_token": null,
         "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
         "byte_fallback": false, "vocab": {\(entries.joined(separator: ", "))}, "merges": []}}
      """
  }
}
