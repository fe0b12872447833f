import Foundation

/// A sound as it lies in a file: samples at a rate, of one or several channels.
///
/// Integers are divided by 2^(bits − 1), 8-bit ones first less 128; floats stay as they are, also beyond
/// −1…1.
public struct Audio: Sendable, Equatable {
  /// Samples a second of each channel.
  public let rate: Int
  public let channels: Int
  /// Shape `[channels, frames]`.
  public let samples: [Float]

  public var frames: Int { samples.count / channels }
  public var seconds: Double { Double(frames) / Double(rate) }

  /// The most samples of a file, all channels together, that are read: 23 minutes of stereo at 48 kHz.
  public static let maximumSamples = 1 << 27
  /// Rates of sounds that are read, in samples a second.
  public static let rates = 1000...768_000

  /// - Precondition: every channel has one sample at least, and all have as many.
  public init(rate: Int, channels: Int = 1, samples: [Float]) {
    precondition(
      rate > 0 && channels > 0 && !samples.isEmpty && samples.count.isMultiple(of: channels),
      "\(samples.count) samples are no sound of \(channels) channels at \(rate) Hz")
    self.rate = rate
    self.channels = channels
    self.samples = samples
  }

  /// Reads a WAV or FLAC file; which of the two is told by its first bytes, not by its name.
  ///
  /// - Throws: ``AudioError``, whose message names the file, if it can't be read, is neither format, lies
  ///   about its length, has no sample, one that is not a number, or more than ``maximumSamples``.
  public init(contentsOf url: URL) throws(AudioError) {
    let data: Data
    do {
      data = try Data(contentsOf: url, options: .mappedIfSafe)
    } catch {
      throw AudioError(name: url.path, problem: .unreadable(FileError.cause(of: error)))
    }
    do throws(AudioError.Problem) {
      self = try data.withBytes { bytes throws(AudioError.Problem) in
        try Audio(decoding: bytes)
      }
    } catch {
      throw AudioError(name: url.path, problem: error)
    }
  }

  /// Decodes a WAV or FLAC file in memory, which error messages call `name`.
  public init(decoding bytes: [UInt8], name: String) throws(AudioError) {
    do throws(AudioError.Problem) {
      self = try bytes.withBytes { bytes throws(AudioError.Problem) in
        try Audio(decoding: bytes)
      }
    } catch {
      throw AudioError(name: name, problem: error)
    }
  }

  private init(decoding bytes: UnsafeRawBufferPointer) throws(AudioError.Problem) {
    if bytes.isEmpty { throw .empty }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WAVE".utf8)) {
      try WAVLayout(bytes).check()
    } else if !bytes.starts(with: Array("fLaC".utf8)) {
      throw .unknownFormat(firstBytes: Array(bytes.prefix(4)))
    }
    let reader = try SoundFileReader(bytes)
    let values = try reader.samples()
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(frame: place / reader.channels, value: "\(values[place])")
    }
    self.init(
      rate: reader.rate, channels: reader.channels,
      samples: Self.planes(values, channels: reader.channels))
  }

  /// `[frames, channels]` as `[channels, frames]`.
  private static func planes(_ values: [Float], channels: Int) -> [Float] {
    guard channels > 1 else { return values }
    let frames = values.count / channels
    return [Float](unsafeUninitializedCapacity: values.count) { target, count in
      for channel in 0..<channels {
        for frame in 0..<frames {
          target[channel * frames + frame] = values[frame * channels + channel]
        }
      }
      count = values.count
    }
  }

  /// One channel, `[frames]`: the mean of all, rounded to float32.
  public var mono: [Float] {
    guard channels > 1 else { return samples }
    let frames = frames
    return (0..<frames).map { frame in
      var sum = 0.0
      for channel in 0..<channels { sum += Double(samples[channel * frames + frame]) }
      return Float(sum / Double(channels))
    }
  }

  /// As a WAV file of 32-bit floats.
  public func wavData() -> Data {
    let bytes = samples.count * 4
    var data = Data("RIFF".utf8)
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    append(UInt32(36 + bytes))
    data.append(contentsOf: Array("WAVEfmt ".utf8))
    append(UInt32(16))
    append(UInt16(3))  // WAVE_FORMAT_IEEE_FLOAT
    append(UInt16(channels))
    append(UInt32(rate))
    append(UInt32(rate * channels * 4))
    append(UInt16(channels * 4))
    append(UInt16(32))
    data.append(contentsOf: Array("data".utf8))
    append(UInt32(bytes))
    let frames = frames
    for frame in 0..<frames {
      for channel in 0..<channels { append(samples[channel * frames + frame].bitPattern) }
    }
    return data
  }

  /// Writes the sound as a WAV file of 32-bit floats; it appears whole or not at all.
  public func writeWAV(to url: URL) throws(FileError) {
    try AtomicFile.write(wavData(), to: url)
  }
}

/// Why a sound could not be read.
public struct AudioError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public enum Problem: Error, Equatable, Sendable {
    case unreadable(String)
    case empty
    case unknownFormat(firstBytes: [UInt8])
    case noSamples
    /// What the header says and what there is, in words.
    case wrongLength(String)
    case tooLong(frames: Int, channels: Int)
    case unsupportedRate(Int)
    case notFinite(frame: Int, value: String)
    /// libsndfile's own words.
    case damaged(String)
    /// The medium is an image.
    case image
  }

  /// The file's path, or what the caller named the bytes.
  public let name: String
  public let problem: Problem

  public init(name: String, problem: Problem) {
    self.name = name
    self.problem = problem
  }

  public var description: String {
    switch problem {
    case .unreadable(let cause):
      "Cannot read the sound \(name): \(cause)."
    case .empty:
      "The sound \(name) is empty (0 bytes)."
    case .unknownFormat(let bytes):
      "The sound \(name) is neither WAV nor FLAC: it starts with "
        + bytes.map(ImageError.hex).joined(separator: " ") + ". Convert it to WAV or FLAC."
    case .noSamples:
      "The sound \(name) has 0 samples. Record it again or leave it out."
    case .wrongLength(let words):
      "The sound \(name) lies about its length: \(words). It was cut, or written by a program that did "
        + "not finish its header; convert it again or leave it out."
    case .tooLong(let frames, let channels):
      "The sound \(name) claims \(frames) samples in \(channels) channels; at most "
        + "\(Audio.maximumSamples) in all are read. Cut it, or check that the file is not damaged."
    case .unsupportedRate(let rate):
      "The sound \(name) has \(rate) samples a second; \(Audio.rates.lowerBound) to "
        + "\(Audio.rates.upperBound) are read. Convert it, or check that the file is not damaged."
    case .notFinite(let frame, let value):
      "The sound \(name) holds \(value) at sample \(frame): samples must be finite numbers. "
        + "Convert it again or leave it out."
    case .damaged(let words):
      "The sound \(name) is damaged or of a kind that is not read: \(words). Convert it to 16-bit WAV or "
        + "leave it out."
    case .image:
      "\(name) is an image, where a sound is needed. Give a data set of sounds."
    }
  }

  public var errorDescription: String? { description }
}
