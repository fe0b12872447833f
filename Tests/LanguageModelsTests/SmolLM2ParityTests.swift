import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

/// Against transformers 4.57 with the real weights of SmolLM2-135M-Instruct.
@Suite(.enabled(if: Fixtures.models != nil, "DRAGOMAN_MODELS is not set"), .serialized)
struct SmolLM2ParityTests {
  static let model = Result {
    let path = Fixtures.models?.appending(path: "smollm2-135m-instruct").path ?? ""
    return try LlamaForCausalLM(
      ModelFolder(resolving: path), store: ParameterStore(), executor: LaneExecutor(threads: 2))
  }

  @Test func theStoreHoldsOneFloatForEachWeight() throws {
    let store = ParameterStore()
    let path = Fixtures.models?.appending(path: "smollm2-135m-instruct").path ?? ""
    let model = try LlamaForCausalLM(
      ModelFolder(resolving: path), store: store, executor: LaneExecutor(threads: 2))
    #expect(model.parameterCount == 134_515_008)
    #expect(store.allocatedBytes < 134_515_008 * 4 * 9 / 8)
  }

  @Test func promptLogitsEqualTransformers() throws {
    let model = try Self.model.get()
    let io = try SafetensorsFile(Fixtures.folder("smollm2-135m").appending(path: "io.safetensors"))
    let prompts = io.names.filter { $0.hasSuffix(".input_ids") }
    #expect(!prompts.isEmpty)
    for prompt in prompts.map({ $0.split(separator: ".")[0] }) {
      let ids = try io.int64s("\(prompt).input_ids").map { Int32($0) }
      let tape = Tape(recordsGradients: false)
      let context = Context(tape: tape)
      let hidden = model.hidden(
        model.embed(ids, in: context), positions: ids.indices.map { Int32($0) },
        layout: .causal(Segments(lengths: [ids.count])), in: context)
      let last = tape.gather(hidden, rows: [Int32(ids.count - 1)])
      let logits = tape.values(model.logits(last, in: context))
      let expected = try io.floats("\(prompt).last_logits")
      #expect(excess(logits, over: expected, absolute: 2e-3, relative: 1e-4) <= 0, "\(prompt)")
      let normed = try io.floats("\(prompt).hidden_final_normed")
      #expect(
        excess(tape.values(last), over: normed, absolute: 2e-3, relative: 1e-4) <= 0, "\(prompt)")
      let logProbabilities = try io.floats("\(prompt).logprob_of_next")
      for (row, expected) in logProbabilities.enumerated() {
        let loss = tape.crossEntropy(
          tape.gather(hidden, rows: [Int32(row)]), head: model.headWeight, targets: [ids[row + 1]],
          scale: 1)
        #expect(abs(Float(-loss.value) - expected) < 2e-3)
      }
    }
  }

  @Test func greedyContinuationsEqualTransformersInOneBatch() throws {
    let model = try Self.model.get()
    let io = try SafetensorsFile(Fixtures.folder("smollm2-135m").appending(path: "io.safetensors"))
    let prompts = io.names.filter { $0.hasSuffix(".gen_ids") }.map { $0.split(separator: ".")[0] }
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let ids = try prompts.map { try io.int64s("\($0).input_ids").map { Int32($0) } }
    let prefixes = Rows(
      model.embed(ids.flatMap { $0 }, in: context), Segments(lengths: ids.map(\.count)))
    // The reference stops after id 2, its end of a turn.
    let expected = try prompts.map { try io.int64s("\($0).gen_ids").map { Int32($0) } }
    let longest = expected.reduce(0) { max($0, $1.count) }
    let generated = Generator(model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: longest, endTokens: [2], in: context)
    #expect(generated == expected.map { Array($0.prefix { $0 != 2 }) })
  }
}
