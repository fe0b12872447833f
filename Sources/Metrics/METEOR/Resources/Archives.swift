import CZlib
import Foundation

/// Reads members of a zip archive, such as a jar: stored or deflated, without encryption or zip64.
struct ZipArchive {
  private let path: String
  private let bytes: [UInt8]
  /// Local header, method, packed and unpacked size by name.
  private var members: [String: (offset: Int, method: Int, packed: Int, size: Int)] = [:]

  /// - Throws: ``METEORDataError`` if the file can't be read or is not a zip archive.
  init(path: String) throws {
    self.path = path
    bytes = try readFile(path)
    guard let end = endOfDirectory() else {
      throw METEORDataError.damaged(path: path, rule: "a zip archive ends with its directory")
    }
    var position = integer(end + 16, 4)
    for _ in 0..<integer(end + 10, 2) {
      guard position + 46 <= bytes.count, integer(position, 4) == 0x0201_4b50 else {
        throw METEORDataError.damaged(path: path, rule: "an entry of its directory is cut short")
      }
      let nameEnd = position + 46 + integer(position + 28, 2)
      guard nameEnd <= bytes.count else {
        throw METEORDataError.damaged(path: path, rule: "a name in its directory is cut short")
      }
      let name = String(decoding: bytes[position + 46..<nameEnd], as: UTF8.self)
      members[name] = (
        integer(position + 42, 4), integer(position + 10, 2), integer(position + 20, 4),
        integer(position + 24, 4)
      )
      position = nameEnd + integer(position + 30, 2) + integer(position + 32, 2)
    }
  }

  func contains(_ name: String) -> Bool { members[name] != nil }

  /// The content of a member.
  ///
  /// - Throws: ``METEORDataError`` if it is missing or damaged.
  func read(_ name: String) throws -> [UInt8] {
    guard let member = members[name] else {
      throw METEORDataError.damaged(path: path, rule: "it should hold \(name)")
    }
    let header = member.offset
    let start = header + 30 + integer(header + 26, 2) + integer(header + 28, 2)
    guard header + 30 <= bytes.count, start + member.packed <= bytes.count,
      member.size <= 1 << 28
    else { throw METEORDataError.damaged(path: path, rule: "\(name) is cut short") }
    let packed = bytes[start..<start + member.packed]
    if member.method == 0 { return Array(packed) }
    guard member.method == 8, let content = inflated(Array(packed), size: member.size) else {
      throw METEORDataError.damaged(path: path, rule: "\(name) can't be decompressed")
    }
    return content
  }

  private func endOfDirectory() -> Int? {
    guard bytes.count >= 22 else { return nil }
    // The record is last, before a comment of at most 65,535 bytes.
    let first = max(0, bytes.count - 22 - 0xffff)
    return stride(from: bytes.count - 22, through: first, by: -1).first {
      integer($0, 4) == 0x0605_4b50
    }
  }

  /// A little-endian integer, 0 past the end.
  private func integer(_ position: Int, _ count: Int) -> Int {
    guard position >= 0, position + count <= bytes.count else { return 0 }
    return (0..<count).reduce(0) { $0 | Int(bytes[position + $1]) << (8 * $1) }
  }

  private func inflated(_ packed: [UInt8], size: Int) -> [UInt8]? {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var packed = packed
    var result = [UInt8](repeating: 0, count: size)
    let status = packed.withUnsafeMutableBufferPointer { input in
      result.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return inflate(&stream, Z_FINISH)
      }
    }
    return status == Z_STREAM_END && stream.avail_out == 0 ? result : nil
  }
}

/// Lines of a gzip file, decompressed piece by piece.
struct GzipLines: ~Copyable {
  private let path: String
  private let file: gzFile?
  private var buffer: [UInt8] = []
  private var position = 0

  /// - Throws: ``METEORDataError/unreadable(path:reason:)``.
  init(path: String) throws {
    self.path = path
    file = gzopen(path, "rb")
    guard file != nil else {
      throw METEORDataError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    gzbuffer(file, 1 << 18)
  }

  deinit { gzclose(file) }

  /// Appends the next line to nothing and hands it over without its end; `false` after the last.
  mutating func next(_ line: inout [UInt8]) throws -> Bool {
    line.removeAll(keepingCapacity: true)
    var isStarted = false
    while true {
      if position == buffer.count {
        guard try fill() else { return isStarted }
      }
      isStarted = true
      let end = buffer[position...].firstIndex(of: 10) ?? buffer.count
      line.append(contentsOf: buffer[position..<end])
      position = min(end + 1, buffer.count)
      if end < buffer.count {
        if line.last == 13 { line.removeLast() }
        return true
      }
    }
  }

  private mutating func fill() throws -> Bool {
    buffer = Array(repeating: 0, count: 1 << 20)
    let count = buffer.withUnsafeMutableBytes { gzread(file, $0.baseAddress, UInt32($0.count)) }
    guard count >= 0 else {
      throw METEORDataError.damaged(path: path, rule: "it can't be decompressed")
    }
    buffer.removeLast(buffer.count - Int(count))
    position = 0
    // A truncated file ends without error unless asked.
    if count == 0 {
      var status: Int32 = 0
      gzerror(file, &status)
      guard status == Z_OK || status == Z_STREAM_END else {
        throw METEORDataError.damaged(path: path, rule: "it ends too early")
      }
    }
    return count > 0
  }
}

/// The bytes of a file.
///
/// - Throws: ``METEORDataError/unreadable(path:reason:)``.
func readFile(_ path: String) throws -> [UInt8] {
  do {
    return Array(try Data(contentsOf: URL(filePath: path)))
  } catch {
    throw METEORDataError.unreadable(path: path, reason: error.localizedDescription)
  }
}
