import Foundation
import Testing

@testable import Storage

@Suite struct ModelFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// `model.safetensors` with the one tensor `w`.
  private func writeWeights(_ name: String, tensor: String = "w", _ values: [Float] = [1, 2]) throws
  {
    let url = folder.file(name)
    try AtomicFile.ensureFolder(url.deletingLastPathComponent())
    try Safetensors.write([(tensor, [values.count], values)], to: url)
  }

  @Test func aFolderIsFoundRelativeToTheExperiment() throws {
    _ = try folder.write(#"{"model_type":"llama"}"#, "models/a/config.json")
    try writeWeights("models/a/model.safetensors")
    let model = try ModelFolder(resolving: "models/a", relativeTo: folder.url, environment: [:])
    #expect(model.url.path == folder.file("models/a").path)
    #expect(try model.json("config.json")["model_type"]?.string == "llama")
    let weights = try model.weights
    #expect(weights.names == ["w"])
    #expect(weights.shape(of: "w") == [2])
    #expect(weights.shape(of: "v") == nil)
    #expect(try weights.floats("w") == [1, 2])
    #expect(try weights.digest() == Digest.ofFile(folder.file("models/a/model.safetensors")))
    #expect(
      try ModelFolder(resolving: folder.file("models/a").path, environment: [:]).url == model.url)
  }

  @Test func homeIsExpanded() throws {
    _ = try folder.write("{}", "m/config.json")
    let model = try ModelFolder(resolving: "~/m", environment: ["HOME": folder.url.path])
    #expect(model.contains("config.json"))
  }

  @Test func whatIsMissingIsNamed() throws {
    func resolving(_ reference: String) -> String {
      message {
        try ModelFolder(resolving: reference, relativeTo: folder.url, environment: [:]).weights
      }
    }
    let path = folder.url.path
    #expect(
      resolving("none")
        == "There is no model folder \(path)/none (from \"none\"). "
        + "Give the path of a folder with config.json, or hf:ORG/NAME.")
    _ = try folder.write("x", "file")
    #expect(
      resolving("file")
        == "The model \(path)/file (from \"file\") is a file; give the folder that holds it.")
    try AtomicFile.ensureFolder(folder.file("bare"))
    #expect(resolving("bare") == "The model folder \(path)/bare has no config.json.")
    _ = try folder.write("{}", "bare/config.json")
    #expect(
      resolving("bare")
        == "The model folder \(path)/bare has no weights: neither model.safetensors nor "
        + "model.safetensors.index.json.")
    _ = try folder.write("x", "bare/pytorch_model.bin")
    #expect(
      resolving("bare")
        == "The model folder \(path)/bare has no weights: neither model.safetensors nor "
        + "model.safetensors.index.json. It has pytorch_model.bin, which is not read: save the model "
        + "with safe_serialization.")
    _ = try folder.write([8, 0, 0], "bare/model.safetensors")
    #expect(
      resolving("bare")
        == "The safetensors file \(path)/bare/model.safetensors is truncated: it has 3 bytes and "
        + "needs 8. Fetch it again.")
  }

  @Test func badJSONIsPlaced() throws {
    _ = try folder.write("{\"a\":\n 1,\n}", "m/config.json")
    let model = try ModelFolder(resolving: "m", relativeTo: folder.url, environment: [:])
    #expect(
      message { try model.json("config.json") }
        == "The file \(folder.file("m/config.json").path) is not valid JSON: a string is needed, got "
        + "\"}\" (at byte 10).")
    #expect(
      message { try model.json("generation_config.json") }
        == "The model folder \(folder.file("m").path) has no generation_config.json.")
  }
}

