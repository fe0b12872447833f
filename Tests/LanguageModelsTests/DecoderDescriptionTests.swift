import Configuration
import Foundation
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

@Suite struct DecoderDescriptionTests {
  static let llama: [String: JSONValue] = [
    "model_type": "llama", "hidden_size": 48, "intermediate_size": 96,
    "num_hidden_layers": 3, "num_attention_heads": 3,
    "vocab_size": 320,
  ]

  private func describe(_ changes: [String: JSONValue]) throws -> DecoderDescription {
    let json = Self.llama.merging(changes) { $1 }
    let members = json.map { JSONValue.Member($0.key, $0.value) }
    return try DecoderDescription(ModelConfigFile(.object(members), path: "m/config.json"))
  }

  @Test func absentKeysTakeTheValuesOfTransformers() throws {
    let description = try describe([:])
    #expect(description.keyValueHeads == 3)
    #expect(description.headWidth == 16)
    #expect(description.normEpsilon == 1e-6)
    #expect(description.ropeTheta == 10000)
    #expect(description.ropeScaling == nil)
    #expect(!description.tiesEmbeddings)
    #expect(!description.hasQueryKeyValueBias)
  }

  @Test func qwen2HasBiasesOnQueriesKeysAndValuesOnly() throws {
    let description = try describe(["model_type": "qwen2"])
    #expect(description.hasQueryKeyValueBias)
    #expect(!description.hasOutputBias)
    #expect(!description.hasFeedForwardBias)
  }

  @Test func ropeParametersOfTransformers5AreReadLikeTheOldKeys() throws {
    let old = try describe([
      "rope_theta": .number(500_000),
      "rope_scaling": ["type": "linear", "factor": 4],
    ])
    let new = try describe([
      "rope_parameters": [
        "rope_theta": .number(500_000), "rope_type": "linear", "factor": 4,
      ]
    ])
    #expect(old == new)
    #expect(new.ropeScaling == .linear(factor: 4))
  }

  @Test func qwen3NormsHeadsOfAWidthOfTheirOwn() throws {
    let said = try describe(["model_type": "qwen3", "head_dim": 12])
    #expect(said.normsQueriesAndKeys && said.headWidth == 12 && !said.hasQueryKeyValueBias)
    // Qwen3Config's default, whatever the width.
    #expect(try describe(["model_type": "qwen3", "num_attention_heads": 5]).headWidth == 128)
    #expect(try !describe([:]).normsQueriesAndKeys)
  }

  @Test func smollm3RotatesNotInEveryLayer() throws {
    func unrotated(_ changes: [String: JSONValue]) throws -> Set<Int> {
      try describe(["model_type": "smollm3"].merging(changes) { $1 }).layersWithoutRotary
    }
    #expect(try unrotated(["no_rope_layers": [1, 0, 1]]) == [1])
    #expect(try unrotated(["no_rope_layers": [1, 0, 1], "no_rope_layer_interval": 3]) == [1])
    #expect(try unrotated(["num_hidden_layers": 9]) == [3, 7])
    #expect(try unrotated(["no_rope_layer_interval": 3]) == [2])
    #expect(try describe(["model_type": "smollm3"]).ropeTheta == 2_000_000)
    // Llama's file may hold the key too; nothing reads it there.
    #expect(try describe(["no_rope_layers": [1, 0, 1]]).layersWithoutRotary.isEmpty)
  }

