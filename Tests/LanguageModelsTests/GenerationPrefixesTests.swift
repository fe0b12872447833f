import Layers
import Tensors
import Testing

@testable import LanguageModels

/// What several sequences share is computed once and changes nothing.
@Suite struct GenerationPrefixesTests {
  /// Two pictures; three questions on the first, one of them twice, and one on the second.
  private let samples = [
    SequenceSample(media: [0], prefix: [.text([1]), .visual(0), .text([5, 6, 7])], branches: []),
    SequenceSample(media: [0], prefix: [.text([1]), .visual(0), .text([8])], branches: []),
    SequenceSample(media: [0], prefix: [.text([1]), .visual(0), .text([8])], branches: []),
    SequenceSample(media: [1], prefix: [.text([1]), .visual(0)], branches: []),
  ]

  private func model(_ precision: ComputePrecision = .float32) throws -> LlamaForCausalLM {
    var description = DecoderDescription.small(
      width: 32, layers: 2, heads: 4, feedForwardWidth: 48, vocabularySize: 24,
      maximumPositions: 64)
    description.initializerRange = 0.3
    return try LlamaForCausalLM(
      description,
      in: ParameterScope(store: ParameterStore(matrices: precision), random: RandomKey(seed: 3)))
  }

  /// Visual tokens of as many rows as each medium of `samples` has, the same for the same medium.
  private func prefixes(
    of samples: [SequenceSample], _ model: LlamaForCausalLM, in context: Context
  ) -> GenerationPrefixes {
    let media = samples.flatMap(\.media)
    let lengths = media.map { [11, 6][$0] }
    let values = zip(media, lengths).flatMap { medium, rows -> [Float] in
      var stream = RandomKey(seed: 20).numbered(medium).stream
      return (0..<rows * model.width).map { _ in stream.normal() }
    }
    let tensor = context.tape.tensor(values, rows: lengths.reduce(0, +), width: model.width)
    return model.prefixes(
      visual: Rows(tensor, Segments(lengths: lengths)), of: samples, in: context)
  }

  @Test func neighboursOnOnePictureShareWhatTheyBeginWith() throws {
    let shared = SequenceSample.sharingPrefixes(samples)
    #expect(
      shared == [
        SequenceSample(
          media: [0], prefix: [.text([1]), .visual(0)],
          branches: [[.text([5, 6, 7])], [.text([8])], [.text([8])]]),
        SequenceSample(media: [1], prefix: [.text([1]), .visual(0)], branches: [[]]),
      ])
    let context = Context(tape: Tape(recordsGradients: false))
    let prefixes = try prefixes(of: shared, model(), in: context)
    #expect(prefixes.tensor.rows == 12 + 3 + 1 + 1 + 7)
    #expect(prefixes.lengths == [15, 13, 13, 7])
  }

  @Test func aMediumInWhatIsNotSharedKeepsSamplesApart() {
    let samples = [
      SequenceSample(media: [0], prefix: [.text([1]), .visual(0)], branches: []),
      SequenceSample(media: [0], prefix: [.text([2]), .visual(0)], branches: []),
    ]
    #expect(SequenceSample.sharingPrefixes(samples).map(\.branches) == [[[]], [[]]])
    // Without media there is nothing worth sharing.
    let texts = [[3], [3]].map {
      SequenceSample(media: [], prefix: [.text($0)], branches: [])
    }
    #expect(SequenceSample.sharingPrefixes(texts).count == 2)
  }

  /// Ids and all logits of a generation.
  private func generation(
    _ samples: [SequenceSample], _ model: LlamaForCausalLM, _ strategy: Generator.Strategy
  ) -> (ids: [[Int32]], logits: [Float]) {
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    var logits: [Float] = []
    let ids = Generator(model).generate(
      prefixes: prefixes(of: samples, model, in: context), maxNewTokens: 9, endTokens: [2],
      strategy: strategy, in: context
    ) { _, step in
      logits += tape.values(step)
    }
    return (ids, logits)
  }

  private static let strategies: [Generator.Strategy] = [
    .greedy,
    .sample(temperature: 0.9, topP: 0.95, keys: (0..<4).map { RandomKey(seed: 30 + $0) }),
    .beam(width: 3, lengthPenalty: 1, endsEarly: false),
  ]

  @Test(arguments: strategies.indices) func sharedPrefixesGiveWhatRepeatedOnesGive(
    strategy: Int
  ) throws {
    let model = try model()
    let strategy = Self.strategies[strategy]
    let repeated = generation(samples, model, strategy)
    let shared = generation(SequenceSample.sharingPrefixes(samples), model, strategy)
    #expect(shared.ids == repeated.ids)
    #expect(shared.logits.count == repeated.logits.count)
    if case .beam = strategy { return }  // its logits are not observed
    #expect(excess(shared.logits, over: repeated.logits, absolute: 1e-5, relative: 1e-5) <= 0)
  }

  @Test func aQuestionAskedTwiceIsAnsweredTwice() throws {
    let model = try model()
    let greedy = generation(SequenceSample.sharingPrefixes(samples), model, .greedy).ids
    #expect(greedy[1] == greedy[2] && greedy[0] != greedy[1])
    let keys = (0..<4).map { RandomKey(seed: 40 + $0) }
    let drawn = generation(
      SequenceSample.sharingPrefixes(samples), model, .sample(temperature: 2, keys: keys)
    ).ids
    #expect(drawn[1] != drawn[2])
  }

  @Test(arguments: strategies.indices, [ComputePrecision.float32, .bfloat16])
  func answersDoNotDependOnTheThreads(strategy: Int, precision: ComputePrecision) throws {
    let model = try model(precision)
    let batches = (0..<5).map { first in (0...first).map { samples[($0 + first) % 4] } }
    let answers = [1, 2, 3].map { threads in
      LaneExecutor(threads: threads).map(count: batches.count) { index in
        let tape = Tape(recordsGradients: false)
        let context = Context(tape: tape)
        let batch = SequenceSample.sharingPrefixes(batches[index])
        var strategy = Self.strategies[strategy]
        if case .sample(let temperature, let topP, _) = strategy {
          strategy = .sample(
            temperature: temperature, topP: topP,
            keys: batches[index].indices.map { RandomKey(seed: UInt64(index)).numbered($0) })
        }
        return Generator(model).generate(
          prefixes: prefixes(of: batch, model, in: context), maxNewTokens: 9, endTokens: [2],
          strategy: strategy, in: context)
      }
    }
    #expect(answers[0].map(\.count) == [1, 2, 3, 4, 5])
    #expect(answers[1] == answers[0] && answers[2] == answers[0])
  }
}
