import CZlib
import Foundation

/// METEOR's paraphrase table in a compact form that needs no loading.
///
/// The words are sorted, and all phrases are paths in one tree whose nodes are numbered level by level,
/// the children of a node side by side in order of their words. A pair is a node and, in its list, the
/// node of the other phrase; a list keeps the order of the file, which decides ties. The file is
/// mapped into memory: only what a caption set touches is read.
final class ParaphraseTable: Sendable {
  /// What the table was made from, to name beside a score.
  let source: String
  private let file: MappedFile
  private let header: ParaphraseHeader

  /// The number of nodes, the root included.
  var nodeCount: Int { Int(header.nodes) }

  private init(path: String, file: MappedFile, header: ParaphraseHeader) {
    source = "\(URL(filePath: path).lastPathComponent), \(header.pairs) pairs"
    self.file = file
    self.header = header
  }

  /// Opens the compact form of a gzipped table in `cache`, and makes it first if it is missing, damaged
  /// or made from another file.
  ///
  /// - Throws: ``METEORDataError`` if the table can't be read.
  static func load(
    gzip path: String, cache: URL, progress: (String, Double) -> Void
  ) throws -> ParaphraseTable {
    let identity = try GzipIdentity(path: path)
    let url = cache.appending(path: "meteor-\(identity.name).paraphrases")
    if let table = open(url, path, identity) { return table }
    var builder = ParaphraseTableBuilder()
    try builder.read(path, progress)
    let content = builder.content(identity)
    try? FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
    do {
      try content.write(to: url, options: .atomic)
    } catch {
      // A cache that can't be written costs time, not correctness.
      progress("can't keep the compact paraphrase table: \(error.localizedDescription)", 1)
      if let table = open(content, path, identity) { return table }
    }
    guard let table = open(url, path, identity) else {
      throw METEORDataError.damaged(path: url.path, rule: "it was just written, but differs")
    }
    return table
  }

  private static func open(
    _ url: URL, _ path: String, _ identity: GzipIdentity
  ) -> ParaphraseTable? {
    guard let file = MappedFile(path: url.path) else { return nil }
    return open(file, path, identity)
  }

  private static func open(
    _ content: Data, _ path: String, _ identity: GzipIdentity
  ) -> ParaphraseTable? {
    open(MappedFile(copying: content), path, identity)
  }

  private static func open(
    _ file: MappedFile, _ path: String, _ identity: GzipIdentity
  ) -> ParaphraseTable? {
    guard let header = ParaphraseHeader(file.bytes), header.identity == identity,
      header.size == file.bytes.count,
      header.checksum == ParaphraseHeader.checksum(of: file.bytes)
    else { return nil }
    return ParaphraseTable(path: path, file: file, header: header)
  }

  // MARK: Reading

  private func section(_ offset: Int, _ count: Int) -> UnsafeBufferPointer<UInt32> {
    let raw = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + count * 4])
    return raw.bindMemory(to: UInt32.self)
  }

  /// The number of a word, or `nil` if no phrase has it.
  func word(_ text: String) -> UInt32? {
    let starts = section(header.wordStartsOffset, Int(header.words) + 1)
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[header.wordBytesOffset...])
    var low = 0
    var high = Int(header.words)
    var text = text
    return text.withUTF8 { text in
      while low < high {
        let middle = (low + high) / 2
        let word = UnsafeRawBufferPointer(
          rebasing: bytes[Int(starts[middle])..<Int(starts[middle + 1])])
        if word.lexicographicallyPrecedes(text) { low = middle + 1 } else { high = middle }
      }
      guard low < header.words,
        bytes[Int(starts[low])..<Int(starts[low + 1])].elementsEqual(text)
      else { return nil }
      return UInt32(low)
    }
  }

  /// The node for one more word, or `nil` if no phrase goes on so; node 0 is the empty phrase.
  func child(of node: Int, _ word: UInt32) -> Int? {
    let words = section(header.nodeWordsOffset, nodeCount)
    let first = section(header.firstChildrenOffset, nodeCount + 1)
    var low = Int(first[node])
    let end = Int(first[node + 1])
    var high = end
    while low < high {
      let middle = (low + high) / 2
      if words[middle] < word { low = middle + 1 } else { high = middle }
    }
    return low < end && words[low] == word ? low : nil
  }

  /// The nodes of the paraphrases of a phrase, in the order of the file.
  func paraphrases(of node: Int) -> UnsafeBufferPointer<UInt32> {
    let first = section(header.firstPairsOffset, nodeCount + 1)
    let pairs = section(header.pairsOffset, Int(header.pairs))
    return UnsafeBufferPointer(rebasing: pairs[Int(first[node])..<Int(first[node + 1])])
  }
}

/// Tells one gzip file from another without reading it: its size and the checksum at its end.
struct GzipIdentity: Equatable {
  let size: UInt64
  /// CRC-32 of the content, and the content's size modulo 2³².
  let trailer: UInt64

  var name: String { String(size, radix: 16) + "-" + String(trailer, radix: 16) }

  init(size: UInt64, trailer: UInt64) {
    self.size = size
    self.trailer = trailer
  }

  init(path: String) throws {
    do {
      let handle = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? handle.close() }
      size = try handle.seekToEnd()
      guard size >= 18 else {
        throw METEORDataError.damaged(path: path, rule: "a gzip file has at least 18 bytes")
      }
      try handle.seek(toOffset: size - 8)
      let end = try handle.read(upToCount: 8) ?? Data()
      trailer = end.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    } catch let error as METEORDataError {
      throw error
    } catch {
      throw METEORDataError.unreadable(path: path, reason: error.localizedDescription)
    }
  }
}

/// A file mapped into memory for reading, or a copy of some content.
///
/// Sendable because nothing writes to the memory before it is unmapped.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  init?(path: String) {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size > 0, let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      base != MAP_FAILED
    else { return nil }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
    isMapped = true
  }

  init(copying content: Data) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 8)
    content.copyBytes(to: copy)
    bytes = UnsafeRawBufferPointer(copy)
    isMapped = false
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      bytes.deallocate()
    }
  }
}
