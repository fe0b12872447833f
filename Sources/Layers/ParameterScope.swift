import Tensors

/// How a weight starts when it is not read from a checkpoint.
public enum Initialization: Sendable, Hashable {
  case zeros
  case ones
  case constant(Float)
  /// Normal with mean 0.
  case normal(deviation: Float)
  /// Uniform in [−bound, bound].
  case uniform(bound: Float)
}

/// Where a model's weights come from: made by a random key, or read from a checkpoint.
///
/// A scope carries the prefix of the checkpoint keys (`model.layers.0.`), so a module names only
/// its own weights and the same initialiser builds it fresh or loads it.
public struct ParameterScope: Sendable {
  /// Writes the values of one checkpoint key into the buffer, checking the shape. The buffer is empty in a
  /// store of shapes: there is only the shape to check.
  public typealias Reader =
    @Sendable (
      _ name: String, _ shape: [Int], _ values: UnsafeMutableBufferPointer<Float>
    ) throws -> Void

  /// The same for a buffer in the format in which the store keeps the weight.
  public typealias FormatReader =
    @Sendable (_ name: String, _ shape: [Int], _ values: WeightBuffer) throws -> Void

  public let store: ParameterStore
  /// Ends with a point unless empty.
  public let prefix: String
  private let random: RandomKey
  private let reader: FormatReader?

  /// Weights that start from random numbers named by their keys.
  public init(store: ParameterStore, random: RandomKey, prefix: String = "") {
    self.init(store: store, prefix: prefix, random: random, reader: nil)
  }

  /// Weights read from a checkpoint as float32; the store rounds what it keeps in bfloat16.
  public init(store: ParameterStore, prefix: String = "", reader: @escaping Reader) {
    self.init(store: store, prefix: prefix) { name, shape, values in
      try values.write { try reader(name, shape, $0) }
    }
  }

  /// Weights read from a checkpoint in the format in which the store keeps them.
  public init(store: ParameterStore, prefix: String = "", format reader: @escaping FormatReader) {
    self.init(store: store, prefix: prefix, random: RandomKey(seed: 0), reader: reader)
  }

  /// Weights with shapes but no values, to count and plan with.
  public static var shapes: ParameterScope {
    ParameterScope(store: ParameterStore(.shapes), random: RandomKey(seed: 0))
  }

  private init(store: ParameterStore, prefix: String, random: RandomKey, reader: FormatReader?) {
    self.store = store
    self.prefix = prefix
    self.random = random
    self.reader = reader
  }

  /// The prefix without its point: the module's place in the checkpoint.
  public var path: String { String(prefix.dropLast()) }

  /// The scope of a part: its keys begin with `name.`.
  public func callAsFunction(_ name: String) -> ParameterScope {
    ParameterScope(store: store, prefix: prefix + name + ".", random: random, reader: reader)
  }

  /// The scope of part `index` of a list: its keys begin with `index.`.
  public func callAsFunction(_ index: Int) -> ParameterScope { self(String(index)) }

  /// The weight `name` of this scope, kept in float32.
  /// - Throws: what the reader throws when the checkpoint lacks the key or has another shape.
  public func parameter(
    _ name: String, shape: [Int], start: Initialization
  ) throws -> Parameter {
    let key = prefix + name
    if let reader {
      return try store.add(key, shape: shape) { try reader(key, shape, .float32($0)) }
    }
    return store.add(key, shape: shape) { values in fill(values, start, random.named(key)) }
  }

  /// The matrix `name` of this scope that products read: kept in the store's format for them.
  /// - Throws: as ``parameter(_:shape:start:)``.
  public func matrix(_ name: String, shape: [Int], start: Initialization) throws -> Parameter {
    let key = prefix + name
    if let reader {
      return try store.addMatrix(key, shape: shape) { try reader(key, shape, $0) }
    }
    return store.addMatrix(key, shape: shape) { values in
      values.write { fill($0, start, random.named(key)) }
    }
  }

  private func fill(
    _ values: UnsafeMutableBufferPointer<Float>, _ start: Initialization, _ key: RandomKey
  ) {
    switch start {
    case .zeros: values.update(repeating: 0)
    case .ones: values.update(repeating: 1)
    case .constant(let value): values.update(repeating: value)
    case .normal(let deviation):
      RandomStream.fillNormal(values, key: key, deviation: deviation)
    case .uniform(let bound):
      var stream = key.stream
      for index in values.indices { values[index] = (2 * stream.uniform() - 1) * bound }
    }
  }
}
