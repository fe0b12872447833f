import Configuration
import Datasets
import Encoders
import Foundation
import Layers
import Storage
import Tensors
import Testing
import Training

@testable import Harness

/// Runs on sounds, and on images that are changed at random.
@Suite("Sounds and augmentation in a study")
struct StudySoundTests {
  static let sounds = [
    "dataset={kind: tones, rate: 8000, seconds: 0.5, train: 18, validation: 4, test: 4}",
    "encoder.sound={rate: 8000, fft: 256, window: 256, hop: 125, mels: 32, seconds: 0.512}",
    "projectors={mlp: {kind: mlp}}", "evaluation.controls=[shuffled]",
  ]

  @Test("sounds go the whole way: spectrograms, encoder, captions, figures on the spectrogram")
  func sounds() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: Self.sounds)
    #expect(summary.arms.contains { $0.arm == "mlp" })
    #expect(summary.arms.first { $0.arm == "mlp" }?.visualTokens == 16)
    let answers = try tiny.answers("mlp/seed-0")
    #expect(answers.count == 4 && answers.allSatisfy { $0.references[0].hasSuffix("tone") })
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: tiny.results.appending(path: "tiny/figures").path)
    #expect(figures.contains { $0.contains("captions") }, "\(figures)")
  }

  @Test("a question on the setting says what is wrong with a sound")
  func soundFaults() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    for (changes, words) in [
      (["encoder.sound.mels=30"], "must divide the 30 mels"),
      (
        ["training.features=live", "training.stages.0.augmentation={hue: 0.1}"],
        "is a sound; take it out"
      ),
    ] {
      do {
        try tiny.run(overrides: Self.sounds + changes)
        Issue.record("no error for \(changes)")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
    }
  }

  static let augmented = [
    "training.stages.0.augmentation={brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, rotation: 20}",
    "projectors={mlp: {kind: mlp}}", "evaluation.controls=[]",
  ]

  @Test(
    "augmentation changes what is learned, gives the same bits on two threads, and is refused with stored features"
  )
  func augmentation() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let live = Self.augmented + ["training.features=live"]
    try tiny.run(results: "a", threads: 1, overrides: live)
    try tiny.run(results: "b", threads: 2, overrides: live)
    try tiny.expectSameBits("a", "b", cells: ["mlp/seed-0"])
    try tiny.run(results: "plain", overrides: Array(live.dropFirst()))
    #expect(
      try Data(contentsOf: tiny.cell("mlp/seed-0", "a").weights)
        != Data(contentsOf: tiny.cell("mlp/seed-0", "plain").weights))
    #expect(try tiny.text("comparison.md", "a").contains("changed at random"))
    do {
      try tiny.run(results: "stored", overrides: Self.augmented)
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("features are computed once"), "\(error)")
    }
  }

  @Test("patches change in training, by update and by medium, and never where answers are given")
  func changes() throws {
    var config = SmallEncoderConfig()
    (config.width, config.heads, config.layers, config.patch) = (8, 1, 0, 8)
    let media = (0..<2).map { index in
      Medium(
        id: Identifier("\(index)"),
        source: .drawn(RGBImage(width: 16, height: 16, red: 200, green: 90, blue: 40)))
    }
    let processor = try config.processor(for: media, executor: LaneExecutor(threads: 1))
    let encoder = try SmallEncoder(
      config, input: processor.shape,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    let side = EncoderSide(
      model: encoder, processor: processor, layer: .last, classToken: false, precision: .float32,
      name: "", description: nil, isMadeByTheRun: false)
    let plain = EncodedPatches(encoder: encoder, side: side, media: media) { _ in side.grid }
    var augmentation = Augmentation()
    augmentation.brightness = 0.5
    augmentation.hue = 0.3
    let augmented = plain.augmented(augmentation)
    let source = try #require(augmented)
    func values(_ source: any PatchSource, _ medium: Int, _ mode: Mode, _ seed: UInt64) throws
      -> [Float]
    {
      let tape = Tape(recordsGradients: false)
      return tape.values(
        try source.patches(
          of: [medium], in: Context(tape: tape, mode: mode, random: RandomKey(seed: seed))
        ).tensor)
    }
    let still = try values(plain, 0, .training, 1)
    #expect(try values(source, 0, .evaluation, 1) == still)
    let first = try values(source, 0, .training, 1)
    #expect(first != still)
    #expect(try values(source, 0, .training, 1) == first)
    #expect(try values(source, 0, .training, 2) != first)
    #expect(try values(source, 1, .training, 1) != first, "two equal pictures of one update")
  }
}
