import Configuration
import Foundation
import Tensors

/// A memory-mapped safetensors file, every rule of the format checked when it is opened.
///
/// Format: `[header size: u64, little-endian][header: JSON][data]`. The header is an object, at most
/// 100 MB, of `name: {"dtype", "shape", "data_offsets": [begin, end]}` and an optional
/// `__metadata__: {string: string}`; no key may stand twice. Each tensor's bytes are as many as its type
/// and shape say; together they cover the data with no hole, overlap or rest, and the data ends with the
/// file. Source: https://github.com/huggingface/safetensors, README, "Format".
///
/// Opening reads only the header and keeps about 40 bytes a tensor beside the mapping.
public final class SafetensorsFile: Sendable {
  public let url: URL
  private let mapping: FileMapping
  /// Where the data begins in the file.
  private let dataStart: Int
  /// Where the value of `__metadata__` stands in the header; `nil` if absent.
  private let metadataOffset: Int?
  /// In the order of their data.
  private let entries: [SafetensorsEntry]
  /// Positions in `entries`, in the byte order of the names.
  private let byName: [UInt32]

  /// The largest header that the format allows, in bytes.
  public static let maximumHeader = 100_000_000

  /// Opens a file and checks its header.
  ///
  /// - Throws: ``SafetensorsError``, which names the file, the rule and the tensor.
  public convenience init(_ url: URL) throws(SafetensorsError) {
    let mapping: FileMapping
    do {
      mapping = try FileMapping(url)
    } catch {
      throw SafetensorsError(path: url.path, problem: .unreadable(error.cause))
    }
    try self.init(mapping, url: url)
  }

  /// Reads a file's content from memory; `name` stands for its path in error messages.
  package convenience init(content: [UInt8], name: String) throws(SafetensorsError) {
    try self.init(FileMapping(copying: content), url: URL(filePath: name))
  }

  private init(_ mapping: FileMapping, url: URL) throws(SafetensorsError) {
    self.url = url
    self.mapping = mapping
    do throws(SafetensorsError.Problem) {
      let header = try Self.header(of: mapping.bytes)
      dataStart = 8 + header.count
      let parsed = try SafetensorsEntry.parse(header)
      metadataOffset = parsed.metadataOffset
      entries = parsed.entries
      byName = parsed.byName
      try SafetensorsEntry.checkCover(
        entries, header: header, dataCount: mapping.bytes.count - dataStart,
        fileCount: mapping.bytes.count)
    } catch {
      throw SafetensorsError(path: url.path, problem: error)
    }
  }

  private static func header(
    of file: UnsafeRawBufferPointer
  ) throws(SafetensorsError.Problem) -> UnsafeRawBufferPointer {
    guard file.count >= 8 else { throw .truncated(size: file.count, needed: 8) }
    let claimed = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard claimed <= UInt64(maximumHeader) else {
      throw .headerTooLarge(Int(clamping: claimed))
    }
    let size = Int(claimed)
    guard file.count - 8 >= size else { throw .truncated(size: file.count, needed: 8 + size) }
    return UnsafeRawBufferPointer(rebasing: file[8..<8 + size])
  }

