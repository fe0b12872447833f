import CKernels
import Synchronization

/// A weight: its checkpoint key, its shape, and where it is.
public struct Parameter: Sendable {
  /// The key in a checkpoint (`model.layers.0.self_attn.q_proj.weight`).
  public let name: String
  public let shape: [Int]
  let handle: Int
  public let store: ParameterStore

  public var count: Int { shape.reduce(1, *) }
  public var isTrainable: Bool { store.isTrainable(self) }
  /// In which format its values are kept.
  public var precision: ComputePrecision { store.precision(of: self) }
  /// Bytes of its values, in a store of shapes too.
  public var byteCount: Int { count * precision.byteCount }

  /// A copy of the values, row by row; bfloat16 ones widened, which is exact.
  public var values: [Float] {
    [Float](unsafeUninitializedCapacity: count) { target, initialized in
      switch store.matrix(of: self) {
      case .float32(let base):
        _ = target.update(fromContentsOf: UnsafeBufferPointer(start: base, count: count))
      case .bfloat16(let base):
        if let target = target.baseAddress { dk_bf16_to_f32(base, target, count) }
      }
      initialized = count
    }
  }

  /// A copy of the gradient of the last step; zeros before the first.
  public var gradient: [Float] {
    guard let gradient = store.gradientBase(of: self) else {
      return Array(repeating: 0, count: count)
    }
    return Array(UnsafeBufferPointer(start: gradient, count: count))
  }

  /// Replaces the values; a weight kept in bfloat16 rounds them to nearest even.
  /// - Precondition: `values` has `count` elements.
  public func assign(_ values: [Float]) {
    precondition(values.count == count, "\(name) has \(count) values, got \(values.count)")
    store.buffer(of: self).update(from: values)
  }

  /// Replaces the values with another weight's, bit for bit where both are kept in one format.
  /// - Precondition: both have the same number of values.
  public func assign(from other: Parameter) {
    precondition(other.count == count, "\(name) has \(count) values, \(other.name) \(other.count)")
    store.buffer(of: self).update(from: other)
  }
}

extension Parameter: Hashable {
  public static func == (a: Parameter, b: Parameter) -> Bool {
    a.store === b.store && a.handle == b.handle
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(store))
    hasher.combine(handle)
  }
}

/// The weights that all lanes share.
///
/// Lanes only read; values change between steps (the optimiser, loading), never while lanes run.
/// A weight is frozen until ``setTrainable(_:_:)`` says otherwise, and a frozen weight has no
/// gradient buffer.
public final class ParameterStore: @unchecked Sendable {
  // @unchecked: entries are added and changed by one thread at a time, between steps.

  /// What a store keeps of its weights.
  public enum Contents: Sendable {
    case values
    /// Names and shapes only, to count and plan with: no memory is asked for, and nothing can be computed.
    case shapes
  }

  private struct Entry {
    /// nil in a store of shapes.
    let buffer: BufferPool.Buffer?
    let precision: ComputePrecision
    var gradient: BufferPool.Buffer?
    var isTrainable = false
  }
  private var entries: [Entry] = []
  private let pool = BufferPool()
  private let contents: Contents
  /// In which format the matrices of products are kept.
  public let matrices: ComputePrecision

  /// - Parameter matrices: the format of weights that are added as matrices of products. With `bfloat16` they
  ///   take half the memory, products read them as they are, and they cannot be trained; all other weights are
  ///   float32.
  public init(_ contents: Contents = .values, matrices: ComputePrecision = .float32) {
    self.contents = contents
    self.matrices = matrices
  }

  deinit {
    for entry in entries {
      if let buffer = entry.buffer { pool.give(buffer) }
      if let gradient = entry.gradient { pool.give(gradient) }
    }
  }

  /// Bytes that weights and gradients hold.
  public var allocatedBytes: Int { pool.allocatedBytes }

  /// Adds a float32 weight whose values `fill` writes (all of them); in a store of shapes it gets an empty
  /// buffer.
  public func add<Failure: Error>(
    _ name: String, shape: [Int],
    fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) -> Parameter {
    try add(name, shape: shape, as: .float32) { buffer throws(Failure) in
      try buffer.write(fill)
    }
  }

