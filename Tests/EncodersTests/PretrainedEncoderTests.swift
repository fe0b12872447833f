import Datasets
import Encoders
import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

/// A copy of a fixture's model folder that a test may change.
private final class ModelCopy {
  let url: URL

  init(_ fixture: String, preprocessor: String? = nil) throws {
    url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "dragoman-model-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try Data(contentsOf: Fixtures.folder(fixture).appending(path: name))
        .write(to: url.appending(path: name))
    }
    if let preprocessor {
      try Data(preprocessor.utf8).write(to: url.appending(path: "preprocessor_config.json"))
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var folder: ModelFolder {
    get throws { try ModelFolder(resolving: url.path, relativeTo: nil, environment: [:]) }
  }

  /// Sets or, with nil, removes keys of `config.json`.
  func configure(_ changes: [String: Any?]) throws {
    let file = url.appending(path: "config.json")
    let parsed = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    var config = try #require(parsed as? [String: Any])
    for (key, value) in changes { config[key] = value }
    try JSONSerialization.data(withJSONObject: config).write(to: file)
  }

  /// Renames every weight.
  func rename(_ name: (String) -> String?) throws {
    let file = url.appending(path: "model.safetensors")
    let weights = try SafetensorsFile(file)
    let tensors = try weights.names.compactMap {
      old -> (name: String, shape: [Int], values: [Float])? in
      guard let new = name(old), let shape = weights.info(old)?.shape else { return nil }
      return (new, shape, try weights.floats(old))
    }
    try Safetensors.write(tensors, to: file)
  }
}

@Suite struct PretrainedEncoderTests {
  private let executor = LaneExecutor(threads: 1)
  private let preprocessor = """
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 40},
     "crop_size": {"height": 32, "width": 32}}
    """

  private func refusal(_ fixture: String, _ changes: [String: Any?]) -> String {
    do {
      let copy = try ModelCopy(fixture)
      try copy.configure(changes)
      let (folder, store) = (try copy.folder, ParameterStore())
      switch fixture {
      case "vit-tiny": _ = try ViTModel(folder, store: store, executor: executor)
      case "siglip-tiny": _ = try SiglipVisionModel(folder, store: store, executor: executor)
      case "clip-vision-tiny": _ = try CLIPVisionModel(folder, store: store, executor: executor)
      default: _ = try Dinov2Model(folder, store: store, executor: executor)
      }
      return "(no error)"
    } catch {
      return "\(error)".split(separator: "/").last.map(String.init) ?? ""
    }
  }

