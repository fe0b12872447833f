import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

/// Against `generate` of transformers: ids exactly, scores to the fixture's tolerance.
@Suite struct BeamSearchParityTests {
  struct Cases: Decodable {
    struct Case: Decodable {
      let prompt: String
      let numBeams: Int
      let lengthPenalty: Double
      let earlyStopping: Bool
      let sequences: [[Int32]]
      let scores: [Double]
    }

    let eosId: Int32
    let maxNewTokens: Int
    let greedy: [String: [Int32]]
    let cases: [Case]
  }

  private struct Fixture {
    let cases: Cases
    let model: LlamaForCausalLM
    let io: SafetensorsFile

    init() throws {
      let folder = try ModelFolder(resolving: Fixtures.folder("beam").path)
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      cases = try decoder.decode(Cases.self, from: Data(contentsOf: folder.file("cases.json")))
      model = try LlamaForCausalLM(
        folder, store: ParameterStore(), executor: LaneExecutor(threads: 1))
      io = try SafetensorsFile(folder.file("io.safetensors"))
    }

    func prefixes(_ names: [String], on tape: Tape) throws -> GenerationPrefixes {
      let lengths = names.map { io.info($0)?.shape[0] ?? 0 }
      let rows = tape.tensor(
        try names.flatMap { try io.floats($0) }, rows: lengths.reduce(0, +), width: model.width)
      return GenerationPrefixes(Rows(rows, Segments(lengths: lengths)))
    }
  }

  @Test func sequencesAndScoresEqualTransformers() throws {
    let fixture = try Fixture()
    #expect(!fixture.cases.cases.isEmpty)
    for expected in fixture.cases.cases {
      let tape = Tape(recordsGradients: false)
      let found = Generator(fixture.model).beamSearch(
        prefixes: try fixture.prefixes([expected.prompt], on: tape),
        maxNewTokens: fixture.cases.maxNewTokens, endTokens: [fixture.cases.eosId],
        width: expected.numBeams, lengthPenalty: expected.lengthPenalty,
        endsEarly: expected.earlyStopping, in: Context(tape: tape))[0]
      let label =
        "\(expected.prompt), \(expected.numBeams) beams, penalty \(expected.lengthPenalty), early "
        + "\(expected.earlyStopping)"
      #expect(found.map(\.ids) == expected.sequences, "\(label)")
      for (ours, theirs) in zip(found, expected.scores) {
        #expect(abs(ours.score - theirs) < 1e-4, "\(label)")
      }
    }
  }

  @Test func promptsOfABatchAreSearchedAsAlone() throws {
    let fixture = try Fixture()
    let prompts = fixture.cases.greedy.keys.sorted()
    for expected in fixture.cases.cases where expected.prompt == prompts[0] {
      let tape = Tape(recordsGradients: false)
      let ids = Generator(fixture.model).generate(
        prefixes: try fixture.prefixes(prompts, on: tape),
        maxNewTokens: fixture.cases.maxNewTokens, endTokens: [fixture.cases.eosId],
        strategy: .beam(
          width: expected.numBeams, lengthPenalty: expected.lengthPenalty,
          endsEarly: expected.earlyStopping), in: Context(tape: tape))
      let others = fixture.cases.cases.filter {
        $0.numBeams == expected.numBeams && $0.lengthPenalty == expected.lengthPenalty
          && $0.earlyStopping == expected.earlyStopping
      }
      for other in others {
        let place = try #require(prompts.firstIndex(of: other.prompt))
        #expect(ids[place] == other.sequences[0].filter { $0 != fixture.cases.eosId })
      }
    }
  }

  @Test func oneBeamIsGreedy() throws {
    let fixture = try Fixture()
    for (prompt, expected) in fixture.cases.greedy {
      for strategy in [
        Generator.Strategy.greedy, .beam(width: 1, lengthPenalty: 1, endsEarly: false),
      ] {
        let tape = Tape(recordsGradients: false)
        let ids = Generator(fixture.model).generate(
          prefixes: try fixture.prefixes([prompt], on: tape),
          maxNewTokens: fixture.cases.maxNewTokens, endTokens: [fixture.cases.eosId],
          strategy: strategy, in: Context(tape: tape))
        #expect(ids[0] == expected.filter { $0 != fixture.cases.eosId })
      }
    }
  }

  @Test func aSearchEndsAtTheLargestPosition() throws {
    var config = SmallDecoderConfig()
    config.maximumPositions = 6
    config.positions = .learned
    let model = try SmallDecoder(
      config, vocabularySize: 30,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let prefixes = Rows(
      model.embed([1, 2, 3, 4, 5, 6, 7], in: context), Segments(lengths: [5, 2]))
    let found = Generator(model).beamSearch(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: 10, endTokens: [], width: 3,
      lengthPenalty: 1,
      endsEarly: false, in: context)
    #expect(found.map { $0.map(\.ids.count) } == [[2, 2, 2], [5, 5, 5]])
  }
}
