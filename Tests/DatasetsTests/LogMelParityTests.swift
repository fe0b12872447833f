import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

/// Log-mel spectrograms and resampling against transformers' audio_utils and scipy: `Fixtures/logmel`.
struct LogMelParityTests {
  struct Settings: Decodable {
    let samplingRate: Int
    let fftLength: Int
    let windowLength: Int
    let hopLength: Int
    let center: Bool
    let melBands: Int
    let minFrequency: Double
    let maxFrequency: Double
    let melScale: String
    let norm: String?
    let log: String
    let floor: Double

    var config: LogMelConfig {
      get throws {
        var config = LogMelConfig()
        config.rate = samplingRate
        config.fft = fftLength
        config.window = windowLength
        config.hop = hopLength
        config.center = center
        config.mels = melBands
        config.minFrequency = minFrequency
        config.maxFrequency = maxFrequency
        config.scale = try #require(MelScale(rawValue: melScale))
        config.norm = norm == "slaney" ? .slaney : .none
        config.log = log == "log" ? .natural : .log10
        config.floor = floor
        return config
      }
    }
  }

  struct Fixture: Decodable {
    struct File: Decodable {
      let mel: [String]
      let resampledMel: [String]?
    }
    struct Resampling: Decodable {
      let from: Int
      let to: Int
      let edge: Int
    }
    let files: [String: File]
    let mel: [String: Settings]
    let resample: [String: Resampling]
  }

  static let folder = Fixtures.folder("logmel")

  let fixture: Fixture
  let golden: SafetensorsFile

  init() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    fixture = try decoder.decode(
      Fixture.self, from: Data(contentsOf: Self.folder.appending(path: "config.json")))
    golden = try SafetensorsFile(Self.folder.appending(path: "io.safetensors"))
  }

  @Test("mel filters equal the reference: abs 1e-6 without norm, rel 1e-4 + abs 1e-7 with Slaney's")
  func filters() throws {
    for name in ["slaney16k", "htk8k"] {
      let config = try #require(fixture.mel[name]).config
      let filters = MelFilters(config)
      let expected = try golden.floats("filters.\(name)")
      try #require(expected.count == config.mels * filters.bins)
      for (band, filter) in filters.bands.enumerated() {
        for bin in 0..<filters.bins {
          let place = bin - filter.first
          let value = filter.weights.indices.contains(place) ? filter.weights[place] : 0
          let reference = Double(expected[band * filters.bins + bin])
          let tolerance = config.norm == .none ? 1e-6 : 1e-4 * abs(reference) + 1e-7
          #expect(abs(value - reference) <= tolerance, "\(name), band \(band), bin \(bin)")
        }
      }
    }
  }

  @Test(
    "log-mel equals the reference: abs 1e-3 for log10, 2e-3 for the natural one, 2e-4 four decades above the floor"
  )
  func spectrograms() throws {
    var compared = 0
    for (name, file) in fixture.files {
      let audio = try Audio(contentsOf: Self.folder.appending(path: name))
      for setting in file.mel {
        let config = try #require(fixture.mel[setting]).config
        try #require(audio.rate == config.rate)
        let values = LogMel(config).spectrogram(of: audio.mono)
        let expected = try golden.floats("\(name).\(setting)")
        try #require(values.count == expected.count, "\(name).\(setting)")
        let decade = config.log == .log10 ? 1 : Foundation.log(10.0)
        let high = Float(log10(config.floor) * decade + 4 * decade)
        let loose: Float = config.log == .log10 ? 1e-3 : 2e-3
        for (value, reference) in zip(values, expected) {
          let tolerance = reference >= high ? 2e-4 : loose
          #expect(abs(value - reference) <= tolerance, "\(name).\(setting)")
          compared += 1
        }
      }
    }
    #expect(compared > 5000)
  }

  /// 10 log10 of a ratio of mean squares, `edge` samples at each end left out.
  static func decibels(
    _ values: [Float], minus reference: [Float]? = nil, over base: [Float], edge: Int
  ) -> Double {
    func square(_ values: some Sequence<Float>) -> Double {
      var (sum, count) = (0.0, 0)
      for value in values {
        sum += Double(value) * Double(value)
        count += 1
      }
      return sum / Double(max(count, 1))
    }
    let inner = edge..<(values.count - edge)
    let error = inner.map { values[$0] - (reference?[$0] ?? 0) }
    return 10 * log10(square(error) / square(base))
  }

  @Test(
    "resampling is within -50 dB of the ideal and of scipy, and what can't be held is gone by 50 dB"
  )
  func resampling() throws {
    #expect(fixture.resample.count == 3)
    for (name, setting) in fixture.resample {
      let input = try golden.floats("\(name).input")
      let result = AudioResampler.resample(input, from: setting.from, to: setting.to)
      let ideal = try golden.floats("\(name).ideal")
      try #require(result.count == ideal.count, "\(name)")
      let edge = setting.edge
      #expect(Self.decibels(result, minus: ideal, over: ideal, edge: edge) <= -70, "\(name)")
      let scipy = try golden.floats("\(name).resample_poly")
      #expect(Self.decibels(result, minus: scipy, over: ideal, edge: edge) <= -50, "\(name)")
      guard golden.contains("\(name).alias_input") else { continue }
      let tone = try golden.floats("\(name).alias_input")
      let left = AudioResampler.resample(tone, from: setting.from, to: setting.to)
      #expect(Self.decibels(left, over: tone, edge: edge) <= -85, "\(name)")
    }
  }

  @Test("a file of 44.1 kHz gives the log-mel of 16 kHz: within 0.5 dB where it is loud")
  func resampledSpectrograms() throws {
    var compared = 0
    for (name, file) in fixture.files {
      for setting in file.resampledMel ?? [] {
        let config = try #require(fixture.mel[setting]).config
        let audio = try Audio(contentsOf: Self.folder.appending(path: name))
        let samples = AudioResampler.resample(audio.mono, from: audio.rate, to: config.rate)
        let values = LogMel(config).spectrogram(of: samples)
        let expected = try golden.floats("\(name).resampled16k.\(setting)")
        try #require(values.count == expected.count)
        let frames = values.count / config.mels
        let loudest = try #require(expected.max())
        // In decibels ten times the values; frames near the ends and the last bands left out.
        for band in 0..<38 {
          for frame in 3...(frames - 4) {
            let place = band * frames + frame
            guard expected[place] >= loudest - 5 else { continue }
            #expect(abs(values[place] - expected[place]) <= 0.05, "\(name), \(band), \(frame)")
            compared += 1
          }
        }
      }
    }
    #expect(compared > 100)
  }
}
