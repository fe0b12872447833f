import LanguageModels
import Layers
import Tensors
import Testing

@testable import Training

@Suite struct AnswerObjectiveTests {
  /// Two questions on one image, with one and with three answers of lengths 1; 2, 3, 4.
  private static let sequences = SequenceSet(
    samples: [
      SequenceSample(
        media: [0], prefix: [.visual(0)],
        branches: [
          [.text([1]), .answer([5])], [.text([2]), .answer([6, 6])],
          [.text([2]), .answer([7, 7, 7])], [.text([2]), .answer([8, 8, 8, 8])],
        ])
    ], alternatives: [[0..<1, 1..<4]], examples: [[0, 1]])

  private func objective(
    _ tiny: TinyTraining, _ choice: CaptionChoice
  ) -> AnswerObjective {
    AnswerObjective(
      projector: tiny.projector, model: tiny.model, patches: TinyTraining.Features(),
      sequences: Self.sequences, end: 23, choice: choice)
  }

  @Test func oneAnswerOfEachExampleIsDrawn() throws {
    let tiny = try TinyTraining()
    let all = objective(tiny, .all)
    #expect(all.units(of: 0, draw: RandomKey(seed: 0)) == 2 + 3 + 4 + 5)
    let random = objective(tiny, .random)
    let units = (0..<50).map { random.units(of: 0, draw: RandomKey(seed: 1).numbered($0)) }
    // The first question's only answer always.
    #expect(Set(units) == [2 + 3, 2 + 4, 2 + 5])
  }

  @Test func theLossIsThatOfTheAnswersThatItsUnitsCount() throws {
    let tiny = try TinyTraining()
    let random = objective(tiny, .random)
    let context = Context(tape: Tape(recordsGradients: false))
    let likelihoods = try random.logLikelihoods(of: [0], in: context)[0]
    #expect(likelihoods.map(\.tokens) == [2, 3, 4, 5])
    for index in 0..<10 {
      let draw = RandomKey(seed: 1).numbered(index)
      let drawn = random.units(of: 0, draw: draw) - 2
      let loss = try random.loss(of: [0], draw: draw, scale: 1, in: context).value
      let expected = likelihoods.filter { [2, drawn].contains($0.tokens) }
      #expect(abs(loss + expected.reduce(0) { $0 + $1.logLikelihood }) < 1e-5)
    }
  }
}