  private var header: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: mapping.bytes[8..<dataStart])
  }

  /// The tensors' names, in the order of their data.
  public var names: [String] {
    let scanner = JSONScanner(header)
    return entries.map { scanner.text($0.name) }
  }

  /// The writer's notes; empty if there are none.
  public var metadata: [String: String] {
    guard let metadataOffset else { return [:] }
    var scanner = JSONScanner(header, at: metadataOffset)
    var result: [String: String] = [:]
    // It was checked when the file was opened, so this can't throw.
    try? scanner.object { scanner, key throws(JSONError) in
      result[scanner.text(key)] = scanner.text(try scanner.string())
    }
    return result
  }

  private func entry(_ name: String) -> SafetensorsEntry? {
    let scanner = JSONScanner(header)
    let wanted = Array(name.utf8)
    return wanted.withUnsafeBytes { wanted in
      var low = 0
      var high = byName.count
      while low < high {
        let middle = (low + high) / 2
        let entry = entries[Int(byName[middle])]
        let order = scanner.compare(entry.name, wanted)
        if order == 0 { return entry }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
      return nil
    }
  }

  /// Type, shape and place of a tensor; `nil` if there is none of that name.
  public func info(_ name: String) -> SafetensorsInfo? {
    guard let entry = entry(name) else { return nil }
    return SafetensorsInfo(
      dtype: entry.dtype, shape: entry.shape(in: header),
      byteRange: dataStart + entry.begin..<dataStart + entry.end)
  }

  public func contains(_ name: String) -> Bool { entry(name) != nil }

  private func existing(_ name: String) throws(SafetensorsError) -> SafetensorsInfo {
    if let info = info(name) { return info }
    let similar = Suggestion.closest(to: name, among: names)
    throw failure(.noTensor(name: name, similar: similar))
  }

  private func failure(_ problem: SafetensorsError.Problem) -> SafetensorsError {
    SafetensorsError(path: url.path, problem: problem)
  }

  /// Calls `body` with a tensor's bytes, straight from the mapping; they may start at any alignment.
  public func withBytes<Value>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value {
    let range = try existing(name).byteRange
    // Keeps the mapping until `body` returns.
    return try withExtendedLifetime(mapping) {
      try body(UnsafeRawBufferPointer(rebasing: mapping.bytes[range]))
    }
  }

  /// A copy of a tensor's bytes, of any type.
  public func bytes(_ name: String) throws(SafetensorsError) -> [UInt8] {
    let range = try existing(name).byteRange
    return Array(mapping.bytes[range])
  }

  /// Writes a tensor's values, of type F32, F16, BF16 or F64, into a buffer of exactly their count.
  ///
  /// Many values are converted on all cores.
  public func read(
    _ name: String, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws(SafetensorsError) {
    let info = try existing(name)
    guard let source = info.dtype.floatSource else {
      throw failure(
        .wrongType(name: name, dtype: info.dtype, needed: "F32, F16, BF16 or F64"))
    }
    guard info.count == buffer.count else {
      throw failure(.wrongCount(name: name, shape: info.shape, room: buffer.count))
    }
    FloatFormats.convert(
      source, UnsafeRawBufferPointer(rebasing: mapping.bytes[info.byteRange]), into: buffer)
  }

  /// The same into a weight's buffer: BF16 values go into a bfloat16 one as they are, others are rounded to
  /// nearest even.
  public func read(_ name: String, into weight: WeightBuffer) throws(SafetensorsError) {
    switch weight {
    case .float32(let buffer): try read(name, into: buffer)
    case .bfloat16(let bits):
      let info = try existing(name)
      guard info.dtype == .bf16, info.count == bits.count else {
        return try weight.write { buffer throws(SafetensorsError) in try read(name, into: buffer) }
      }
      UnsafeMutableRawBufferPointer(bits).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: mapping.bytes[info.byteRange]))
    }
  }

  /// A tensor's values, row by row; of type F32, F16, BF16 or F64.
  public func floats(_ name: String) throws(SafetensorsError) -> [Float] {
    let count = try existing(name).count
    var failure: SafetensorsError?
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(SafetensorsError) {
        try read(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  /// A tensor's values, row by row; of an integer type or BOOL (0 and 1).
  public func int64s(_ name: String) throws(SafetensorsError) -> [Int64] {
    let info = try existing(name)
    let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[info.byteRange])
    func values<Integer: FixedWidthInteger>(_: Integer.Type) -> [Int64] {
      (0..<info.count).map { i in
        let value = bytes.loadUnaligned(
          fromByteOffset: i * MemoryLayout<Integer>.size, as: Integer.self)
        return Int64(truncatingIfNeeded: Integer(littleEndian: value))
      }
    }
    switch info.dtype {
    case .i64: return values(Int64.self)
    case .i32: return values(Int32.self)
    case .i16: return values(Int16.self)
    case .i8: return values(Int8.self)
    case .u8, .bool: return values(UInt8.self)
    case .u16: return values(UInt16.self)
    case .u32: return values(UInt32.self)
    default:
      throw failure(
        .wrongType(name: name, dtype: info.dtype, needed: "an integer type of at most 63 bits"))
    }
  }
}
