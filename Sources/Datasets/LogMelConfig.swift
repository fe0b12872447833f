import Configuration

/// How frequencies are spaced: mel as a function of f in Hz.
public enum MelScale: String, ConfigChoice {
  /// 3f/200 below 1000 Hz, 15 + 27·ln(f/1000)/ln 6.4 from there (Slaney's *Auditory Toolbox*, librosa).
  case slaney
  /// 2595·log10(1 + f/700).
  case htk
}

/// How high the triangles are.
public enum MelNorm: String, ConfigChoice {
  /// 2 over their width in Hz: each has the same area.
  case slaney
  /// 1.
  case none
}

/// Which logarithm is taken.
public enum MelLogarithm: String, ConfigChoice {
  case log10
  case natural
}

/// Settings of the log-mel spectrogram, `sound:` of an encoder; all of them are part of the key of cached
/// features.
public struct LogMelConfig: ConfigSection {
  /// Samples a second; sounds of other rates are resampled.
  public var rate = 16_000
  /// What is cut, or filled with silence, to make all sounds as long.
  public var seconds = 1.28
  /// N of the Fourier transform, in samples.
  public var fft = 512
  /// Length of the Hann window, in samples.
  public var window = 400
  /// Samples between two frames.
  public var hop = 160
  /// Whether frame k is centred on sample k·hop (the ends are reflected) or starts there.
  public var center = true
  public var mels = 64
  public var minFrequency = 0.0
  /// nil: half the rate.
  public var maxFrequency: Double?
  public var scale = MelScale.slaney
  public var norm = MelNorm.slaney
  public var log = MelLogarithm.log10
  /// Powers below it count as it.
  public var floor = 1e-10
  public var mean = 0.0
  public var deviation = 1.0

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer(
      "rate", \.rate, .range(1000...192_000), "Samples a second; other sounds are resampled."),
    .number(
      "seconds", \.seconds, .range(0.01...60),
      "Longer sounds are cut, shorter ones filled with silence."),
    .integer("fft", \.fft, .range(2...65_536), "Samples of one Fourier transform."),
    .integer("window", \.window, .range(2...65_536), "Samples under the Hann window, at most fft."),
    .integer("hop", \.hop, .positive, "Samples from one frame to the next."),
    .bool(
      "center", \.center, "true: frame k is centred on sample k·hop; false: it starts there."),
    .integer("mels", \.mels, .range(1...1024), "Frequency bands: the height of the input."),
    .number("min_frequency", \.minFrequency, .atLeast(0), "Where the lowest band begins, in Hz."),
    .number(
      "max_frequency", \.maxFrequency, .positive, "Where the highest ends; null: half the rate."),
    .choice("scale", \.scale, "The mel scale: slaney (librosa) or htk."),
    .choice("norm", \.norm, "slaney: every band has the same area; none: the same height."),
    .choice("log", \.log, "Logarithm of a band's power."),
    .number("floor", \.floor, .positive, "Powers below it count as it."),
    .number("mean", \.mean, .any, "Taken from the logarithms."),
    .number("deviation", \.deviation, .positive, "They are divided by it then."),
  ]

  /// Samples of the fixed length.
  var samples: Int { Int((seconds * Double(rate)).rounded()) }
  var highestFrequency: Double { maxFrequency ?? Double(rate) / 2 }
  /// Frames of the fixed length. The last centred one, half of which is padding, is left out, as Whisper
  /// does.
  var frames: Int { center ? samples / hop : (samples - fft) / hop + 1 }

  public var problems: [SectionProblem] {
    if window > fft {
      return [SectionProblem("window", "must be at most fft \(fft), got \(window)")]
    }
    if highestFrequency > Double(rate) / 2 {
      return [
        SectionProblem(
          "max_frequency",
          "must be at most half the rate, \(Double(rate) / 2), got \(highestFrequency)")
      ]
    }
    if minFrequency >= highestFrequency {
      return [
        SectionProblem(
          "min_frequency", "must be below max_frequency \(highestFrequency), got \(minFrequency)")
      ]
    }
    if samples < fft || samples < hop {
      return [
        SectionProblem(
          "seconds",
          "must be fft \(fft) and hop \(hop) samples at least, got \(samples); raise seconds")
      ]
    }
    if let band = MelFilters(self).firstEmptyBand {
      return [
        SectionProblem(
          "mels",
          "band \(band + 1) lies between two frequencies of the transform and would always be empty; "
            + "lower mels or raise fft")
      ]
    }
    return []
  }
}