  /// The same model as transformers 4 and 5 write it.
  @Test func oldAndNewFilesOfLlama3ScalingAreOneModel() throws {
    func file(_ name: String) throws -> DecoderDescription {
      let url = Fixtures.folder("llama3-rope-tiny").appending(path: name)
      return try DecoderDescription(
        ModelConfigFile(JSONValue(parsing: [UInt8](Data(contentsOf: url))), path: name))
    }
    let new = try file("config.json")
    #expect(try file("config-old.json") == new)
    let expected = try SafetensorsFile(
      Fixtures.folder("llama3-rope-tiny").appending(path: "io.safetensors")
    ).floats("inv_freq")
    #expect(new.inverseFrequencies.count == expected.count)
    for (a, b) in zip(new.inverseFrequencies, expected) { #expect(abs(a - b) <= 1e-6 * b) }
  }

  /// What is changed in a good file, and the message's end.
  static let mistakes: [([String: JSONValue], String)] = [
    (
      ["model_type": "gpt2"],
      "model_type must be llama or qwen2 or qwen3 or smollm3 for this kind of language model; it is gpt2."
    ),
    (["hidden_size": .null], "hidden_size is missing."),
    (["hidden_size": "48"], #"hidden_size must be a whole number of at least 1; it is "48"."#),
    (
      ["num_hidden_layers": 0],
      "num_hidden_layers must be a whole number of at least 1; it is 0."
    ),
    (
      ["num_key_value_heads": 2],
      "num_key_value_heads must divide num_attention_heads 3; it is 2."
    ),
    (
      ["num_attention_heads": 5],
      "num_attention_heads must divide hidden_size 48 where head_dim is absent; it is 5."
    ),
    (["head_dim": 15], "head_dim must be even for rotary positions; it is 15."),
    (["hidden_act": "gelu"], "hidden_act must be silu; it is gelu."),
    (["rms_norm_eps": .number(-1)], "rms_norm_eps must be a positive number; it is -1.0."),
    (
      ["use_sliding_window": true],
      "use_sliding_window true is not supported: attention sees all rows before."
    ),
    (
      ["layer_types": ["full_attention", "sliding_attention"]],
      "layer_types may only hold full_attention; it is sliding_attention."
    ),
    (
      ["model_type": "smollm3", "no_rope_layers": [1, 0]],
      "no_rope_layers must hold a 0 or 1 for each of the 3 layers; it is [1, 0]."
    ),
    (
      ["model_type": "smollm3", "no_rope_layers": [1, 0, 2]],
      "no_rope_layers must hold a 0 or 1 for each of the 3 layers; it is [1, 0, 2]."
    ),
    (
      ["quantization_config": [:]],
      "quantization_config is not supported: take the float16, bfloat16 or float32 checkpoint of the model."
    ),
    (
      ["rope_scaling": ["rope_type": "yarn"]],
      "rope_scaling.rope_type must be default, linear or llama3; it is yarn."
    ),
    (
      ["rope_scaling": ["rope_type": "llama3", "low_freq_factor": 1]],
      "rope_scaling.high_freq_factor is missing."
    ),
  ]

  @Test(arguments: mistakes)
  func aFileThatCannotBeUsedIsRefusedByKey(changes: [String: JSONValue], message: String) {
    let error = #expect(throws: ModelFileError.self) { try describe(changes) }
    #expect(error?.description == "m/config.json: " + message)
  }

  /// `ROPE_INIT_FUNCTIONS["llama3"]` of transformers for Llama-3.2-1B, every fourth value.
  @Test func llama3FrequenciesEqualTransformers() {
    var description = DecoderDescription.small(
      width: 128, layers: 1, heads: 2, feedForwardWidth: 64, vocabularySize: 8)
    description.ropeTheta = 500_000
    description.ropeScaling = .llama3(
      factor: 32, lowFactor: 1, highFactor: 4, originalPositions: 8192)
    let expected: [Float] = [
      1.0, 0.193922758102417, 0.03760603070259094, 0.00729266507551074, 0.000429556705057621,
      8.570255886297673e-06, 1.6619674170215148e-06, 3.2229328894572973e-07,
    ]
    let frequencies = description.inverseFrequencies
    #expect(frequencies.count == 32)
    for (index, value) in expected.enumerated() {
      #expect(abs(frequencies[4 * index] - value) <= 1e-6 * value)
    }
    // The ramp between long and short wavelengths.
    #expect(abs(frequencies[15] - 0.0012905480107292533) <= 1e-6 * frequencies[15])
    #expect(abs(frequencies[17] - 9.708286233944818e-05) <= 1e-6 * frequencies[17])
  }

  @Test func aCheckpointOfAnotherModelIsRefusedByTensor() throws {
    let source = Fixtures.folder("llama-tiny")
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(
      at: source.appending(path: "model.safetensors"),
      to: folder.appending(path: "model.safetensors"))
    let text = try String(contentsOf: source.appending(path: "config.json"), encoding: .utf8)
    func load(_ from: String, _ to: String) throws -> ModelFileError? {
      try text.replacingOccurrences(of: from, with: to).write(
        to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
      return #expect(throws: ModelFileError.self) {
        _ = try LlamaForCausalLM(
          ModelFolder(resolving: folder.path), store: .init(), executor: .init(threads: 1))
      }
    }
    let wider = try load("\"hidden_size\": 48", "\"hidden_size\": 64")
    #expect(wider?.key == "model.embed_tokens.weight")
    #expect(wider?.rule == "has shape [320, 48], config.json asks for [320, 64]")
    let deeper = try load("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4")
    #expect(deeper?.key == "model.layers.3.input_layernorm.weight")
    #expect(deeper?.rule == "is missing: config.json describes another model")
  }

  @Test(arguments: [("llama-tiny", PretrainedKind.qwen2), ("qwen2-tiny", .llama)])
  func aFolderOfAnotherKindThanTheExperimentSaysIsRefused(
    name: String, kind: PretrainedKind
  ) throws {
    let folder = try ModelFolder(resolving: Fixtures.folder(name).path)
    let right: PretrainedKind = kind == .llama ? .qwen2 : .llama
    #expect(try DecoderDescription(folder, kind: right) == DecoderDescription(folder))
    let error = #expect(throws: ModelFileError.self) {
      _ = try LlamaForCausalLM(
        folder, kind: kind, store: ParameterStore(), executor: LaneExecutor(threads: 1))
    }
    #expect(error?.key == "model_type")
    #expect(
      error?.rule
        == "is \"\(right)\": the experiment says kind: \(kind). Write kind: \(right)")
  }
}
