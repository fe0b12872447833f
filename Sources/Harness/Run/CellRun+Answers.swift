import Configuration
import Datasets
import Foundation
import LanguageModels
import Layers
import Tensors
import Training

extension CellRun {
  /// What the model answers on the test examples, trained, untrained and shuffled.
  ///
  /// - Throws: ``RunStopped`` at a signal.
  func answer(_ model: ArmModel) throws -> [AnswerRecord] {
    let prompts = try inputs.prompts(
      of: inputs.data.set(cell.fold).test, cell.config.answeredData)
    let controls = cell.config.evaluation.controls
    var rows: [(row: AnswerRow, model: ArmModel, prompts: [AnswerPrompt])] = [
      (.trained, model, prompts)
    ]
    if controls.contains(.untrained), !cell.arm.isControl {
      let untrained = try ArmModel(
        cell.arm, seed: cell.seed, inputs: inputs, training: cell.config.training)
      rows.append((.untrained, untrained, prompts))
    }
    if controls.contains(.shuffled), !cell.arm.isControl {
      rows.append((.shuffled, model, shuffled(prompts)))
    }
    let answerer = Answerer(
      inputs: inputs, decode: cell.config.evaluation.decode, executor: lanes.executor,
      pool: lanes.pool, stop: stop)
    var records = prompts.map { prompt in
      AnswerRecord(
        image: prompt.id, medium: prompt.medium, question: prompt.question, kind: prompt.kind,
        captions: [:],
        references: prompt.references)
    }
    for (row, model, prompts) in rows {
      let done = SharedCount()
      let (title, console) = (cell.title, console)
      let answers = try answerer.answers(to: prompts, by: model) { count in
        let total = done.add(count)
        console.bar(
          Double(total) / Double(prompts.count), "\(title): answers, \(row.rawValue)")
      }
      guard let answers else { throw RunStopped(signal: stop.signal) }
      for (index, answer) in answers.enumerated() { records[index].captions[row.rawValue] = answer }
    }
    return records
  }

  /// Each prompt with another example's media: a random cycle through all of them.
  private func shuffled(_ prompts: [AnswerPrompt]) -> [AnswerPrompt] {
    var stream = RandomKey(seed: UInt64(bitPattern: Int64(cell.config.evaluation.seed)))
      .named("shuffled").stream
    let cycle = stream.permutation(prompts.count)
    var result = prompts
    for (position, index) in cycle.enumerated() {
      result[index].places = prompts[cycle[(position + 1) % cycle.count]].places
    }
    return result
  }
}

/// What is answered: media, what stands before the answer, and what would be right.
struct AnswerPrompt: Sendable {
  let id: Identifier
  /// The first medium, where it has another name than the example.
  let medium: Identifier?
  /// In the patch source.
  var places: [Int]
  let question: String?
  let kind: String?
  let references: [String]
  /// The sequence up to the answer.
  let pieces: [SequencePiece]
  /// Names the random numbers of sampling.
  let number: Int
}

extension ExperimentInputs {
  /// One an example, one a turn of a dialogue; earlier turns are given as the data set has them.
  func prompts(of examples: [Example], _ data: StageData) throws -> [AnswerPrompt] {
    try examples.filter { $0.serves(data) }.flatMap { example in
      try example.exchanges.indices.map { turn in
        let exchange = example.exchanges[turn]
        let request = try template.request(
          of: example, exchange: turn, places: self.data.places)
        return AnswerPrompt(
          id: example.id, medium: example.media.first.flatMap { $0.id == example.id ? nil : $0.id },
          places: request.media, question: exchange.question, kind: exchange.kind,
          references: exchange.answers, pieces: request.prefix, number: request.media.first ?? 0)
      }
    }
  }

  /// Forward pass of projector and language model for one example and one answer of mean length.
  func flopsPerSample(_ model: ArmModel, answering samples: [SequenceSample]) -> Double {
    let lengths = samples.flatMap { sample in
      sample.branches.flatMap { branch in
        branch.compactMap { piece -> Int? in
          if case .answer(let ids, _) = piece { ids.count } else { nil }
        }
      }
    }
    let mean = lengths.isEmpty ? 1 : max(1, lengths.reduce(0, +) / lengths.count)
    guard var sample = samples.first else { return 0 }
    sample.branches = [[.answer([Int32](repeating: 0, count: mean))]]
    let projected = sample.media.reduce(0) { $0 + model.projector.flops(of: source.grid(of: $1)) }
    return flops(of: sample, model) + Double(projected)
  }

  /// Forward pass of the language model over a sample.
  func flops(of sample: SequenceSample, _ model: ArmModel) -> Double {
    let tokens = sample.media.map { model.projector.visualTokens(of: source.grid(of: $0)) }
    let batch = SequenceBatch([sample], visualTokens: tokens, end: template.end)
    return model.languageModel.forwardFLOPs(batch.work)
  }
}

/// Answers prompts with an arm's model.
struct Answerer {
  let inputs: ExperimentInputs
  let decode: DecodeConfig
  let executor: LaneExecutor
  let pool: BufferPool
  let stop: StopSignal

  /// One answer a prompt, in that order.
  ///
  /// Batches are cut by `decode.batch` alone, so the answers do not depend on the threads.
  /// - Returns: nil when stopped.
  /// - Throws: what reading a medium throws.
  func answers(
    to prompts: [AnswerPrompt], by model: ArmModel, progress: @escaping @Sendable (Int) -> Void
  ) throws -> [String]? {
    let size = decode.batch
    let batches = stride(from: 0, to: prompts.count, by: size).map {
      Array(prompts[$0..<min($0 + size, prompts.count)])
    }
    let (inputs, decode, pool, stop) = (inputs, decode, pool, stop)
    let written = try executor.map(count: batches.count) { index -> [String]? in
      guard !stop.isRequested else { return nil }
      let tape = Tape(pool: pool, recordsGradients: false)
      let context = Context(tape: tape)
      let batch = batches[index]
      let samples = SequenceSample.sharingPrefixes(
        batch.map { SequenceSample(media: $0.places, prefix: $0.pieces, branches: []) })
      let patches = try model.source.patches(of: samples.flatMap(\.media), in: context)
      let visual = model.projector(patches, in: context)
      let prefixes = model.languageModel.prefixes(visual: visual, of: samples, in: context)
      let ids = Generator(model.languageModel).generate(
        prefixes: prefixes, maxNewTokens: decode.maxNewTokens,
        endTokens: inputs.template.endTokens,
        strategy: decode.generation(numbers: batch.map(\.number)), in: context)
      progress(batch.count)
      return ids.map { tokens in
        let text = inputs.text.tokenizer.decode(tokens, skipSpecialTokens: true)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      }
    }
    var all: [String] = []
    for batch in written {
      guard let batch else { return nil }
      all += batch
    }
    return all
  }
}

extension DecodeConfig {
  /// How tokens are chosen, random numbers named by the examples' numbers.
  func generation(numbers: [Int]) -> Generator.Strategy {
    generation(
      keys: numbers.map {
        RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("sampling").numbered($0)
      })
  }
}
