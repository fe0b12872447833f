import CKernels

/// Whether a module runs to learn or to answer (dropout is the difference).
public enum Mode: Sendable {
  case training
  case evaluation
}

/// All that a call needs beside its input; there is no global state.
public struct Context {
  public let tape: Tape
  public let mode: Mode
  /// The key that random operations (dropout) of this call derive theirs from.
  public let random: RandomKey

  public init(tape: Tape, mode: Mode = .evaluation, random: RandomKey = RandomKey(seed: 0)) {
    self.tape = tape
    self.mode = mode
    self.random = random
  }

  /// Runs `body` and frees what it computed beside its result and what the backward pass needs.
  public func scoped(_ body: () -> Tensor) -> Tensor { tape.scoped(body) }
}

/// Records the operations of one lane: buffers by handle, operations in order.
///
/// A tape belongs to one thread at a time. Its life is a cycle: operations are recorded,
/// ``backward(from:)`` walks them in reverse, ``Lanes`` collects the weight gradients, ``reset()``
/// gives all buffers back to the pool. In a tape that does not record gradients only the first and
/// last happen.
public final class Tape {
  let pool: BufferPool
  /// Whether operations are kept for a backward pass.
  public let recordsGradients: Bool

  private var buffers: [BufferPool.Buffer?] = []
  private var borrowed: [UnsafeMutablePointer<Float>?] = []
  private var gradients: [BufferPool.Buffer?] = []
  private var flags: [Flags] = []
  private var operations: [Operation] = []
  private var outputs: [Int32] = []
  private var extras: [BufferPool.Buffer] = []
  /// The tensor that was last rounded to bfloat16, and its bits: several weights read one input.
  private var lastRounded: (handle: Int32, buffer: BufferPool.Buffer)?
  var weightGradients: [WeightGradient] = []
  /// When not nil, attention probabilities and their gradients are kept by module name.
  public var captures: Captures?

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let needsGradient = Flags(rawValue: 1)
    /// The backward pass of some operation reads the value.
    static let kept = Flags(rawValue: 2)
    /// A weight gradient, computed after the backward pass, reads the value.
    static let pinned = Flags(rawValue: 4)
  }

  public init(pool: BufferPool = BufferPool(), recordsGradients: Bool = true) {
    self.pool = pool
    self.recordsGradients = recordsGradients
  }

  deinit { reset() }

  /// Gives every buffer back; tensors made before are no longer valid.
  public func reset() {
    for buffer in buffers { if let buffer { pool.give(buffer) } }
    for buffer in gradients { if let buffer { pool.give(buffer) } }
    for buffer in extras { pool.give(buffer) }
    for gradient in weightGradients { gradient.release(to: pool) }
    forgetRounded()
    buffers.removeAll(keepingCapacity: true)
    borrowed.removeAll(keepingCapacity: true)
    gradients.removeAll(keepingCapacity: true)
    flags.removeAll(keepingCapacity: true)
    operations.removeAll(keepingCapacity: true)
    outputs.removeAll(keepingCapacity: true)
    extras.removeAll(keepingCapacity: true)
    weightGradients.removeAll(keepingCapacity: true)
  }

  // MARK: - Making tensors

  /// A tensor whose contents are undefined until written.
  func allocate(rows: Int, width: Int) -> Tensor {
    append(pool.take(max(rows * width, 1)), nil, rows: rows, width: width)
  }

  private func append(
    _ buffer: BufferPool.Buffer?, _ pointer: UnsafeMutablePointer<Float>?, rows: Int, width: Int
  ) -> Tensor {
    buffers.append(buffer)
    borrowed.append(pointer)
    gradients.append(nil)
    flags.append([])
    return Tensor(handle: Int32(buffers.count - 1), rows: rows, width: width)
  }

  /// A copy of `values` as a tensor.
  /// - Parameter needsGradient: whether ``gradient(of:)`` is wanted after the backward pass.
  public func tensor(
    _ values: [Float], rows: Int, width: Int, needsGradient: Bool = false
  ) -> Tensor {
    precondition(values.count == rows * width, "\(values.count) values for [\(rows), \(width)]")
    return tensor(rows: rows, width: width, needsGradient: needsGradient) {
      _ = $0.update(fromContentsOf: values)
    }
  }

  /// A tensor whose values `fill` writes (all of them).
  public func tensor<Failure: Error>(
    rows: Int, width: Int, needsGradient: Bool = false,
    fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) -> Tensor {
    let result = allocate(rows: rows, width: width)
    try fill(UnsafeMutableBufferPointer(start: pointer(result), count: result.count))
    if needsGradient { flags[result.index].insert(.needsGradient) }
    return result
  }

  /// The weight itself as a tensor of `rows` rows; nothing is copied.
  func borrow(_ parameter: Parameter, rows: Int) -> Tensor {
    append(nil, parameter.base, rows: rows, width: parameter.count / max(rows, 1))
  }

  // MARK: - Reading

  func pointer(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    if let buffer = buffers[tensor.index] { return buffer.base }
    guard let pointer = borrowed[tensor.index] else {
      preconditionFailure("a tensor was used after its scope ended or its operation consumed it")
    }
    return pointer
  }

  /// A copy of the values, row by row.
  public func values(_ tensor: Tensor) -> [Float] {
    Array(UnsafeBufferPointer(start: pointer(tensor), count: tensor.count))
  }

  /// A copy of one row.
  public func row(_ index: Int, of tensor: Tensor) -> [Float] {
    precondition(index >= 0 && index < tensor.rows, "row \(index) of \(tensor.rows)")
    let start = pointer(tensor) + index * tensor.width
    return Array(UnsafeBufferPointer(start: start, count: tensor.width))
  }

  /// The values in place, for as long as `body` runs.
  public func withValues<Result, Failure: Error>(
    _ tensor: Tensor, _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(start: pointer(tensor), count: tensor.count))
  }

  /// A copy of the gradient that the last backward pass left for an input tensor; zeros if none
  /// came.
  public func gradient(of tensor: Tensor) -> [Float] {
    guard let gradient = gradients[tensor.index] else {
      return Array(repeating: 0, count: tensor.count)
    }
    return Array(UnsafeBufferPointer(start: gradient.base, count: tensor.count))
  }

  /// The values rounded to bfloat16, to nearest even; valid until another tensor is rounded.
  func rounded(_ tensor: Tensor) -> UnsafePointer<UInt16> {
    if let lastRounded, lastRounded.handle == tensor.handle {
      return UnsafePointer(lastRounded.buffer.bits)
    }
    forgetRounded()
    let buffer = pool.take((tensor.count + 1) / 2)
    dk_f32_to_bf16(pointer(tensor), buffer.bits, tensor.count)
    lastRounded = (tensor.handle, buffer)
    return UnsafePointer(buffer.bits)
  }

  /// Must be called when a tensor's values change.
  func forgetRounded() {
    if let lastRounded { pool.give(lastRounded.buffer) }
    lastRounded = nil
  }

  func needsGradient(_ tensor: Tensor) -> Bool { flags[tensor.index].contains(.needsGradient) }

  // MARK: - Recording

  /// Records `operation` if a gradient can flow through it.
  /// - Parameter keeps: tensors whose values the backward pass reads.
  /// - Returns: whether it was recorded.
  @discardableResult
  func record(
    _ operation: @autoclosure () -> Operation, output: Tensor, inputs: Tensor?...,
    parameters: [Parameter?] = [], keeps: [Tensor] = []
  ) -> Bool {
    guard recordsGradients else { return false }
    let flows =
      inputs.contains { input in input.map(needsGradient) ?? false }
      || parameters.contains { parameter in parameter?.isTrainable ?? false }
    guard flows else { return false }
    flags[output.index].insert(.needsGradient)
    operations.append(operation())
    outputs.append(output.handle)
    for tensor in keeps { flags[tensor.index].insert(.kept) }
    return true
  }

  /// Keeps a value until ``reset()`` for a weight gradient.
  func pin(_ tensor: Tensor) { flags[tensor.index].insert(.pinned) }

  /// A side buffer that lives until ``reset()`` (statistics of a norm, say).
  func extra(_ count: Int) -> UnsafeMutablePointer<Float> {
    let buffer = pool.take(max(count, 1))
    extras.append(buffer)
    return buffer.base
  }

  /// Takes a side buffer out of the tape's hands.
  func takeExtra(_ base: UnsafeMutablePointer<Float>) -> BufferPool.Buffer {
    guard let index = extras.lastIndex(where: { $0.base == base }) else {
      preconditionFailure("no such side buffer")
    }
    return extras.remove(at: index)
  }

  /// Moves a value's buffer to a new tensor of the same size; the old one is no longer valid.
  func consume(_ tensor: Tensor) -> Tensor? {
    guard let buffer = buffers[tensor.index],
      flags[tensor.index].isDisjoint(with: [.kept, .pinned])
    else { return nil }
    buffers[tensor.index] = nil
    return append(buffer, nil, rows: tensor.rows, width: tensor.width)
  }

  public func scoped(_ body: () -> Tensor) -> Tensor { scoped { [body()] }[0] }

  public func scoped(_ body: () -> [Tensor]) -> [Tensor] {
    let first = buffers.count
    let results = body()
    for index in first..<buffers.count where flags[index].isDisjoint(with: [.kept, .pinned]) {
      guard let buffer = buffers[index], !results.contains(where: { $0.index == index }) else {
        continue
      }
      pool.give(buffer)
      buffers[index] = nil
    }
    return results
  }

  // MARK: - Backward

  /// Computes the gradient of `loss` for every tensor that needs one, and queues the weights'.
  /// - Precondition: `loss` is `[1, 1]` and on this tape.
  public func backward(from loss: Tensor) {
    precondition(loss.count == 1, "the backward pass starts from one number")
    guard needsGradient(loss) else { return }
    let (gradient, _) = gradientBuffer(loss)
    gradient[0] = 1
    backward()
  }

  /// The same from any tensor with a given gradient of the loss for it.
  public func backward(from tensor: Tensor, gradient values: [Float]) {
    precondition(values.count == tensor.count, "one gradient value for each value")
    guard needsGradient(tensor) else { return }
    let (gradient, _) = gradientBuffer(tensor)
    gradient.update(from: values, count: values.count)
    backward()
  }

  private func backward() {
    for index in operations.indices.reversed() {
      let output = Int(outputs[index])
      guard gradients[output] != nil else { continue }
      operations[index].backward(on: self)
      if let gradient = gradients[output] {
        pool.give(gradient)
        gradients[output] = nil
      }
      // Whoever reads this value has been walked already, except weight gradients.
      if !flags[output].contains(.pinned), let buffer = buffers[output] {
        pool.give(buffer)
        buffers[output] = nil
      }
    }
    operations.removeAll(keepingCapacity: true)
    outputs.removeAll(keepingCapacity: true)
  }

  /// The gradient that has arrived for an operation's output.
  func arrived(_ output: Tensor) -> UnsafeMutablePointer<Float> {
    guard let gradient = gradients[output.index] else {
      preconditionFailure("the backward pass visits an operation only when a gradient arrived")
    }
    return gradient.base
  }

  /// The buffer to write an input's gradient to, and whether to add to what is there.
  func gradientBuffer(
    _ tensor: Tensor
  ) -> (pointer: UnsafeMutablePointer<Float>, accumulate: Bool) {
    if let gradient = gradients[tensor.index] { return (gradient.base, true) }
    let buffer = pool.take(max(tensor.count, 1))
    gradients[tensor.index] = buffer
    return (buffer.base, false)
  }

  /// Takes the output's gradient buffer out of the tape's hands (a weight gradient will read it).
  func takeGradient(_ output: Tensor) -> BufferPool.Buffer {
    guard let gradient = gradients[output.index] else {
      preconditionFailure("no gradient to take")
    }
    gradients[output.index] = nil
    return gradient
  }

  func discardGradient(of tensor: Tensor) {
    if let gradient = gradients[tensor.index] { pool.give(gradient) }
    gradients[tensor.index] = nil
  }

  /// Hands the output's gradient on to `input`, moved if it can be, added if one is there.
  func passGradient(of output: Tensor, to input: Tensor, mayMove: Bool = true) {
    guard needsGradient(input) else { return }
    if mayMove, gradients[input.index] == nil {
      gradients[input.index] = gradients[output.index]
      gradients[output.index] = nil
      return
    }
    let source = arrived(output)
    let (target, accumulate) = gradientBuffer(input)
    dk_copy(source, target, input.count, accumulate ? 1 : 0)
  }
}
