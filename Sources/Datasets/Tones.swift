import Configuration
import Foundation
import Storage
import Tensors

/// Settings of `kind: tones`: sounds of one tone, made by the program, with a caption and questions on pitch,
/// direction and loudness.
///
/// A tone has a pitch (low 200–260 Hz, middle 500–650 Hz, high 1250–1600 Hz in its middle), rises or falls by
/// two thirds of an octave or is steady, and is soft (amplitude 0.04–0.08) or loud (0.4–0.8); it
/// lasts 70 to 100 % of the sound, begins anywhere and fades in and out over 10 ms; normal noise lies under
/// all. Its caption is "a loud high rising tone"; three further examples of the same sound ask for each
/// attribute. Every combination of the three comes equally often. All of it depends on the seed, the sound's part and its number only. Samples are those of a
/// 16-bit file. Source: SYSTEMS.md S5, audio.
public struct TonesConfig: DrawnSettings {
  /// Samples a second.
  public var rate = 16_000
  public var seconds = 1.0
  /// Standard deviation, where 1 is the loudest sample.
  public var noise = 0.002
  public var train = 600
  public var validation = 60
  public var test = 120
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .integer("rate", \.rate, .range(4000...96_000), "Samples a second."),
      .number("seconds", \.seconds, .range(0.1...10), "Length of a sound."),
      .number(
        "noise", \.noise, .range(0...1), "Standard deviation, where 1 is the loudest sample."),
    ] + partFields

  static let name = "tones"
  var words: String { "made-up tones, form 1, \(rate) Hz, \(seconds) s, noise \(noise)" }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test sounds; a caption and "
      + "\(ToneAttribute.allCases.count) questions each"
  }

  func examples(_ part: ExampleSet.Part, _ index: Int, lots: RandomKey) -> [Example] {
    let key = lots.numbered(index)
    let tone = Tone(
      combination: lots.balanced(index, of: Tone.combinations), key: key.named("tone"))
    let medium = Medium(
      id: part.id("tone", index),
      source: .sound(tone.sound(rate: rate, seconds: seconds, noise: noise, key.named("noise"))))
    let caption = Example(
      id: medium.id, media: [medium], exchanges: [Exchange(answers: [tone.caption])])
    return [caption]
      + ToneAttribute.allCases.map { attribute in
        Example(
          id: Identifier("\(medium.id) \(attribute.rawValue)"), media: [medium],
          exchanges: [
            Exchange(
              question: attribute.question, answers: [tone.word(attribute)],
              kind: attribute.rawValue)
          ])
      }
  }
}

/// What differs from tone to tone: the kinds of the questions.
public enum ToneAttribute: String, CaseIterable, Sendable {
  case loudness, pitch, direction

  public var question: String {
    switch self {
    case .loudness: "how loud is it ?"
    case .pitch: "how high is it ?"
    case .direction: "where does it go ?"
    }
  }

  /// Its words, one of which stands in every caption.
  public var words: [String] {
    switch self {
    case .loudness: ["soft", "loud"]
    case .pitch: ["low", "middle", "high"]
    case .direction: ["falling", "steady", "rising"]
    }
  }
}

/// One tone.
struct Tone {
  /// Of each attribute, the place of its word.
  private let choice: [ToneAttribute: Int]
  /// Frequency in the middle of the tone, in Hz.
  let frequency: Double
  /// Octaves from beginning to end.
  let octaves: Double
  let amplitude: Double
  /// Of the sound's length.
  private let start: Double
  private let length: Double
  /// In turns.
  private let phase: Double

  /// How many tones differ in some attribute.
  static let combinations = ToneAttribute.allCases.reduce(1) { $0 * $1.words.count }

  /// - Parameters:
  ///   - combination: below ``combinations``; which words describe it.
  ///   - key: of all else.
  init(combination: Int, key: RandomKey) {
    var lots = key.stream
    var choice: [ToneAttribute: Int] = [:]
    var rest = combination
    for attribute in ToneAttribute.allCases {
      choice[attribute] = rest % attribute.words.count
      rest /= attribute.words.count
    }
    self.choice = choice
    func between(_ low: Double, _ high: Double) -> Double {
      low * pow(high / low, Double(lots.uniform()))
    }
    frequency = [{ between(200, 260) }, { between(500, 650) }, { between(1250, 1600) }][
      choice[.pitch, default: 0]]()
    octaves = Double(choice[.direction, default: 0] - 1) * 2 / 3
    amplitude = choice[.loudness] == 0 ? between(0.04, 0.08) : between(0.4, 0.8)
    length = 0.7 + 0.3 * Double(lots.uniform())
    start = (1 - length) * Double(lots.uniform())
    phase = Double(lots.uniform())
  }

  func word(_ attribute: ToneAttribute) -> String {
    attribute.words[choice[attribute, default: 0]]
  }

  var caption: String {
    "a \(word(.loudness)) \(word(.pitch)) \(word(.direction)) tone"
  }

  /// - Parameter key: of the noise.
  func sound(rate: Int, seconds: Double, noise: Double, _ key: RandomKey) -> Audio {
    let count = Int((seconds * Double(rate)).rounded())
    var samples = [Float](repeating: 0, count: count)
    samples.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: key, deviation: Float(noise))
    }
    let duration = length * seconds
    for index in samples.indices {
      let time = Double(index) / Double(rate) - start * seconds
      if (0...duration).contains(time) {
        let fade = min(1, min(time, duration - time) / 0.01)
        let envelope = 0.5 - 0.5 * cos(Double.pi * fade)
        samples[index] += Float(
          amplitude * envelope * sin(2 * Double.pi * (phase + turns(at: time, of: duration))))
      }
    }
    // As a 16-bit file has them: the last bits of sines differ from machine to machine.
    return Audio(
      rate: rate,
      samples: samples.map { max(-32_768, min(32_767, ($0 * 32_768).rounded())) / 32_768 })
  }

  /// The integral of the frequency, which doubles every duration / octaves.
  private func turns(at time: Double, of duration: Double) -> Double {
    guard octaves != 0 else { return frequency * time }
    let growth = octaves * log(2) / duration
    return frequency * exp2(-octaves / 2) * (exp(growth * time) - 1) / growth
  }
}