  /// Adds a matrix that products read, in the store's format, whose values `fill` writes (all of them); in a
  /// store of shapes it gets an empty buffer.
  public func addMatrix<Failure: Error>(
    _ name: String, shape: [Int], fill: (WeightBuffer) throws(Failure) -> Void
  ) throws(Failure) -> Parameter {
    try add(name, shape: shape, as: matrices, fill: fill)
  }

  private func add<Failure: Error>(
    _ name: String, shape: [Int], as precision: ComputePrecision,
    fill: (WeightBuffer) throws(Failure) -> Void
  ) throws(Failure) -> Parameter {
    let count = shape.reduce(1, *)
    let floats = precision == .float32 ? count : (count + 1) / 2
    let buffer = contents == .values ? pool.take(max(floats, 1)) : nil
    do {
      try fill(WeightBuffer(buffer, count: count, precision))
    } catch {
      if let buffer { pool.give(buffer) }
      throw error
    }
    entries.append(Entry(buffer: buffer, precision: precision))
    return Parameter(name: name, shape: shape, handle: entries.count - 1, store: self)
  }

  public func add(_ name: String, shape: [Int], values: [Float]) -> Parameter {
    precondition(
      shape.reduce(1, *) == values.count, "\(name): \(values.count) values for shape \(shape)")
    return add(name, shape: shape) {
      if !$0.isEmpty { _ = $0.update(fromContentsOf: values) }
    }
  }

  /// Gives or takes the gradient buffers; what is taken goes back to the system. Not while lanes run.
  /// - Precondition: a weight to train is kept in float32.
  public func setTrainable(_ parameters: [Parameter], _ isTrainable: Bool) {
    for parameter in parameters where entries[parameter.handle].isTrainable != isTrainable {
      precondition(
        entries[parameter.handle].precision == .float32,
        "\(parameter.name) is kept in bfloat16: what trains is float32")
      entries[parameter.handle].isTrainable = isTrainable
      if isTrainable {
        let gradient = pool.take(max(parameter.count, 1))
        dk_fill(gradient.base, 0, parameter.count)
        entries[parameter.handle].gradient = gradient
      } else if let gradient = entries[parameter.handle].gradient {
        pool.give(gradient)
        entries[parameter.handle].gradient = nil
      }
    }
    if !isTrainable { pool.trim() }
  }

  /// The values of one float32 weight, to read or to write between steps.
  public func withValues<Result, Failure: Error>(
    of parameter: Parameter,
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeMutableBufferPointer(start: base(of: parameter), count: parameter.count))
  }

  func isTrainable(_ parameter: Parameter) -> Bool { entries[parameter.handle].isTrainable }

  func precision(of parameter: Parameter) -> ComputePrecision {
    entries[parameter.handle].precision
  }

  func buffer(of parameter: Parameter) -> WeightBuffer {
    let entry = entries[parameter.handle]
    return WeightBuffer(values(of: parameter), count: parameter.count, entry.precision)
  }

  func matrix(of parameter: Parameter) -> MatrixValues {
    let buffer = values(of: parameter)
    switch entries[parameter.handle].precision {
    case .float32: return .float32(buffer.base)
    case .bfloat16: return .bfloat16(buffer.bits)
    }
  }

  func base(of parameter: Parameter) -> UnsafeMutablePointer<Float> {
    precondition(
      entries[parameter.handle].precision == .float32,
      "\(parameter.name) is kept in bfloat16: only products and embeddings read it")
    return values(of: parameter).base
  }

  private func values(of parameter: Parameter) -> BufferPool.Buffer {
    guard let buffer = entries[parameter.handle].buffer else {
      preconditionFailure("\(parameter.name) is in a store of shapes: it has no values")
    }
    return buffer
  }

  func gradientBase(of parameter: Parameter) -> UnsafeMutablePointer<Float>? {
    entries[parameter.handle].gradient?.base
  }
}

extension [Parameter] {
  /// Gives or takes the gradient buffers, whichever stores the weights are in. Not while lanes run.
  public func setTrainable(_ isTrainable: Bool) {
    for parameter in self { parameter.store.setTrainable([parameter], isTrainable) }
  }
}

extension Parameter {
  /// The values of a float32 weight.
  var base: UnsafeMutablePointer<Float> { store.base(of: self) }
  /// The values of a matrix of products, in the format in which they are kept.
  var matrix: MatrixValues { store.matrix(of: self) }
}
