import Configuration
import Foundation
import Storage
import Testing

@testable import Datasets

struct LogMelTests {
  static func config(_ change: (inout LogMelConfig) -> Void = { _ in }) -> LogMelConfig {
    var config = LogMelConfig()
    change(&config)
    return config
  }

  static func sine(_ frequency: Double, rate: Int = 16_000, seconds: Double = 1) -> Audio {
    Audio(
      rate: rate,
      samples: (0..<Int(seconds * Double(rate))).map {
        Float(0.5 * sin(2 * Double.pi * frequency * Double($0) / Double(rate)))
      })
  }

  static func medium(_ audio: Audio) -> Medium { Medium(id: "a", source: .sound(audio)) }

  /// X[k] = Σ x[n] exp(-2πi·k·n/N), as it is written.
  static func powers(_ frame: [Double]) -> [Double] {
    (0...frame.count / 2).map { k in
      var (real, imaginary) = (0.0, 0.0)
      for (n, value) in frame.enumerated() {
        let angle = -2 * Double.pi * Double(k * n) / Double(frame.count)
        real += value * cos(angle)
        imaginary += value * sin(angle)
      }
      return real * real + imaginary * imaginary
    }
  }

  @Test(
    "the fast transform equals the definition, whatever the length's factors",
    arguments: [1, 2, 3, 8, 17, 30, 49, 97, 128, 400])
  func transform(count: Int) {
    let frame: [Double] = (0..<count).map { (index: Int) -> Double in
      let wave: Double = sin(Double(index * index) * 0.7)
      return wave + 0.1 * Double(index % 5)
    }
    let scale = frame.reduce(1.0) { $0 + abs($1) }
    for (value, reference) in zip(FourierTransform(count).power(of: frame), Self.powers(frame)) {
      #expect(abs(value - reference) <= 1e-12 * scale * scale)
    }
  }

  @Test("every sound becomes one channel of mels × frames, whatever its rate, channels and length")
  func shapes() throws {
    let mel = LogMel(Self.config())
    #expect(mel.shape == InputShape(channels: 1, height: 64, width: 128))
    for audio in [
      Self.sine(440), Self.sine(440, rate: 44_100, seconds: 3), Self.sine(440, rate: 8000),
      Audio(rate: 16_000, samples: [0.5]),
      Audio(rate: 11_025, channels: 3, samples: [Float](repeating: 0.1, count: 300)),
    ] {
      let values = try mel.pixels(of: Self.medium(audio)).values
      #expect(values.count == mel.shape.count)
      #expect(values.allSatisfy { $0.isFinite })
    }
    #expect(LogMel(Self.config { $0.center = false }).shape.width == (20_480 - 512) / 160 + 1)
  }

  @Test(
    "a higher tone lies in a higher row; the picture shows the same rows; silence fills the end")
  func rows() throws {
    let mel = LogMel(Self.config())
    func loudest(_ frequency: Double) throws -> Int {
      let values = try mel.pixels(of: Self.medium(Self.sine(frequency))).values
      let picture = try mel.picture(of: Self.medium(Self.sine(frequency)))
      #expect((picture.width, picture.height) == (mel.shape.width, mel.shape.height))
      let column = (0..<64).map { values[$0 * 128 + 40] }
      let row = try #require(column.firstIndex(of: column.max() ?? 0))
      #expect(picture[x: 40, y: row].red > 240)
      // Frames past the sound hold the floor, and are black.
      #expect(values[row * 128 + 120] == -10)
      #expect(picture[x: 120, y: row].red == 0)
      return row
    }
    let found = try [200, 600, 1500, 5000].map(loudest)
    #expect(found == found.sorted(by: >) && Set(found).count == 4)
  }

  @Test("a sound of another rate gives nearly the same picture as one of the encoder's own")
  func rates() throws {
    let mel = LogMel(Self.config())
    let own = try mel.pixels(of: Self.medium(Self.sine(700))).values
    let column = (0..<64).map { $0 * 128 + 40 }
    for rate in [8000, 22_050, 44_100, 48_000] {
      let other = try mel.pixels(of: Self.medium(Self.sine(700, rate: rate))).values
      for place in column where own[place] > -2 {
        #expect(abs(other[place] - own[place]) <= 0.01, "\(rate)")
      }
    }
  }

  @Test("mean and deviation are taken from the logarithms")
  func normalization() throws {
    let sound = Self.medium(Self.sine(440))
    let raw = try LogMel(Self.config()).pixels(of: sound).values
    let scaled = try LogMel(Self.config { ($0.mean, $0.deviation) = (-4, 2) }).pixels(of: sound)
      .values
    for (value, reference) in zip(scaled, raw) { #expect(abs(value - (reference + 4) / 2) <= 1e-5) }
  }

  @Test("every setting is part of the description")
  func description() {
    let changes: [(inout LogMelConfig) -> Void] = [
      { $0.rate = 8000 }, { $0.seconds = 1 }, { $0.fft = 1024 }, { $0.window = 320 },
      { $0.hop = 200 }, { $0.center = false }, { $0.mels = 40 }, { $0.minFrequency = 20 },
      { $0.maxFrequency = 7000 }, { $0.scale = .htk }, { $0.norm = .none },
      { $0.log = .natural }, { $0.floor = 1e-8 }, { $0.mean = 1 }, { $0.deviation = 2 },
    ]
    #expect(changes.count == LogMelConfig.fields.count)
    let all = [Self.config()] + changes.map { Self.config($0) }
    #expect(Set(all.map { LogMel($0).description }).count == all.count)
  }

  @Test("settings that can't go together name the key to change")
  func problems() {
    let faults: [(String, (inout LogMelConfig) -> Void)] = [
      ("must be at most fft", { $0.window = 600 }),
      ("at most half the rate", { $0.maxFrequency = 9000 }),
      ("must be below max_frequency", { $0.minFrequency = 8000 }),
      ("raise seconds", { $0.seconds = 0.02 }),
      ("band 1 lies between", { ($0.mels, $0.fft, $0.window) = (128, 256, 256) }),
    ]
    for (words, change) in faults {
      let problems = Self.config(change).problems
      #expect(problems.count == 1)
      #expect(problems.first.map { "\($0)".contains(words) } == true, "\(problems)")
    }
    #expect(Self.config().problems.isEmpty)
  }

  @Test("an image is no sound, a sound no image: the error says which is needed")
  func kinds() {
    let image = Medium(id: "picture", source: .drawn(RGBImage(width: 1, height: 1)))
    #expect(throws: AudioError(name: "picture", problem: .image)) {
      try LogMel(Self.config()).pixels(of: image).values
    }
    #expect(throws: ImageError(name: "a", problem: .sound)) {
      try Self.medium(Self.sine(440)).image()
    }
  }
}
