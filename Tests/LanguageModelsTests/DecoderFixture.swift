import Foundation
import Layers
import Storage
import Tensors
import TestSupport

@testable import LanguageModels

/// A tiny model with the values that transformers computes for it.
struct DecoderFixture {
  static let names = ["llama-tiny", "qwen2-tiny", "qwen3-tiny", "smollm3-tiny", "llama3-rope-tiny"]

  let model: LlamaForCausalLM
  let io: SafetensorsFile
  /// Rows of each sequence that are not padding.
  let lengths: [Int]
  /// Rows of a sequence with its padding.
  let padded: Int

  init(_ name: String) throws {
    let folder = try ModelFolder(resolving: Fixtures.folder(name).path)
    model = try LlamaForCausalLM(
      folder, store: ParameterStore(), executor: LaneExecutor(threads: 2))
    io = try SafetensorsFile(folder.file("io.safetensors"))
    let shape = io.info("attention_mask")?.shape ?? [0, 1]
    padded = shape[1]
    let mask = try io.int64s("attention_mask")
    lengths = (0..<shape[0]).map { row in
      Int(mask[row * shape[1]..<(row + 1) * shape[1]].reduce(0, +))
    }
  }

  var segments: Segments { Segments(lengths: lengths) }
  var positions: [Int32] { lengths.flatMap { 0..<Int32($0) } }

  /// Rows that are not padding of `[sequence, row, width]`, packed.
  func packed(_ name: String) throws -> [Float] {
    let values = try io.floats(name)
    let width = io.info(name)?.shape.last ?? 0
    return lengths.indices.flatMap { row in
      Array(values[row * padded * width..<(row * padded + lengths[row]) * width])
    }
  }

  /// The same of `[sequence, row]`.
  func packedIds(_ name: String) throws -> [Int32] {
    let values = try io.int64s(name)
    return lengths.indices.flatMap { row in
      values[row * padded..<row * padded + lengths[row]].map { Int32($0) }
    }
  }

  /// Packed rows that predict a label, and the labels: row r predicts the label of row r + 1.
  func supervised(labels name: String) throws -> (rows: [Int32], targets: [Int32]) {
    let labels = try packedIds(name)
    var rows: [Int32] = []
    var targets: [Int32] = []
    for sequence in segments.indices {
      for row in segments[sequence].dropLast() where labels[row + 1] >= 0 {
        rows.append(Int32(row))
        targets.append(labels[row + 1])
      }
    }
    return (rows, targets)
  }
}

/// The largest amount by which values differ beyond `absolute + relative · |expected|`, negative when all
/// agree.
func excess(
  _ values: [Float], over expected: [Float], absolute: Float, relative: Float
) -> Float {
  guard values.count == expected.count, !values.isEmpty else { return .infinity }
  return zip(values, expected).reduce(-Float.infinity) { worst, pair in
    let difference = abs(pair.0 - pair.1) - absolute - relative * abs(pair.1)
    return difference.isNaN ? .infinity : max(worst, difference)
  }
}
