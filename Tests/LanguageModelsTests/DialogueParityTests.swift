import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

/// Samples of pieces against a `LlamaForCausalLM` of transformers that gets every branch as a sequence of
/// its own; tolerances of the fixture.
@Suite struct DialogueParityTests {
  private struct File: Decodable {
    let endId: Int32
    let supervisedTokens: Int
    let samples: [Sample]

    struct Sample: Decodable {
      let prefix: [Piece]
      let branches: [[Piece]]
      let sequences: [Sequence]
    }

    struct Piece: Decodable {
      let kind: String
      let image: String?
      let ids: [Int32]?
    }

    struct Sequence: Decodable {
      let sequence: Int
      let supervised: Int
    }
  }

  private struct Dialogues {
    let model: LlamaForCausalLM
    let io: SafetensorsFile
    let file: File
    let samples: [SequenceSample]
    /// Of each sample, each medium's tensor.
    let images: [[String]]

    init() throws {
      let folder = try ModelFolder(resolving: Fixtures.folder("dialogue").path)
      model = try LlamaForCausalLM(
        folder, store: ParameterStore(), executor: LaneExecutor(threads: 2))
      io = try SafetensorsFile(folder.file("io.safetensors"))
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      file = try decoder.decode(
        File.self, from: Data(contentsOf: folder.file("samples.json")))
      var images: [[String]] = []
      samples = try file.samples.map { sample in
        var names: [String] = []
        func piece(_ piece: File.Piece) throws -> SequencePiece {
          switch piece.kind {
          case "visual":
            let image = try #require(piece.image)
            if !names.contains(image) { names.append(image) }
            return .visual(try #require(names.firstIndex(of: image)))
          case "question": return .text(try #require(piece.ids))
          default:
            #expect(piece.kind == "answer")
            return .answer(try #require(piece.ids))
          }
        }
        let prefix = try sample.prefix.map(piece)
        let branches = try sample.branches.map { try $0.map(piece) }
        images.append(names)
        return SequenceSample(media: Array(names.indices), prefix: prefix, branches: branches)
      }
      self.images = images
    }

    func rows(_ image: String) -> Int { io.info(image)?.shape[0] ?? 0 }

    /// The visual tokens of all samples in turn, gathered from one tensor an image.
    func visual(
      of sample: [String], from tensors: [String: Tensor], on tape: Tape
    ) -> Tensor? {
      let sources = sample.compactMap { tensors[$0] }
      guard !sources.isEmpty else { return nil }
      return tape.join(
        sources, runs: sources.indices.map { RowRun(source: $0, rows: 0..<sources[$0].rows) })
    }

    func tensors(on tape: Tape) throws -> [String: Tensor] {
      var tensors: [String: Tensor] = [:]
      for name in Set(images.joined()) {
        tensors[name] = tape.tensor(
          try io.floats(name), rows: rows(name), width: model.width, needsGradient: true)
      }
      return tensors
    }
  }

  @Test func lossAndEveryGradientAreThoseOfTheRepeatedSequences() throws {
    let dialogues = try Dialogues()
    let (model, io, samples) = (dialogues.model, dialogues.io, dialogues.samples)
    model.setTrainable(true)
    let count = samples.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) }
    #expect(count == dialogues.file.supervisedTokens)
    let tape = Tape()
    let tensors = try dialogues.tensors(on: tape)
    let names = Array(dialogues.images.joined())
    let batch = SequenceBatch(
      samples, visualTokens: names.map(dialogues.rows), end: dialogues.file.endId)
    let loss = model.answerLoss(
      visual: dialogues.visual(of: names, from: tensors, on: tape), batch,
      scale: 1 / Float(count), in: Context(tape: tape))
    #expect(abs(loss.value - Double(try io.floats("loss")[0])) < 1e-5)
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    var compared: Set<String> = []
    func compare(_ values: [Float], _ name: String) throws {
      let expected = try io.floats("grad." + name)
      #expect(excess(values, over: expected, absolute: 2e-5, relative: 1e-3) <= 0, "\(name)")
      compared.insert("grad." + name)
    }
    for (name, tensor) in tensors { try compare(tape.gradient(of: tensor), name) }
    for parameter in model.parameters { try compare(parameter.gradient, parameter.name) }
    #expect(compared == Set(io.names.filter { $0.hasPrefix("grad.") }))
  }

  @Test func eachBranchHasTheLikelihoodOfItsSequence() throws {
    let dialogues = try Dialogues()
    let tape = Tape(recordsGradients: false)
    let tensors = try dialogues.tensors(on: tape)
    let names = Array(dialogues.images.joined())
    let batch = SequenceBatch(
      dialogues.samples, visualTokens: names.map(dialogues.rows), end: dialogues.file.endId)
    let likelihoods = dialogues.model.logLikelihoods(
      visual: dialogues.visual(of: names, from: tensors, on: tape), batch,
      in: Context(tape: tape))
    for (sample, branches) in zip(dialogues.file.samples, likelihoods) {
      #expect(branches.map(\.tokens) == sample.sequences.map(\.supervised))
      for (sequence, branch) in zip(sample.sequences, branches) {
        let expected = Double(try dialogues.io.floats("seq\(sequence.sequence).nll")[0])
        #expect(abs(-branch.logLikelihood - expected) < 1e-4, "sequence \(sequence.sequence)")
      }
    }
  }
}
