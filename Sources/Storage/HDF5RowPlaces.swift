import CHDF5

/// Where the rows of a dataset lie in its file, for those who read and write them past HDF5 and its lock.
struct HDF5RowPlaces: Sendable {
  /// The first byte of each row.
  enum Starts: Sendable {
    /// Rows one after the other.
    case from(Int)
    /// Each row wherever it is.
    case each([Int])
  }

  let starts: Starts
  let count: Int
  let rowBytes: Int
  /// How the values are stored, little-endian.
  let format: FloatFormats.Source

  subscript(row: Int) -> Int {
    switch starts {
    case .from(let first): first + row * rowBytes
    case .each(let places): places[row]
    }
  }

  /// Behind the last byte of all rows.
  var end: Int {
    switch starts {
    case .from(let first): first + count * rowBytes
    case .each(let places): (places.max() ?? 0) + rowBytes
    }
  }

  /// Whether the rows lie in their order, so that one pass through the file meets them so.
  var areInOrder: Bool {
    guard case .each(let places) = starts else { return true }
    return zip(places, places.dropFirst()).allSatisfy { $0 + rowBytes <= $1 }
  }
}

extension HDF5Dataset {
  /// HDF5 finds a chunk by walking over those before it: more than these are left to it.
  private static let mostChunks = 1024

  /// nil where HDF5 is needed to read a row: for types that are not float32, float16 or float64 of this
  /// machine's byte order, compressed or very many chunks, chunks that are not one row, or rows that were
  /// never written. Nor are files with another program's block before HDF5's own first byte.
  func rowPlaces() throws(HDF5Error) -> HDF5RowPlaces? {
    guard let format, !shape.isEmpty, !shape.contains(0) else { return nil }
    let rowBytes = rowCount * format.size
    let starts = try HDF5Library.locked { () throws(HDF5Error) in
      let creation = try HDF5Handle(H5Dget_create_plist(id), closing: H5Pclose) {
        failure("read", $0)
      }
      guard H5Pget_nfilters(creation.id) == 0, H5Pget_external_count(creation.id) == 0,
        try startsWithHDF5()
      else { return HDF5RowPlaces.Starts?.none }
      switch H5Pget_layout(creation.id) {
      case H5D_CONTIGUOUS:
        return Int(exactly: H5Dget_offset(id)).map { .from($0) }
      case H5D_CHUNKED:
        return try chunkStarts(creation, rowBytes: rowBytes)
      default: return nil
      }
    }
    return starts.map {
      HDF5RowPlaces(starts: $0, count: rows, rowBytes: rowBytes, format: format)
    }
  }

  private var format: FloatFormats.Source? {
    switch elementType {
    case .float32: .float32
    case .float16: .float16
    case .float64: .float64
    case .int64, .uint8, .string, nil: nil
    }
  }

  /// Whether no user block precedes the file's HDF5 part; under the lock.
  private func startsWithHDF5() throws(HDF5Error) -> Bool {
    let file = try HDF5Handle(H5Iget_file_id(id), closing: H5Fclose) { failure("read", $0) }
    let creation = try HDF5Handle(H5Fget_create_plist(file.id), closing: H5Pclose) {
      failure("read", $0)
    }
    var bytes: hsize_t = 0
    return H5Pget_userblock(creation.id, &bytes) >= 0 && bytes == 0
  }

  /// Under the lock.
  private func chunkStarts(
    _ creation: borrowing HDF5Handle, rowBytes: Int
  ) throws(HDF5Error) -> HDF5RowPlaces.Starts? {
    let oneRow = [1] + shape.dropFirst().map { hsize_t($0) }
    var chunk = [hsize_t](repeating: 0, count: shape.count)
    guard H5Pget_chunk(creation.id, Int32(chunk.count), &chunk) == chunk.count, chunk == oneRow,
      rows <= Self.mostChunks
    else { return nil }
    var places: [Int] = []
    for row in 0..<rows {
      let coordinates = [hsize_t(row)] + shape.dropFirst().map { _ in 0 }
      var (mask, address, size): (UInt32, haddr_t, hsize_t) = (0, 0, 0)
      guard H5Dget_chunk_info_by_coord(id, coordinates, &mask, &address, &size) >= 0 else {
        throw failure("read", HDF5Library.firstError())
      }
      guard let place = Int(exactly: address), size == rowBytes else { return nil }
      places.append(place)
    }
    return .each(places)
  }
}
