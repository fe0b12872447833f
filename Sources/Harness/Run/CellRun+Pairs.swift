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

  /// Compares the images of all records with all their references, by what stages on contrast learned; the
  /// first examples' cosines are kept for the figure.
  ///
  /// - Parameter media: of each record, places in the patch source.
  /// - Throws: ``UnsupportedSetting`` where no stage learns from contrast; what reading a medium throws.
  func addPairs(
    _ row: AnswerRow, of model: ArmModel, media: [[Int]], to records: inout [AnswerRecord]
  ) throws {
    let texts = records.flatMap(\.references)
    let owners = records.indices.flatMap { image in
      records[image].references.map { _ in image }
    }
    let cosines = try similarities(model, media: media, texts: texts)
    let retrieval = try Retrieval(
      similarities: cosines, images: records.count, imageOfText: owners)
    var next = 0
    for image in records.indices {
      let own = next..<next + records[image].references.count
      next = own.upperBound
      let line = cosines[image * texts.count..<(image + 1) * texts.count]
      let sum = line.reduce(0.0) { $0 + Double($1) }
      let matched = own.reduce(0.0) { $0 + Double(line[line.startIndex + $1]) }
      let ranks = retrieval.ranks[image]
      records[image].pairs = (records[image].pairs ?? [:]).merging([
        row.rawValue: PairRecord(
          matched: matched / Double(own.count),
          mismatched: (sum - matched) / Double(max(texts.count - own.count, 1)),
          imageToText: ranks.imageToText, textToImage: ranks.textToImage)
      ]) { $1 }
    }
    let shown = Array(records.indices.prefix(Self.shownPairs))
    let firsts = shown.compactMap { owners.firstIndex(of: $0) }
    var kept =
      row == .trained
      ? SimilarityRecord(captions: firsts.map { texts[$0] }, cosines: [:])
      : SimilarityRecord.read(cell.folder.similarities)
    kept?.cosines[row.rawValue] = shown.map { image in
      firsts.map { cosines[image * texts.count + $0] }
    }
    try AtomicFile.ensureFolder(cell.folder.url)
    if let kept { try JSONOutput.write(kept, to: cell.folder.similarities) }
  }

  /// Cosines `[images, texts]`; batches are cut by `decode.batch` alone.
  private func similarities(
    _ model: ArmModel, media: [[Int]], texts: [String]
  ) throws -> [Float] {
    let pair = try model.embeddings(media: media, opening: inputs.opening)
    let ids = texts.map(inputs.text.tokenizer.encode)
    let size = cell.config.evaluation.decode.batch
    func cut(_ count: Int) -> [Range<Int>] {
      stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
    let (imageBatches, textBatches) = (cut(media.count), cut(ids.count))
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
        tape.tensor(images, rows: media.count, width: width),
        transposed: tape.tensor(words, rows: texts.count, width: width)))
  }
}
