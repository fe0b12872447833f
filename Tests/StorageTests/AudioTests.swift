import Foundation
import TestSupport
import Testing

@testable import Storage

/// Sound files against soundfile (libsndfile 1.2.2 from Python): `Fixtures/logmel`; and files that are none.
@Suite struct AudioTests {
  private static let folder = Fixtures.folder("logmel")

  private static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: name)))
  }

  private static func put(_ value: UInt32, at offset: Int, in bytes: inout [UInt8]) {
    for place in 0..<4 { bytes[offset + place] = UInt8(truncatingIfNeeded: value >> (8 * place)) }
  }

  /// Offset of the `data` chunk's letters.
  private static func dataChunk(_ bytes: [UInt8]) throws -> Int {
    let letters = Array("data".utf8)
    return try #require((12..<bytes.count).first { bytes[$0...].starts(with: letters) })
  }

  struct Files: Decodable {
    struct File: Decodable {
      let samplingRate: Int
      let channels: Int
      let frames: Int
    }
    let files: [String: File]
  }

  @Test("samples of 8, 16, 24 and 32 bits, floats and FLAC are those of the reference")
  func samples() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let config = try decoder.decode(
      Files.self, from: Data(contentsOf: Self.folder.appending(path: "config.json")))
    let golden = try SafetensorsFile(Self.folder.appending(path: "io.safetensors"))
    #expect(config.files.count == 8)
    for (name, file) in config.files {
      let audio = try Audio(contentsOf: Self.folder.appending(path: name))
      #expect(audio.rate == file.samplingRate, "\(name)")
      #expect((audio.channels, audio.frames) == (file.channels, file.frames), "\(name)")
      let expected = try golden.floats("\(name).samples")
      try #require(audio.samples.count == expected.count)
      for (value, reference) in zip(audio.samples, expected) {
        #expect(abs(value - reference) <= 1e-6, "\(name)")
      }
      // In memory as from the file.
      #expect(try Audio(decoding: Self.bytes(name), name: name) == audio)
    }
  }

  @Test("the channels' mean is one channel")
  func mono() throws {
    let audio = Audio(rate: 8000, channels: 2, samples: [0.5, -1, 0.25, 0, 1, 0.75])
    #expect(audio.mono == [0.25, 0, 0.5])
    #expect(Audio(rate: 8000, samples: [0.5, -1]).mono == [0.5, -1])
  }

  @Test("a sound that is written is read back bit for bit")
  func writing() throws {
    let folder = try TemporaryFolder()
    let audio = Audio(rate: 22_050, channels: 2, samples: [0.1, -1.5, 1e-9, 0.3, 0, 1])
    let url = folder.file("a.wav")
    try audio.writeWAV(to: url)
    #expect(try Audio(contentsOf: url) == audio)
  }

  @Test("absent, empty and foreign files are named")
  func foreign() throws {
    let folder = try TemporaryFolder()
    let absent = folder.file("absent.wav")
    #expect(
      message { try Audio(contentsOf: absent) }
        == "Cannot read the sound \(absent.path): No such file or directory.")
    let empty = try folder.write([UInt8](), "empty.wav")
    #expect(
      message { try Audio(contentsOf: empty) } == "The sound \(empty.path) is empty (0 bytes).")
    #expect(
      message { try Audio(decoding: Array("OggS....".utf8), name: "x.ogg") }
        == "The sound x.ogg is neither WAV nor FLAC: it starts with 4F 67 67 53. "
        + "Convert it to WAV or FLAC.")
    #expect(
      message { try Audio(decoding: Array("RIFF1234".utf8), name: "x.wav") }.contains("neither WAV")
    )
  }

  @Test("a WAV that says it is longer or shorter than it is is told so")
  func lengths() throws {
    let whole = try Self.bytes("b.wav")
    let data = try Self.dataChunk(whole)
    let size = whole.count - data - 8
    func problem(_ change: (inout [UInt8]) -> Void) -> String {
      var bytes = whole
      change(&bytes)
      return message { try Audio(decoding: bytes, name: "b.wav") }
    }
    let lies: [(String, (inout [UInt8]) -> Void)] = [
      ("header says \(whole.count) bytes", { $0.removeLast(1000) }),
      ("header says \(whole.count) bytes", { $0 += [UInt8](repeating: 0, count: 500) }),
      ("header says \(8 + 5000) bytes", { Self.put(5000, at: 4, in: &$0) }),
      // What programs that write to a pipe leave.
      ("header says 4294967303 bytes", { Self.put(.max, at: 4, in: &$0) }),
      ("data chunk says \(size + 2) bytes", { Self.put(UInt32(size + 2), at: data + 4, in: &$0) }),
      ("data chunk says 4294967295 bytes", { Self.put(.max, at: data + 4, in: &$0) }),
      ("data chunk says 0 bytes", { Self.put(0, at: data + 4, in: &$0) }),
      ("data chunk says 3000 bytes", { Self.put(3000, at: data + 4, in: &$0) }),
    ]
    for (words, change) in lies {
      let text = problem(change)
      #expect(text.contains("lies about its length") && text.contains(words), "\(text)")
    }
  }

  @Test("chunks after the data, and a chunk of odd size without its padding, are no lie")
  func chunks() throws {
    let whole = try Self.bytes("b.wav")
    let audio = try Audio(decoding: whole, name: "b.wav")
    for list in ["LIST\u{4}\0\0\0INFO", "note\u{1}\0\0\0x", "note\u{1}\0\0\0x\0"] {
      var bytes = whole + Array(list.utf8)
      Self.put(UInt32(bytes.count - 8), at: 4, in: &bytes)
      #expect(try Audio(decoding: bytes, name: "b.wav") == audio, "\(list)")
    }
  }

  @Test("a sound without samples, and samples that are no numbers, are refused")
  func values() throws {
    var empty = Array(try Self.bytes("b.wav").prefix(44))
    Self.put(36, at: 4, in: &empty)
    Self.put(0, at: 40, in: &empty)
    #expect(
      message { try Audio(decoding: empty, name: "e.wav") }
        == "The sound e.wav has 0 samples. Record it again or leave it out.")
    for (value, word) in [(Float.nan, "nan"), (Float.infinity, "inf")] {
      let data = Audio(rate: 8000, channels: 2, samples: [0, 0, 1, 0, value, 0]).wavData()
      #expect(
        message { try Audio(decoding: Array(data), name: "n.wav") }
          == "The sound n.wav holds \(word) at sample 1: samples must be finite numbers. "
          + "Convert it again or leave it out.")
    }
  }

  @Test("a rate or a length beyond what is read is refused before memory is taken")
  func bounds() throws {
    var slow = try Self.bytes("b.wav")
    Self.put(7, at: 24, in: &slow)
    #expect(
      message { try Audio(decoding: slow, name: "s.wav") }.contains("has 7 samples a second"))
    // FLAC's STREAMINFO holds 36 bits of total samples at bytes 21...25.
    var long = try Self.bytes("h.flac")
    long[21] |= 0x0F
    #expect(message { try Audio(decoding: long, name: "l.flac") }.contains("claims "))
    var longer = try Self.bytes("h.flac")
    longer[24] &+= 8
    #expect(
      message { try Audio(decoding: longer, name: "l.flac") }.contains("lies about its length"))
  }

  @Test("every truncation is an error", arguments: ["a.wav", "c.wav", "h.flac"])
  func truncation(_ name: String) throws {
    let whole = try Self.bytes(name)
    for count in stride(from: 4, to: whole.count - 1, by: max(1, whole.count / 150)) {
      #expect(throws: AudioError.self, "\(name) cut to \(count) of \(whole.count) bytes") {
        try Audio(decoding: Array(whole.prefix(count)), name: name)
      }
    }
  }

  @Test("damaged input never crashes", arguments: ["a.wav", "e.wav", "h.flac"])
  func damage(_ name: String) throws {
    var random = SeededGenerator(seed: 7)
    let whole = try Self.bytes(name)
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<3 {
        // Half of the changes hit the header.
        let range = Bool.random(using: &random) ? 0..<60 : 0..<bytes.count
        bytes[Int.random(in: range, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if let audio = try? Audio(decoding: bytes, name: name) {
        #expect(audio.samples.allSatisfy(\.isFinite) && audio.frames > 0)
      }
    }
  }

  private func message(_ body: () throws -> Audio) -> String {
    do {
      _ = try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }
}