  @Test func configurationsThatDoNotFitAreRefusedInWords() {
    #expect(
      refusal("vit-tiny", ["model_type": "dinov2"])
        == "config.json: model_type must be vit for this kind of encoder; it is dinov2.")
    #expect(
      refusal("vit-tiny", ["model_type": nil])
        == "config.json: model_type must be vit for this kind of encoder; it is absent.")
    #expect(
      refusal("siglip-tiny", ["hidden_size": "48"])
        == "config.json: hidden_size must be a whole number of at least 1; it is \"48\".")
    #expect(
      refusal("siglip-tiny", ["num_attention_heads": 5])
        == "config.json: num_attention_heads must divide hidden_size 48; it is 5.")
    #expect(
      refusal("clip-vision-tiny", ["patch_size": 33])
        == "config.json: patch_size must be at most image_size 32; it is 33.")
    #expect(
      refusal("clip-vision-tiny", ["layer_norm_eps": 0])
        == "config.json: layer_norm_eps must be a positive number; it is 0.")
    #expect(
      refusal("clip-vision-tiny", ["hidden_act": "mish"]).hasPrefix(
        "config.json: hidden_act must be one of gelu, "))
    #expect(
      refusal("vit-tiny", ["qkv_bias": false])
        == "config.json: qkv_bias must be true: the form without is not supported; it is false.")
    #expect(
      refusal("dinov2-tiny", ["use_swiglu_ffn": true])
        == "config.json: use_swiglu_ffn must be false: the SwiGLU form is not supported; it is true."
    )
    #expect(
      refusal("dinov2-tiny", ["qkv_bias": 1])
        == "config.json: qkv_bias must be true or false; it is 1.")
    #expect(refusal("siglip-tiny", ["num_hidden_layers": 4]).contains("has no weight"))
    #expect(refusal("vit-tiny", ["intermediate_size": 95]).contains("has shape [96, 48]"))
  }

  /// As google/siglip2-base-patch16-224 says it, made small: another vocabulary on the text side, nothing
  /// else that this reads.
  @Test func aSigLIP2FolderOfFixedResolutionIsSigLIP() throws {
    let whole = try SiglipVisionModel(
      EncoderFixture("siglip-tiny").folder, store: ParameterStore(), executor: executor)
    let copy = try ModelCopy("siglip-tiny", preprocessor: preprocessor)
    let config = try JSONSerialization.jsonObject(
      with: Data(contentsOf: Fixtures.folder("siglip-tiny").appending(path: "config.json")))
    var vision = try #require(config as? [String: Any])
    if let inner = vision["vision_config"] as? [String: Any] { vision = inner }
    vision["model_type"] = "siglip_vision_model"
    try copy.configure([
      "architectures": ["SiglipModel"], "model_type": "siglip", "initializer_factor": 1.0,
      "text_config": ["model_type": "siglip_text_model", "vocab_size": 256_000],
      "vision_config": vision, "dtype": "float32",
    ])
    let read = try SiglipVisionModel(copy.folder, store: ParameterStore(), executor: executor)
    #expect(read.description == whole.description)
    #expect(read.parameters.map(\.values) == whole.parameters.map(\.values))
    // The form with images of any size is another model.
    #expect(
      refusal("siglip-tiny", ["model_type": "siglip2"])
        == "config.json: model_type must be siglip_vision_model or siglip for this kind of encoder; it is siglip2."
    )
  }

  @Test func partOfAClassifierIsTheModel() throws {
    let copy = try ModelCopy("vit-tiny")
    try copy.rename { $0.hasPrefix("pooler") ? nil : "vit.\($0)" }
    let part = try ViTModel(copy.folder, store: ParameterStore(), executor: executor)
    let whole = try ViTModel(
      EncoderFixture("vit-tiny").folder, store: ParameterStore(), executor: executor)
    #expect(part.parameterCount == whole.parameterCount - 48 * 49)
    #expect(part.parameters.last?.values == whole.parameters.dropLast(2).last?.values)
  }

  @Test func visionSideOfAWholeCLIPIsTheModel() throws {
    let folder = try EncoderFixture("clip-full-tiny").folder
    let vision = try CLIPVisionModel(folder, store: ParameterStore(), executor: executor)
    let whole = try CLIPModel(folder, store: ParameterStore(), executor: executor)
    #expect(vision.description == whole.vision.description)
    #expect(vision.parameters.map(\.values) == whole.vision.parameters.map(\.values))
  }

  @Test func sparseConfigurationHasTransformersDefaults() throws {
    let copy = try ModelCopy("siglip-tiny")
    try Data(#"{"model_type": "siglip", "vision_config": {"num_hidden_layers": 1}}"#.utf8)
      .write(to: copy.url.appending(path: "config.json"))
    let model = try SiglipVisionModel(
      copy.folder, store: ParameterStore(), weights: .random, executor: executor)
    #expect((model.width, model.patchSize, model.layerCount) == (768, 16, 1))
    #expect(model.tokens(height: 224, width: 224) == 196)
    // A layer, patches, positions, final norm and the head.
    let layer = 4 * 768 * 769 + 2 * 768 * 3072 + 3072 + 768 + 4 * 768
    let head = layer - 2 * 768 + 768
    #expect(
      model.parameterCount == layer + 768 * (3 * 256 + 1) + 196 * 768 + 2 * 768 + head)
  }

  @Test func kindsFromAFolderComeWithTheirProcessor() throws {
    let copy = try ModelCopy("dinov2-tiny", preprocessor: preprocessor)
    var settings = PretrainedEncoderConfig()
    let encoder = try PretrainedEncoder(
      .dinov2, settings, folder: copy.folder, executor: executor)
    #expect((encoder.processor.outputWidth, encoder.processor.resize) == (32, .shortestEdge(40)))
    let weights = try copy.folder.weights.digest()
    let config = Digest.of(try copy.folder.data("config.json"))
    #expect(encoder.description.encoderDigest == Digest.of(weights + config))
    #expect(encoder.description.encoder.hasPrefix("Dinov2Model "))
    #expect(encoder.description.preprocessing == encoder.processor.description)

    settings.imageSize = 48
    settings.weights = .random
    let larger = try PretrainedEncoder(
      .dinov2, settings, folder: copy.folder, executor: executor)
    #expect((larger.processor.outputWidth, larger.processor.resize) == (48, .shortestEdge(60)))
    #expect(larger.description.key != encoder.description.key)
    #expect(
      larger.model.parameters.map(\.shape) == encoder.model.parameters.map(\.shape))
    #expect(larger.model.parameters[0].values != encoder.model.parameters[0].values)
  }

  @Test func settingsThatTheModelLacksAreRefused() throws {
    let copy = try ModelCopy("dinov2-tiny", preprocessor: preprocessor)
    func refusal(_ change: (inout PretrainedEncoderConfig) -> Void) throws -> String? {
      var settings = PretrainedEncoderConfig()
      change(&settings)
      return #expect(throws: EncoderError.self) {
        try PretrainedEncoder(.dinov2, settings, folder: copy.folder, executor: executor)
      }?.description
    }
    #expect(try refusal { $0.layer = .hiddenState(99) }?.contains("encoder.layer must be") == true)
    #expect(try refusal { $0.layer = .hiddenState(-99) }?.contains("it is -99") == true)
    #expect(try refusal { $0.imageSize = 3 }?.contains("encoder.image_size") == true)
  }

  @Test(arguments: ["siglip", "clip", "vit"])
  func everyKindIsBuilt(kind: String) throws {
    let copy = try ModelCopy(
      kind == "clip" ? "clip-vision-tiny" : "\(kind)-tiny", preprocessor: preprocessor)
    let settings = PretrainedEncoderConfig()
    let known: [PretrainedEncoderKind] = [.siglip, .clip, .vit]
    let named = try #require(known.first { $0.name == kind })
    let encoder = try PretrainedEncoder(named, settings, folder: copy.folder, executor: executor)
    #expect(encoder.model.width == 48)
    let small: EncoderConfig = .small(SmallEncoderConfig())
    let config = EncoderConfig.pretrained(named, settings)
    #expect(config.pretrained != nil && small.pretrained == nil)
    #expect(config.kind == kind && small.kind == "small")
    #expect(config != .pretrained(.dinov2, settings))
  }
}
