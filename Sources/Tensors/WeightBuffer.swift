import CKernels

/// A format in which products read their matrices.
public enum ComputePrecision: String, Sendable, CaseIterable {
  case float32
  /// The upper half of a float32: 8 bits of precision, summed in float32.
  case bfloat16

  /// Bytes of a number.
  public var byteCount: Int {
    switch self {
    case .float32: 4
    case .bfloat16: 2
    }
  }
}

/// Where the values of a weight are written, in the format in which they are kept.
public enum WeightBuffer {
  case float32(UnsafeMutableBufferPointer<Float>)
  /// The bits, row by row.
  case bfloat16(UnsafeMutableBufferPointer<UInt16>)

  init(_ buffer: BufferPool.Buffer?, count: Int, _ precision: ComputePrecision) {
    let count = buffer == nil ? 0 : count
    switch precision {
    case .float32:
      self = .float32(UnsafeMutableBufferPointer(start: buffer?.base, count: count))
    case .bfloat16:
      self = .bfloat16(UnsafeMutableBufferPointer(start: buffer?.bits, count: count))
    }
  }

  /// How many numbers there is room for; 0 in a store of shapes.
  public var count: Int {
    switch self {
    case .float32(let values): values.count
    case .bfloat16(let values): values.count
    }
  }

  public var isEmpty: Bool { count == 0 }

  /// Calls `body` with room for the numbers in float32; those of a bfloat16 weight are rounded to nearest even
  /// afterwards.
  public func write<Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    switch self {
    case .float32(let values): try body(values)
    case .bfloat16(let bits):
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: bits.count)
      defer { values.deallocate() }
      try body(values)
      if let source = values.baseAddress, let target = bits.baseAddress {
        dk_f32_to_bf16(source, target, bits.count)
      }
    }
  }

  /// The values of a weight of this size, bit for bit where both are kept in one format.
  public func update(from parameter: Parameter) {
    switch (self, parameter.matrix) {
    case (.float32(let target), .float32(let source)):
      _ = target.update(fromContentsOf: UnsafeBufferPointer(start: source, count: parameter.count))
    case (.bfloat16(let target), .bfloat16(let source)):
      _ = target.update(fromContentsOf: UnsafeBufferPointer(start: source, count: parameter.count))
    default: update(from: parameter.values)
    }
  }

  /// - Precondition: there is room for exactly these numbers.
  func update(from values: [Float]) {
    precondition(values.count == count, "\(values.count) values, room for \(count)")
    switch self {
    case .float32(let target): _ = target.update(fromContentsOf: values)
    case .bfloat16(let target):
      if let target = target.baseAddress { dk_f32_to_bf16(values, target, values.count) }
    }
  }
}

/// Where a matrix of products lies.
enum MatrixValues {
  case float32(UnsafeMutablePointer<Float>)
  case bfloat16(UnsafeMutablePointer<UInt16>)
}
