import CSndFile

/// A sound file in memory, decoded by libsndfile.
///
/// libsndfile reads through calls of ours; it holds a pointer to the source for as long as it lives, so both
/// belong to one object.
final class SoundFileReader {
  private let file: OpaquePointer
  private let source: UnsafeMutablePointer<Source>
  let rate: Int
  let channels: Int
  private let frames: Int

  /// The file's bytes and where libsndfile stands in them.
  private struct Source {
    let bytes: UnsafeRawBufferPointer
    var offset = 0
  }

  /// - Parameter bytes: of a whole file; they outlive the reader.
  init(_ bytes: UnsafeRawBufferPointer) throws(AudioError.Problem) {
    let source = UnsafeMutablePointer<Source>.allocate(capacity: 1)
    source.initialize(to: Source(bytes: bytes))
    var calls = Self.calls
    var info = SF_INFO()
    guard let file = sf_open_virtual(&calls, Int32(SFM_READ), &info, source) else {
      let words = String(cString: sf_strerror(nil))
      source.deallocate()
      throw .damaged(words)
    }
    self.file = file
    self.source = source
    rate = Int(info.samplerate)
    channels = Int(info.channels)
    frames = Int(info.frames)
  }

  deinit {
    sf_close(file)
    source.deallocate()
  }

  /// All samples, `[frames, channels]`.
  func samples() throws(AudioError.Problem) -> [Float] {
    guard Audio.rates.contains(rate) else { throw .unsupportedRate(rate) }
    guard channels > 0 else { throw .damaged("it has no channel") }
    guard frames > 0 else { throw .noSamples }
    guard frames <= Audio.maximumSamples / channels else {
      throw .tooLong(frames: frames, channels: channels)
    }
    let count = frames * channels
    var read = 0
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      read = Int(sf_readf_float(file, buffer.baseAddress, sf_count_t(frames)))
      initialized = max(0, read) * channels
    }
    guard sf_error(file) == 0 else { throw .damaged(String(cString: sf_strerror(file))) }
    guard read == frames else {
      throw .wrongLength("its header says \(frames) samples a channel, and \(read) could be read")
    }
    return values
  }

  private static var calls: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { source in sf_count_t(SoundFileReader.source(source).pointee.bytes.count) },
      seek: { offset, whence, source in
        let source = SoundFileReader.source(source)
        let start =
          switch whence {
          case SEEK_CUR: source.pointee.offset
          case SEEK_END: source.pointee.bytes.count
          default: 0
          }
        source.pointee.offset = min(max(0, start + Int(offset)), source.pointee.bytes.count)
        return sf_count_t(source.pointee.offset)
      },
      read: { target, count, source in
        let source = SoundFileReader.source(source)
        let (bytes, offset) = (source.pointee.bytes, source.pointee.offset)
        let taken = min(max(0, Int(count)), bytes.count - offset)
        if taken > 0, let target {
          UnsafeMutableRawBufferPointer(start: target, count: taken)
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + taken]))
        }
        source.pointee.offset += taken
        return sf_count_t(taken)
      },
      write: { _, _, _ in 0 },
      tell: { source in sf_count_t(SoundFileReader.source(source).pointee.offset) })
  }

  private static func source(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Source> {
    guard let pointer else { preconditionFailure("libsndfile hands back the pointer it was given") }
    return pointer.assumingMemoryBound(to: Source.self)
  }
}
