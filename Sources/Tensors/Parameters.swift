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
  /// Of its values in memory.
  var bytes: Int { 4 * count }
  public var isTrainable: Bool { store.isTrainable(self) }

  /// A copy of the values, row by row.
  public var values: [Float] {
    Array(UnsafeBufferPointer(start: store.base(of: self), count: count))
  }

  /// A copy of the gradient of the last step; zeros before the first.
  public var gradient: [Float] {
    guard let gradient = store.gradientBase(of: self) else {
      return Array(repeating: 0, count: count)
    }
    return Array(UnsafeBufferPointer(start: gradient, count: count))
  }

  /// Replaces the values.
  /// - Precondition: `values` has `count` elements.
  public func assign(_ values: [Float]) {
    precondition(values.count == count, "\(name) has \(count) values, got \(values.count)")
    store.withValues(of: self) { target in _ = target.update(fromContentsOf: values) }
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
    var gradient: BufferPool.Buffer?
    var isTrainable = false
  }
  private var entries: [Entry] = []
  private let pool = BufferPool()
  private let contents: Contents

  public init(_ contents: Contents = .values) { self.contents = contents }

  deinit {
    for entry in entries {
      if let buffer = entry.buffer { pool.give(buffer) }
      if let gradient = entry.gradient { pool.give(gradient) }
    }
  }

  /// Bytes that weights and gradients hold.
  public var allocatedBytes: Int { pool.allocatedBytes }

  /// Adds a weight whose values `fill` writes (all of them); in a store of shapes it gets an empty buffer.
  public func add<Failure: Error>(
    _ name: String, shape: [Int],
    fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) -> Parameter {
    let count = shape.reduce(1, *)
    let buffer = contents == .values ? pool.take(max(count, 1)) : nil
    do {
      try fill(UnsafeMutableBufferPointer(start: buffer?.base, count: buffer == nil ? 0 : count))
    } catch {
      if let buffer { pool.give(buffer) }
      throw error
    }
    entries.append(Entry(buffer: buffer))
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
  public func setTrainable(_ parameters: [Parameter], _ isTrainable: Bool) {
    for parameter in parameters where entries[parameter.handle].isTrainable != isTrainable {
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

  /// The values of one weight, to read or to write between steps.
  public func withValues<Result, Failure: Error>(
    of parameter: Parameter,
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeMutableBufferPointer(start: base(of: parameter), count: parameter.count))
  }

  func isTrainable(_ parameter: Parameter) -> Bool { entries[parameter.handle].isTrainable }

  func base(of parameter: Parameter) -> UnsafeMutablePointer<Float> {
    guard let buffer = entries[parameter.handle].buffer else {
      preconditionFailure("\(parameter.name) is in a store of shapes: it has no values")
    }
    return buffer.base
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
  var base: UnsafeMutablePointer<Float> { store.base(of: self) }
}
