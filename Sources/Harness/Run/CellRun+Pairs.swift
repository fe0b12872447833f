import Datasets
import Foundation
import Layers
import Metrics
import Storage
import Tensors
import Training

extension CellRun {
  /// More would be a figure in which nothing can be read.
  private static let shownPairs = 24

  /// Compares the images of all records with all their references, by what stages on contrast learned.
  ///
  /// - Parameter rows: which models; the first examples' cosines are kept for the figure.
  /// - Throws: ``UnsupportedSetting`` where no stage learns from contrast; what reading a medium throws.
  func addPairs(_ rows: [(row: AnswerRow, model: ArmModel)], to records: inout [AnswerRecord]) throws
  {
    let prompts = try inputs.prompts(
      of: inputs.data.set(cell.fold).test, cell.config.answeredData)
    let texts = records.flatMap(\.references)
    let owners = records.indices.flatMap { image in
      records[image].references.map { _ in image }
    }
    let shown = Array(records.indices.prefix(Self.shownPairs))
    let firsts = shown.compactMap { owners.firstIndex(of: $0) }
    var kept = SimilarityRecord(captions: firsts.map { texts[$0] }, cosines: [:])
    for (row, model) in rows {
      let cosines = try similarities(model, prompts: prompts, texts: texts)
      kept.cosines[row.rawValue] = shown.map { image in
        firsts.map { cosines[image * texts.count + $0] }
      }
      let retrieval = Retrieval(
        similarities: cosines.map(Double.init), images: records.count, owners: owners)
      for image in records.indices {
        let own = owners.indices.filter { owners[$0] == image }
        let line = cosines[image * texts.count..<(image + 1) * texts.count].map(Double.init)
        let matched = own.reduce(0) { $0 + line[$1] }
        records[image].pairs = (records[image].pairs ?? [:]).merging([
          row.rawValue: PairRecord(
            matched: matched / Double(max(own.count, 1)),
            mismatched: (line.reduce(0, +) - matched) / Double(max(texts.count - own.count, 1)),
            captionRank: retrieval.captionRanks[image],
            imageRanks: own.map { retrieval.imageRanks[$0] })
        ]) { $1 }
      }
    }
    try AtomicFile.ensureFolder(cell.folder.url)
    try JSONOutput.write(kept, to: cell.folder.similarities)
  }

  /// Cosines `[images, texts]`; batches are cut by `decode.batch` alone.
  private func similarities(
    _ model: ArmModel, prompts: [AnswerPrompt], texts: [String]
  ) throws -> [Float] {
    let pair = try model.embeddings(media: prompts.map(\.places), opening: inputs.opening)
    let ids = texts.map(inputs.text.tokenizer.encode)
    let size = cell.config.evaluation.decode.batch
    func cut(_ count: Int) -> [Range<Int>] {
      stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
    let (imageBatches, textBatches) = (cut(prompts.count), cut(ids.count))
    let pool = lanes.pool
    let images = try lanes.executor.map(count: imageBatches.count) { index -> [Float] in
      let context = Context(tape: Tape(pool: pool, recordsGradients: false))
      return context.tape.values(try pair.images(Array(imageBatches[index]), in: context))
    }.flatMap { $0 }
    let words = lanes.executor.map(count: textBatches.count) { index -> [Float] in
      let context = Context(tape: Tape(pool: pool, recordsGradients: false))
      return context.tape.values(pair.texts(Array(ids[textBatches[index]]), in: context))
    }.flatMap { $0 }
    let tape = Tape(pool: pool, recordsGradients: false)
    let width = pair.head.width
    return tape.values(
      tape.product(
        tape.tensor(images, rows: prompts.count, width: width),
        transposed: tape.tensor(words, rows: texts.count, width: width)))
  }
}
