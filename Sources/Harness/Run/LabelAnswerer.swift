import Datasets
import Foundation
import LanguageModels
import Layers
import Metrics
import Tensors
import Training

/// Answers prompts by the label that fits best; with nothing where two fit equally well.
struct LabelAnswerer {
  let inputs: ExperimentInputs
  let by: LabelScorer
  let labels: ZeroShot
  let batch: Int
  let executor: LaneExecutor
  let pool: BufferPool
  let stop: StopSignal

  /// One label a prompt, in that order; batches are cut by `batch` alone.
  ///
  /// - Returns: nil when stopped.
  /// - Throws: what reading a medium throws.
  func answers(
    to prompts: [AnswerPrompt], by model: ArmModel, progress: @escaping @Sendable (Int) -> Void
  ) throws -> [String]? {
    let batches = stride(from: 0, to: prompts.count, by: batch).map {
      Array(prompts[$0..<min($0 + batch, prompts.count)])
    }
    let score = try scorer(model)
    let (pool, stop, labels) = (pool, stop, labels)
    let chosen = try executor.map(count: batches.count) { index -> [String]? in
      guard !stop.isRequested else { return nil }
      let context = Context(tape: Tape(pool: pool, recordsGradients: false))
      let scores = try score(batches[index], context)
      progress(batches[index].count)
      return labels.predictions(scores).map { $0 ?? "" }
    }
    var all: [String] = []
    for labels in chosen {
      guard let labels else { return nil }
      all += labels
    }
    return all
  }

  /// How well each label fits each prompt, `[prompts, labels]`.
  private typealias Score = @Sendable ([AnswerPrompt], Context) throws -> [Float]

  private func scorer(_ model: ArmModel) throws -> Score {
    switch by {
    case .contrast: try likeness(model)
    case .likelihood: likelihood(model)
    }
  }

  /// Cosines of the images' and the labels' embeddings.
  private func likeness(_ model: ArmModel) throws -> Score {
    let tape = Tape(pool: pool, recordsGradients: false)
    let embeddings = try model.embeddings(media: [], opening: inputs.opening)
    let texts = labels.prompts.map(inputs.text.tokenizer.encode)
    let side = tape.values(embeddings.texts(texts, in: Context(tape: tape)))
    let (opening, width) = (inputs.opening, embeddings.head.width)
    return { prompts, context in
      let pair = try model.embeddings(media: prompts.map(\.places), opening: opening)
      let images = try pair.images(Array(prompts.indices), in: context)
      let tape = context.tape
      return tape.values(
        tape.product(images, transposed: tape.tensor(side, rows: texts.count, width: width)))
    }
  }

  /// log p(label and its end | media and question), summed over its tokens.
  private func likelihood(_ model: ArmModel) -> Score {
    let (template, places) = (inputs.template, inputs.data.places)
    let answers = labels.prompts
    return { prompts, context in
      let samples = try prompts.map { prompt in
        var sample = try template.choices(
          answers, of: prompt.example, exchange: prompt.turn, places: places)
        sample.media = prompt.places
        return sample
      }
      let objective = AnswerObjective(
        projector: model.projector, model: model.languageModel, patches: model.source,
        sequences: SequenceSet(samples), end: template.end)
      return try objective.logLikelihoods(of: Array(prompts.indices), in: context).flatMap {
        $0.map { Float($0.logLikelihood) }
      }
    }
  }
}

extension ExperimentInputs {
  /// Every answer once, in the order of the data.
  func distinctAnswers(of examples: [Example], _ data: StageData) -> [String] {
    var seen: Set<String> = []
    return examples.filter { $0.serves(data) }
      .flatMap { $0.exchanges.flatMap(\.answers) }.filter { seen.insert($0).inserted }
  }
}
