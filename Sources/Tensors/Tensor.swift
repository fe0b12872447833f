/// A matrix of float32 on a tape: a value, an index into the tape's buffers.
///
/// Every tensor has two axes. A batch of sequences is packed: the rows of all sequences one after
/// the other, told apart by ``Segments``; nothing is padded.
public struct Tensor: Sendable, Hashable {
  let handle: Int32
  public let rows: Int
  public let width: Int

  /// `[rows, width]`.
  public var shape: [Int] { [rows, width] }
  public var count: Int { rows * width }
  var index: Int { Int(handle) }
}

/// The rows of each sequence in a packed tensor.
public struct Segments: Sendable, Hashable {
  /// First row of each sequence.
  public let starts: [Int]
  /// Rows of all sequences together.
  public let totalRows: Int

  public var count: Int { starts.count }
  public var indices: Range<Int> { 0..<starts.count }

  public init(lengths: [Int]) {
    var starts: [Int] = []
    starts.reserveCapacity(lengths.count)
    var next = 0
    for length in lengths {
      starts.append(next)
      next += length
    }
    self.starts = starts
    totalRows = next
  }

  /// `count` sequences of `length` rows each.
  public static func uniform(count: Int, length: Int) -> Segments {
    Segments(lengths: Array(repeating: length, count: count))
  }

  /// The rows of sequence `index`.
  public subscript(index: Int) -> Range<Int> {
    starts[index]..<(index + 1 < starts.count ? starts[index + 1] : totalRows)
  }

  public var lengths: [Int] { indices.map { self[$0].count } }
}

/// A packed tensor with the segments that tell its sequences apart.
public struct Rows: Sendable {
  public let tensor: Tensor
  public let segments: Segments

  public var width: Int { tensor.width }
  public var count: Int { segments.count }

  /// - Precondition: the segments cover the tensor's rows.
  public init(_ tensor: Tensor, _ segments: Segments) {
    precondition(
      tensor.rows == segments.totalRows,
      "segments of \(segments.totalRows) rows do not fit a tensor of \(tensor.rows)")
    self.tensor = tensor
    self.segments = segments
  }

  /// The same sequences with other contents.
  public func with(_ tensor: Tensor) -> Rows { Rows(tensor, segments) }
}