@Suite struct ShardedWeightsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(index: String) throws -> ModelFolder {
    _ = try folder.write("{}", "config.json")
    _ = try folder.write(index, "model.safetensors.index.json")
    return try ModelFolder(resolving: folder.url.path, environment: [:])
  }

  private func writeShard(_ name: String, _ tensors: [(String, [Float])]) throws {
    try Safetensors.write(
      tensors.map { (name: $0.0, shape: [$0.1.count], values: $0.1) }, to: folder.file(name))
  }

  @Test func shardsAreReadAsOne() throws {
    try writeShard("model-00001-of-00002.safetensors", [("a", [1]), ("b", [2, 3])])
    try writeShard("model-00002-of-00002.safetensors", [("c", [4])])
    let model = try model(
      index: #"""
        {"metadata": {"total_size": 16}, "weight_map": {"c": "model-00002-of-00002.safetensors",
          "a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors"}}
        """#)
    let weights = try model.weights
    #expect(weights.names == ["a", "b", "c"])
    #expect(try weights.floats("b") == [2, 3])
    var c: [Float] = [0]
    try c.withUnsafeMutableBufferPointer { try weights.read("c", into: .float32($0)) }
    #expect(c == [4])
    let digest = try weights.digest()
    try writeShard("model-00002-of-00002.safetensors", [("c", [5])])
    #expect(try model.weights.digest() != digest)
    #expect(
      message { try weights.floats("d") }
        == "The safetensors file \(folder.file("model-00001-of-00002.safetensors").path) has no tensor "
        + "\"d\". Similar names: \"a\", \"b\", \"c\".")
  }

  @Test func aBadIndexIsNamed() throws {
    let index = folder.file("model.safetensors.index.json").path
    try writeShard("one.safetensors", [("a", [1])])
    try writeShard("two.safetensors", [("a", [1]), ("b", [1])])
    func says(_ text: String) -> String { message { try model(index: text).weights } }
    #expect(says("{}") == "The weight index \(index) is malformed: it has no object weight_map.")
    #expect(
      says(#"{"weight_map":{"a":"gone.safetensors"}}"#)
        == "The weight file \(folder.file("gone.safetensors").path), which "
        + "model.safetensors.index.json lists, is missing. Fetch the model again.")
    #expect(
      says(#"{"weight_map":{"a":"../x.safetensors"}}"#)
        == "The weight index \(index) is malformed: the file \"../x.safetensors\" lies outside the "
        + "folder.")
    #expect(
      says(#"{"weight_map":{"z":"one.safetensors"}}"#)
        == "The weight index \(index) is malformed: it places \"z\" in one.safetensors, which does "
        + "not hold it.")
    #expect(
      says(#"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#)
        == "The weight index \(index) is malformed: two of its files hold the tensor \"a\".")
    #expect(
      says(#"{"weight_map":{"a":1}}"#)
        == "The weight index \(index) is malformed: the file of \"a\" is not a string.")
  }
}

@Suite struct HuggingFaceCacheTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A cache as `hf download` leaves it: files are links into `blobs`.
  private func fill(_ hub: String, commit: String = "0123abcd") throws {
    let model = "\(hub)/models--org--some--model.v1"
    _ = try folder.write(#"{"hidden_size":4}"#, "\(model)/blobs/c0ffee")
    try Safetensors.write([("w", [1], [3])], to: folder.file("\(model)/blobs/beef"))
    _ = try folder.write(commit, "\(model)/refs/main")
    _ = try folder.write(commit + "\n", "\(model)/refs/refs/pr/1")
    try AtomicFile.ensureFolder(folder.file("\(model)/snapshots/\(commit)"))
    for (name, blob) in [("config.json", "c0ffee"), ("model.safetensors", "beef")] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("\(model)/snapshots/\(commit)/\(name)").path,
        withDestinationPath: "../../blobs/\(blob)")
    }
  }

  @Test func aModelIsFoundThroughItsLinks() throws {
    try fill("hub")
    let environment = ["HF_HUB_CACHE": folder.file("hub").path]
    for reference in [
      "hf:org/some--model.v1", "hf:org/some--model.v1@0123abcd", "hf:org/some--model.v1@refs/pr/1",
    ] {
      let model = try ModelFolder(resolving: reference, environment: environment)
      #expect(model.url.lastPathComponent == "0123abcd")
      #expect(try model.json("config.json")["hidden_size"]?.int == 4)
      #expect(try model.weights.floats("w") == [3])
    }
    #expect(HuggingFaceCache(environment: environment).models == ["org/some--model.v1"])
  }

  @Test func theCacheIsTheOneHuggingFaceWouldUse() {
    func path(_ environment: [String: String]) -> String {
      HuggingFaceCache(environment: environment).folder.path
    }
    #expect(path(["HF_HUB_CACHE": "/a", "HF_HOME": "/b", "HOME": "/h"]) == "/a")
    #expect(path(["HF_HUB_CACHE": "", "HF_HOME": "~/b", "HOME": "/h"]) == "/h/b/hub")
    #expect(path(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/huggingface/hub")
    #expect(path(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
  }

  @Test func anAbsentModelSaysWhatToType() throws {
    let cache = folder.file("hub").path
    func says(_ reference: String) -> String {
      message {
        try ModelFolder(resolving: reference, environment: ["HF_HUB_CACHE": cache]).weights
      }
    }
    #expect(
      says("hf:HuggingFaceTB/SmolLM2-135M")
        == "The model HuggingFaceTB/SmolLM2-135M is not in the Hugging Face cache \(cache). "
        + "Fetch it with: hf download HuggingFaceTB/SmolLM2-135M")
    try fill("hub")
    #expect(
      says("hf:org/some--model.v1@v2")
        == "The model org/some--model.v1 at revision v2 is not in the Hugging Face cache \(cache). "
        + "Fetch it with: hf download org/some--model.v1 --revision v2")
    // A download that was cut off: the link is there, its blob is not.
    try FileManager.default.removeItem(
      at: folder.file("hub/models--org--some--model.v1/blobs/c0ffee"))
    let snapshot = folder.file("hub/models--org--some--model.v1/snapshots/0123abcd").path
    #expect(
      says("hf:org/some--model.v1")
        == "The model folder \(snapshot) has no config.json. "
        + "Fetch it with: hf download org/some--model.v1")
  }

  @Test(arguments: [
    "hf:", "hf:a/b/c", "hf:../x", "hf:a//b", "hf:a/b@", "hf:a/b@../../x", "hf:a b/c",
  ])
  func aReferenceThatNamesNoModelIsRefused(_ reference: String) {
    let said = message {
      try ModelFolder(resolving: reference, environment: ["HF_HUB_CACHE": folder.url.path])
    }
    #expect(said.hasPrefix("The model \"\(reference)\" can't be looked up: "), "\(said)")
    #expect(said.hasSuffix("or the path of a folder."))
  }
}
