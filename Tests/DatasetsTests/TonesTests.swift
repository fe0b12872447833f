import Foundation
import Storage
import Tensors
import Testing

@testable import Datasets

struct TonesTests {
  static func tones(_ change: (inout TonesConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = TonesConfig()
    (config.train, config.validation, config.test) = (40, 4, 8)
    change(&config)
    return try #require(config.read().first)
  }

  /// Frequency of a stretch by its rising zero crossings.
  static func frequency(_ samples: ArraySlice<Float>, rate: Int) -> Double {
    let crossings = samples.indices.dropFirst().filter { samples[$0 - 1] < 0 && samples[$0] >= 0 }
    guard let first = crossings.first, let last = crossings.last, last > first else { return 0 }
    return Double(crossings.count - 1) * Double(rate) / Double(last - first)
  }

  @Test("a sound has a caption and three questions, whose answers are the caption's words")
  func examples() throws {
    let set = try Self.tones()
    #expect(set.examples(.train, .captions).count == 40)
    #expect(set.examples(.test, .questions).count == 24)
    #expect(set.media.count == 52 && set.media.allSatisfy { $0.kind == .sound })
    for caption in set.examples(.train, .captions) {
      let words = try #require(caption.exchanges.first?.answers.first).split(separator: " ")
      #expect(words.count == 5 && words.first == "a" && words.last == "tone")
      let own = set.train.filter { $0.media == caption.media && $0.id != caption.id }
      #expect(own.compactMap { $0.exchanges[0].kind } == ["loudness", "pitch", "direction"])
      #expect(
        own.flatMap { $0.exchanges[0].answers } == words.dropFirst().dropLast().map(String.init))
    }
    let words = Set(
      set.examples(.train, .questions).flatMap { $0.exchanges[0].answers })
    #expect(words == Set(ToneAttribute.allCases.flatMap(\.words)))
  }

  @Test("the sound is what its caption says: pitch, direction and loudness are measured")
  func sounds() throws {
    let set = try Self.tones { $0.noise = 0 }
    let ranges = ["low": 200.0...260, "middle": 500...650, "high": 1250...1600]
    for example in set.examples(.train, .captions) {
      let words = example.exchanges[0].answers[0].split(separator: " ").map(String.init)
      let audio = try example.media[0].audio()
      #expect((audio.rate, audio.channels, audio.frames) == (16_000, 1, 16_000))
      let loudest = audio.samples.map(abs).max() ?? 0
      #expect((words[1] == "loud" ? 0.39...0.8 : 0.038...0.08).contains(Double(loudest)))
      let sounding = audio.samples.indices.filter { abs(audio.samples[$0]) > 0.3 * loudest }
      let (first, last) = (try #require(sounding.first), try #require(sounding.last))
      let length = Double(last - first) / 16_000
      #expect((0.66...1.0).contains(length))
      func part(_ range: Range<Double>) -> ArraySlice<Float> {
        let count = Double(last - first)
        return audio.samples[
          first + Int(range.lowerBound * count)..<first + Int(range.upperBound * count)]
      }
      let middle = Self.frequency(part(0.45..<0.55), rate: 16_000)
      let range = try #require(ranges[words[2]])
      #expect((range.lowerBound * 0.96...range.upperBound * 1.04).contains(middle), "\(words)")
      // From 5 to 95 % of the tone: 0.9 · 2/3 of an octave.
      let change = log2(
        Self.frequency(part(0.9..<1), rate: 16_000) / Self.frequency(part(0..<0.1), rate: 16_000))
      let expected = ["rising": 0.6, "steady": 0, "falling": -0.6]
      #expect(abs(change - (try #require(expected[words[3]]))) < 0.1, "\(words) \(change)")
    }
  }

  @Test("samples are those of a 16-bit file; a written file gives the same sound")
  func files() throws {
    let audio = try Self.tones().media[0].audio()
    #expect(audio.samples.allSatisfy { ($0 * 32_768).rounded() == $0 * 32_768 && abs($0) <= 1 })
    try inTemporaryFolder { root in
      let url = root.appending(path: "tone.wav")
      try audio.writeWAV(to: url)
      #expect(try Medium(id: "a", source: .soundFile(url)).audio() == audio)
    }
  }

  @Test("a sound depends on seed, part and number only; no two sounds are equal")
  func determinism() throws {
    let few = try Self.tones { ($0.train, $0.test, $0.seed) = (5, 3, 4) }
    let many = try Self.tones { ($0.train, $0.test, $0.seed) = (9, 6, 4) }
    #expect(Array(many.train.prefix(few.train.count)) == few.train)
    #expect(Array(many.test.prefix(few.test.count)) == few.test)
    #expect(try Self.tones { ($0.train, $0.seed) = (5, 5) }.train != few.train)
    let digests = try many.media.map { try $0.digest() }
    #expect(Set(digests).count == digests.count)
  }

  @Test("a digest tells rate, channels and samples apart")
  func digests() throws {
    let sounds = [
      Audio(rate: 8000, samples: [0, 1]), Audio(rate: 8001, samples: [0, 1]),
      Audio(rate: 8000, channels: 2, samples: [0, 1]), Audio(rate: 8000, samples: [1, 0]),
    ]
    let digests = try sounds.map { try Medium(id: "a", source: .sound($0)).digest() }
    #expect(Set(digests).count == 4)
  }
}
