import Foundation
import Storage

/// The triangles that gather the frequencies of a Fourier transform into mel bands.
///
/// Bands + 2 points are equally spaced in mel between the lowest and the highest frequency; band j is the
/// triangle from point j over j + 1 to j + 2, linear in Hz. Source: transformers' `mel_filter_bank`.
struct MelFilters: Sendable {
  /// The bins of a band that are not 0.
  struct Band: Sendable {
    var first: Int
    var weights: [Double]
  }
  let bands: [Band]
  /// fft/2 + 1.
  let bins: Int

  init(_ config: LogMelConfig) {
    let low = config.scale.mel(config.minFrequency)
    let high = config.scale.mel(config.highestFrequency)
    let points = (0..<config.mels + 2).map {
      config.scale.hertz(low + (high - low) * Double($0) / Double(config.mels + 1))
    }
    let bins = config.fft / 2 + 1
    self.bins = bins
    let width = Double(config.rate) / Double(config.fft)
    bands = (0..<config.mels).map { band in
      let (left, middle, right) = (points[band], points[band + 1], points[band + 2])
      let height = config.norm == .slaney ? 2 / (right - left) : 1
      let weights = (0..<bins).map { bin in
        let frequency = Double(bin) * width
        let slope = min(
          (frequency - left) / (middle - left), (right - frequency) / (right - middle))
        return max(0, slope) * height
      }
      let first = weights.firstIndex { $0 > 0 } ?? 0
      let last = weights.lastIndex { $0 > 0 } ?? -1
      return Band(first: first, weights: last < first ? [] : Array(weights[first...last]))
    }
  }

  var firstEmptyBand: Int? { bands.firstIndex { $0.weights.isEmpty } }

  /// Powers of a frame's bins → powers of the bands.
  func applied(to power: [Double]) -> [Double] {
    bands.map { band in
      var sum = 0.0
      for (index, weight) in band.weights.enumerated() { sum += weight * power[band.first + index] }
      return sum
    }
  }
}

extension MelScale {
  fileprivate func mel(_ hertz: Double) -> Double {
    switch self {
    case .slaney: hertz < 1000 ? 3 * hertz / 200 : 15 + 27 * log(hertz / 1000) / log(6.4)
    case .htk: 2595 * log10(1 + hertz / 700)
    }
  }

  fileprivate func hertz(_ mel: Double) -> Double {
    switch self {
    case .slaney: mel < 15 ? 200 * mel / 3 : 1000 * exp((mel - 15) * log(6.4) / 27)
    case .htk: 700 * (pow(10, mel / 2595) - 1)
    }
  }
}

/// Turns a sound into an encoder's input: a log-mel spectrogram as a picture of one channel.
///
/// The channels' mean, resampled to the encoder's rate, cut or filled with silence; then for each frame
/// log(max(floor, filters · |FFT(window · frame)|²)), less `mean`, over `deviation`.
///
/// Rows of the input go from the highest band down, as spectrograms are drawn, so that a grid of patches
/// lies on ``picture(of:)`` as it lies on the input.
///
/// Source: transformers' `spectrogram` and `mel_filter_bank` (power 2, periodic Hann window centred in the
/// transform, reflected ends), which are librosa's and torchaudio's.
public struct LogMel: Preprocessor {
  public let config: LogMelConfig
  let filters: MelFilters
  private let transform: FourierTransform
  /// `[fft]`: the window, zeros around it.
  private let window: [Double]

  /// - Precondition: `config` has no problems.
  public init(_ config: LogMelConfig) {
    self.config = config
    filters = MelFilters(config)
    transform = FourierTransform(config.fft)
    let before = (config.fft - config.window) / 2
    window = (0..<config.fft).map { place in
      let index = place - before
      guard (0..<config.window).contains(index) else { return 0 }
      return 0.5 - 0.5 * cos(2 * Double.pi * Double(index) / Double(config.window))
    }
  }

  public var kind: MediumKind { .sound }
  public var shape: InputShape {
    InputShape(channels: 1, height: config.mels, width: config.frames)
  }
  public var description: String {
    "log-mel, form 1, mean of channels, sinc32, highest band first; " + config.resolved.yaml
  }

  public func pixels(of medium: Medium) throws -> PixelValues {
    let (mels, frames) = (config.mels, config.frames)
    let bands = spectrogram(of: signal(try medium.audio()), frames: frames)
    let (mean, deviation) = (config.mean, config.deviation)
    let values = (0..<mels).flatMap { row in
      bands[(mels - 1 - row) * frames..<(mels - row) * frames].map {
        Float((Double($0) - mean) / deviation)
      }
    }
    return PixelValues(values, height: mels, width: frames)
  }

  /// Grey: white the loudest, black all that is 80 dB below it.
  public func picture(of medium: Medium) throws -> RGBImage {
    // Decades of power.
    let unit = config.deviation / (config.log == .log10 ? 1 : log(10))
    let values = try pixels(of: medium).values.map { Double($0) * unit }
    let loudest = values.max() ?? 0
    let pixels = values.flatMap { value in
      let grey = UInt8((255 * max(0, 1 + (value - loudest) / 8)).rounded())
      return [grey, grey, grey]
    }
    return RGBImage(width: shape.width, height: shape.height, pixels: pixels)
  }

  /// The one channel of the encoder's rate and length.
  func signal(_ audio: Audio) -> [Float] {
    // What is beyond the length is not resampled; the filter's reach is kept.
    let reach = Int(Double(audio.rate) * (config.seconds + 1))
    let needed = Array(audio.mono.prefix(reach))
    let samples = AudioResampler.resample(needed, from: audio.rate, to: config.rate)
    let missing = max(0, config.samples - samples.count)
    return samples.prefix(config.samples) + [Float](repeating: 0, count: missing)
  }

  /// The logarithms of one channel at the encoder's rate, `[mels, frames]`, lowest band first.
  ///
  /// - Parameter frames: the first so many; nil: as many as there are, the last centred one included.
  /// - Precondition: the signal has fft samples, or is longer than fft/2 where frames are centred.
  func spectrogram(of signal: [Float], frames: Int? = nil) -> [Float] {
    let padding = config.center ? config.fft / 2 : 0
    precondition(
      signal.count > padding && signal.count + 2 * padding >= config.fft,
      "\(signal.count) samples are too few for a transform of \(config.fft)")
    let count = frames ?? 1 + (signal.count + 2 * padding - config.fft) / config.hop
    var result = [Float](repeating: 0, count: config.mels * count)
    var frame = [Double](repeating: 0, count: config.fft)
    for index in 0..<count {
      for place in frame.indices {
        var source = index * config.hop + place - padding
        // Reflected at the ends, which are not repeated.
        if source < 0 { source = -source }
        if source >= signal.count { source = 2 * (signal.count - 1) - source }
        frame[place] = window[place] * Double(signal[source])
      }
      for (band, power) in filters.applied(to: transform.power(of: frame)).enumerated() {
        let held = max(power, config.floor)
        result[band * count + index] = Float(config.log == .log10 ? log10(held) : log(held))
      }
    }
    return result
  }
}
