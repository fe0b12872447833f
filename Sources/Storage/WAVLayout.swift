/// The chunks of a RIFF WAVE file, to hold what the header says against what there is.
///
/// libsndfile takes a wrong length silently for the other one, so that a cut file would pass as a shorter
/// sound. Source: Microsoft and IBM, *Multimedia Programming Interface and Data Specifications 1.0*, chapter 2:
/// a chunk is four letters, its size in 32 little-endian bits, and its bytes, padded to an even number.
struct WAVLayout {
  private let bytes: UnsafeRawBufferPointer

  /// - Precondition: the bytes begin with `RIFF`, a size, `WAVE`.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func size(at offset: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  private func name(at offset: Int) -> String? {
    let letters = bytes[offset..<offset + 4]
    return letters.allSatisfy { (0x20...0x7E).contains($0) }
      ? String(decoding: letters, as: UTF8.self) : nil
  }

  /// - Throws: `wrongLength` where the file or a chunk is longer or shorter than it says, `noSamples` for a
  ///   `data` chunk without bytes, `damaged` where there is none.
  func check() throws(AudioError.Problem) {
    let end = 8 + size(at: 4)
    // Some programs leave out the last chunk's padding or don't count it.
    guard abs(end - bytes.count) <= 1 else {
      throw .wrongLength(
        "its header says \(end) bytes in all, the file has \(bytes.count)")
    }
    var offset = 12
    var data: Int?
    while offset + 8 <= bytes.count {
      let size = size(at: offset + 4)
      let left = bytes.count - offset - 8
      guard let name = name(at: offset) else {
        throw .wrongLength(
          data.map { "its data chunk says \($0) bytes, but no chunk follows there" }
            ?? "its chunks end in the middle of other bytes")
      }
      guard size <= left else {
        throw .wrongLength("its \(name) chunk says \(size) bytes, and \(left) are there")
      }
      if name == "data" {
        guard size > 0 else {
          if left > 1 { throw .wrongLength("its data chunk says 0 bytes, and \(left) are there") }
          throw .noSamples
        }
        data = data ?? size
      }
      offset += 8 + size + size % 2
    }
    guard data != nil else { throw .damaged("it has no data chunk") }
    guard bytes.count - offset <= 1 else {
      throw .wrongLength("\(bytes.count - offset) bytes follow its last chunk")
    }
  }
}
