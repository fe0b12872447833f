import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

/// Folders of sounds; `Fixtures/sounds` was written by Python's `wave`.
struct AudioFolderTests {
  static func config(_ root: URL, _ change: (inout AudioFolderConfig) -> Void = { _ in })
    -> AudioFolderConfig
  {
    var config = AudioFolderConfig()
    config.root = ConfigPath(written: root.path, path: root.path)
    config.split = SplitConfig(train: nil, validation: 1, test: 1, seed: 0)
    change(&config)
    return config
  }

  @Test("files of any rate, depth and channel count go through to the encoder's input")
  func wholeWay() throws {
    let set = try #require(try Self.config(Fixtures.folder("sounds")).read().first)
    #expect((set.train.count, set.validation.count, set.test.count) == (4, 1, 1))
    #expect(set.notes.isEmpty)
    let mel = LogMel(LogMelConfig())
    var rates: Set<Int> = []
    for example in set.examples {
      let medium = example.media[0]
      #expect(medium.kind == .sound)
      let audio = try medium.audio()
      rates.insert(audio.rate)
      #expect(abs(audio.seconds - 0.4) < 0.001)
      let values = try mel.pixels(of: medium).values
      // The caption's pitch is where the spectrogram is loudest, in the middle of the tone.
      let column = (0..<64).map { values[$0 * 128 + 20] }
      let row = try #require(column.firstIndex(of: column.max() ?? 0))
      let caption = example.exchanges[0].answers[0]
      let pitch = row > 57 ? "low" : row > 45 ? "middle" : "high"
      #expect(caption.contains(pitch), "\(medium.id): row \(row), \(caption)")
    }
    #expect(rates == [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
  }

  @Test("sidecar files serve as captions, and other kinds of sound are counted and named")
  func sidecars() throws {
    try inTemporaryFolder { root in
      for name in ["a.wav", "b.flac", "c.wav"] {
        try Audio(rate: 8000, samples: [0, 0.5]).writeWAV(to: root.appending(path: name))
        let text = root.appending(path: name).deletingPathExtension().appendingPathExtension("txt")
        try Data("sound \(name)\n".utf8).write(to: text)
      }
      try Data().write(to: root.appending(path: "d.mp3"))
      let set = try #require(try Self.config(root).read().first)
      #expect(Set(set.examples.flatMap { $0.exchanges[0].answers }).count == 3)
      #expect(
        set.notes == [
          "1 file is left out: sounds of a kind that is not read, only WAV and FLAC are (d.mp3)."
        ])
    }
  }

  @Test("faults speak of sounds: none there, too few, a file that is missing")
  func faults() throws {
    try inTemporaryFolder { root in
      func message(_ change: (inout AudioFolderConfig) -> Void = { _ in }) -> String {
        do {
          _ = try Self.config(root, change).read()
          return "no error"
        } catch {
          return error.description
        }
      }
      #expect(message().contains("the folder holds no WAV or FLAC sound"))
      try Data("file_name,text\nx.wav,a\ny.wav,b\nz.wav,c\n".utf8).write(
        to: root.appending(path: "metadata.csv"))
      #expect(message().contains("the sound "))
      #expect(
        message { $0.split = SplitConfig(train: 9, validation: 1, test: 1) }.contains("11 sounds"))
    }
  }
}
