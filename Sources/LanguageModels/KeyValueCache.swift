import Tensors

/// Keys and values of every layer for the rows that sequences have seen so far.
///
/// Sequence i owns rows `i · capacity ..< (i + 1) · capacity` of each layer's keys and values. The cache
/// lives on a tape that does not record gradients, until that tape is reset.
public struct KeyValueCache {
  public let sequences: Int
  /// Rows a sequence may have.
  public let capacity: Int
  /// For each layer `[sequences · capacity, key width]`.
  let keys: [Tensor]
  let values: [Tensor]
  /// The cache row that each row of the pass writes.
  var destinations: [Int32] = []

  public init(
    for model: any LanguageModel, sequences: Int, capacity: Int, in context: Context
  ) {
    self.sequences = sequences
    self.capacity = capacity
    let makeEmpty = { (width: Int) in
      // Rows are written before they are read.
      context.tape.tensor(rows: sequences * capacity, width: width) { _ in }
    }
    keys = model.cacheWidths.map(makeEmpty)
    values = model.cacheWidths.map(makeEmpty)
  }

  /// The cache for a pass whose rows go to `rows`.
  func writing(to rows: [Int32]) -> KeyValueCache {
    var copy = self
    copy.destinations = rows
    return copy
  }

  /// The cache row of position `position` of a sequence.
  func row(_ sequence: Int, _ position: Int) -> Int { sequence * capacity + position }

  /// Stores a layer's new rows and returns all of its keys and values.
  func append(
    layer: Int, keys newKeys: Tensor, values newValues: Tensor, in context: Context
  ) -> (keys: Tensor, values: Tensor) {
    context.tape.write(newKeys, into: keys[layer], at: destinations)
    context.tape.write(newValues, into: values[layer], at: destinations)
    return (keys[layer], values[layer])
  }

  /// Copies rows of every layer to other rows, all read before any is written.
  func move(_ sources: [Int32], to targets: [Int32], in context: Context) {
    guard !sources.isEmpty else { return }
    for tensor in keys + values {
      _ = context.tape.scoped { () -> [Tensor] in
        context.tape.write(
          context.tape.gather(tensor, rows: sources), into: tensor, at: targets)
        return []
      }
    }
  }
}
