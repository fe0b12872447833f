import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

@Suite("Language models with random weights")
struct RandomWeightsTests {
  @Test("only config.json is read; matrices are normal, norms 1, biases 0, always the same")
  func startValues() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: Fixtures.folder("qwen2-tiny").appending(path: "config.json"),
      to: folder.appending(path: "config.json"))
    let model = try ModelFolder(resolving: folder.path)
    func make(threads: Int) throws -> LlamaForCausalLM {
      try LlamaForCausalLM(
        model, weights: .random, store: ParameterStore(),
        executor: LaneExecutor(threads: threads))
    }
    let made = try make(threads: 1)
    let again = try make(threads: 2)
    #expect(made.parameters.map(\.values) == again.parameters.map(\.values))
    let deviation = made.description.initializerRange
    for parameter in made.parameters {
      let values = parameter.values
      if parameter.name.hasSuffix("norm.weight") {
        #expect(values.allSatisfy { $0 == 1 }, "\(parameter.name)")
      } else if parameter.name.hasSuffix("bias") {
        #expect(values.allSatisfy { $0 == 0 }, "\(parameter.name)")
      } else {
        let square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        #expect(abs(square.squareRoot() / deviation - 1) < 0.1, "\(parameter.name)")
      }
    }
  }

  @Test(
    "the sizes of published models",
    arguments: [("qwen2.5-0.5b-instruct", 494_032_768), ("smollm-360m", 361_821_120)])
  func sizes(name: String, parameters: Int) throws {
    let models = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Experiments/models")
    let folder = try ModelFolder(resolving: models.appending(path: name).path)
    let model = try LlamaForCausalLM(
      DecoderDescription(folder), in: .shapes)
    #expect(model.parameterCount == parameters)
  }
}
