import Configuration
import Foundation
import Layers
import Storage
import Tensors

/// Where an encoder's weights come from: the files of a model folder, or random numbers.
struct EncoderWeights {
  /// nil for random numbers.
  private let files: WeightSource?
  private let reader: CheckpointReader?
  private let store: ParameterStore

  init(_ folder: ModelFolder, _ choice: WeightsChoice, store: ParameterStore) throws {
    self.store = store
    files = choice == .pretrained ? try folder.weights : nil
    reader = files.map { CheckpointReader($0, path: folder.url.path) }
  }

  /// Whether the files have this weight; random weights have every one.
  func contains(_ name: String) -> Bool { files?.contains(name) ?? true }

  /// `part.` if the files hold the model as a part of a larger one, which `weight` tells.
  func prefix(_ part: String, of weight: String) -> String {
    files?.contains("\(part).\(weight)") == true ? "\(part)." : ""
  }

  /// The scope to build the model in; weights from files have values after ``read(on:)``.
  func scope(prefix: String = "") -> ParameterScope {
    reader?.scope(store: store, prefix: prefix)
      ?? ParameterScope(
        store: store, random: RandomKey(seed: 0).named("encoder"), prefix: prefix)
  }

  func read(on executor: LaneExecutor) throws { try reader?.run(on: executor) }
}

extension CheckpointReader {
  /// The weights of a model folder; f16, bf16 and f32 become what the store keeps.
  ///
  /// A `torch.nn.MultiheadAttention` packs the weights of its queries, keys and values as
  /// `in_proj_weight` and `in_proj_bias`; they are read as those of `q_proj`, `k_proj` and `v_proj`.
  ///
  /// - Parameter path: the folder's, for errors.
  convenience init(_ weights: WeightSource, path: String) {
    self.init(path: path) { name in
      if let shape = weights.shape(of: name) { return shape }
      guard let packed = PackedProjection(name), var shape = weights.shape(of: packed.name),
        let rows = shape.first, rows % 3 == 0
      else { return nil }
      shape[0] = rows / 3
      return shape
    } read: { name, values in
      guard !weights.contains(name), let packed = PackedProjection(name) else {
        return try weights.read(name, into: values)
      }
      let all = try weights.floats(packed.name)
      let start = packed.part * values.count
      values.write { _ = $0.update(fromContentsOf: all[start..<start + values.count]) }
    }
  }
}

/// A third of a packed projection, by the name it would have alone.
private struct PackedProjection {
  let name: String
  /// 0 for queries, 1 for keys, 2 for values.
  let part: Int

  /// nil for a name that is none of `q_proj`'s, `k_proj`'s and `v_proj`'s.
  init?(_ name: String) {
    var parts = name.split(separator: ".").map(String.init)
    guard let last = parts.popLast(), let projection = parts.popLast(),
      let part = ["q_proj", "k_proj", "v_proj"].firstIndex(of: projection)
    else { return nil }
    self.name = (parts + ["in_proj_\(last)"]).joined(separator: ".")
    self.part = part
  }
}
