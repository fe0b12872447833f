import Datasets
import Foundation
import LanguageModels
import Layers
import Tensors
import Training

/// Answers prompts by the label that fits best, the first of equals.
struct LabelAnswerer {
  let inputs: ExperimentInputs
  let labels: LabelsConfig
  let texts: [String]
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
    let (pool, stop, texts) = (pool, stop, texts)
    let chosen = try executor.map(count: batches.count) { index -> [String]? in
      guard !stop.isRequested else { return nil }
      let context = Context(tape: Tape(pool: pool, recordsGradients: false))
      let scores = try score(batches[index], context)
      progress(batches[index].count)
      return scores.map { row in
        texts[row.indices.dropFirst().reduce(0) { row[$1] > row[$0] ? $1 : $0 }]
      }
    }
    var all: [String] = []
    for labels in chosen {
      guard let labels else { return nil }
      all += labels
    }
    return all
  }

  /// For each prompt how well each label fits.
  private typealias Score = @Sendable ([AnswerPrompt], Context) throws -> [[Double]]

  private func scorer(_ model: ArmModel) throws -> Score {
    switch labels.by {
    case .contrast: try likeness(model)
    case .likelihood: likelihood(model)
    }
  }

  /// Cosines of the images' and the labels' embeddings.
  private func likeness(_ model: ArmModel) throws -> Score {
    let tape = Tape(pool: pool, recordsGradients: false)
    let embeddings = try model.embeddings(media: [], opening: inputs.opening)
    let texts = texts.map { inputs.text.tokenizer.encode(labels.text(of: $0)) }
    let width = embeddings.head.width
    let side = tape.values(embeddings.texts(texts, in: Context(tape: tape)))
    let opening = inputs.opening
    return { prompts, context in
      let pair = try model.embeddings(media: prompts.map(\.places), opening: opening)
      let images = context.tape.values(try pair.images(Array(prompts.indices), in: context))
      return prompts.indices.map { image in
        texts.indices.map { label in
          (0..<width).reduce(0.0) {
            $0 + Double(images[image * width + $1]) * Double(side[label * width + $1])
          }
        }
      }
    }
  }

  /// log p(label and its end | media and question), summed over its tokens.
  private func likelihood(_ model: ArmModel) -> Score {
    let (template, places) = (inputs.template, inputs.data.places)
    let answers = texts.map(labels.text(of:))
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
      return try objective.logLikelihoods(of: Array(prompts.indices), in: context).map {
        $0.map(\.logLikelihood)
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
