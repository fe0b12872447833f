import Foundation
import Harness
import Reports
import Storage
import Testing
import Training

@Suite("dragoman run that trains the language model too")
struct RunJointTrainingTests {
  static let both = "training.stages.0.train=[projector,language_model]"

  @Test("the same bits for one and two threads, and after a stop")
  func sameBits() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "a", threads: 1, overrides: [Self.both])
    try tiny.run(results: "b", threads: 2, overrides: [Self.both])
    let program = try Program(tiny.arguments([Self.both]), in: tiny.folder)
    try program.waitForErrors(containing: "qformer, seed 0")
    program.send(SIGINT)
    let stopped = try program.ending()
    #expect([0, 75].contains(stopped.code), "\(stopped)")
    try tiny.run(overrides: [Self.both])
    #expect(try tiny.bits("a").keys.contains("mlp/seed-0/language_model/model.safetensors"))
    for other in ["b", "results"] { try tiny.expectSameBits("a", other) }
  }

  @Test("tables count both, controls keep the frozen weights, heatmaps read the trained ones")
  func results() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let frozen = try tiny.run(results: "frozen")
    let joint = try tiny.run(overrides: [Self.both])
    let weights = tiny.results.appending(
      path: "tiny/mlp/seed-0/checkpoint/language_model/model.safetensors")
    let file = try SafetensorsFile(weights)
    #expect(file.names.contains("model.embed_tokens.weight"))
    let languageModel = file.names.reduce(0) { sum, name in
      sum + (file.info(name)?.shape.reduce(1, *) ?? 0)
    }
    for (arm, other) in zip(joint.arms, frozen.arms) {
      #expect(arm.arm == other.arm)
      #expect(
        arm.trainableParameters == other.trainableParameters + languageModel, "\(arm.arm)")
    }
    let arms = ["mlp", "qformer", "perceiver"]
    for arm in arms {
      let (now, then) = (try captions(tiny, "results", arm), try captions(tiny, "frozen", arm))
      #expect(now["untrained"] == then["untrained"], "\(arm)")
    }
    #expect(
      try arms.contains {
        try captions(tiny, "results", $0)["trained"] != captions(tiny, "frozen", $0)["trained"]
      })
    let before = try attention(tiny)
    let heatmap = try Program.run(
      ["heatmap", "results/tiny", "--output", "drawn", "--cache", "cache"], in: tiny.folder)
    #expect(heatmap.code == 0, "\(heatmap)")
    for (name, data) in before {
      let again = try Data(contentsOf: tiny.folder.appending(path: "drawn").appending(path: name))
      #expect(again == data, "\(name): drawn from the checkpoint it differs")
    }
    // Without the trained weights there is nothing to draw from.
    for arm in arms {
      let file = tiny.results.appending(
        path: "tiny/\(arm)/seed-0/checkpoint/language_model/model.safetensors")
      try FileManager.default.removeItem(at: file)
    }
    let missing = try Program.run(
      ["heatmap", "results/tiny", "--output", "drawn", "--cache", "cache"], in: tiny.folder)
    #expect(missing.code == 74 || missing.code == 65, "\(missing)")
    #expect(missing.errors.contains("language_model/model.safetensors"))
  }

  @Test("a run whose trained language model is damaged is refused before any file changes")
  func damaged() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(overrides: [Self.both])
    let file = tiny.results.appending(
      path: "tiny/perceiver/seed-0/checkpoint/language_model/model.safetensors")
    try Data(contentsOf: file).dropLast(9).write(to: file)
    try FileManager.default.removeItem(at: tiny.cell("perceiver/seed-0").metrics)
    let before = try contents(tiny.results)
    let ending = try Program.run(tiny.arguments([Self.both, "--quiet"]), in: tiny.folder)
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errors.contains(file.path) && ending.errors.contains("--fresh"))
    #expect(try contents(tiny.results) == before)
  }

  /// Captions of the test images by row.
  private func captions(_ tiny: TinyExperiment, _ results: String, _ arm: String) throws
    -> [String: [String]]
  {
    try tiny.answers("\(arm)/seed-0", results).reduce(into: [:]) { rows, record in
      for (row, text) in record.captions { rows[row, default: []].append(text) }
    }
  }

  private func attention(_ tiny: TinyExperiment) throws -> [String: Data] {
    let figures = tiny.results.appending(path: "tiny/figures")
    return try contents(figures).filter { name, _ in
      (name.split(separator: "/").last ?? "").hasPrefix("attention-")
    }.reduce(into: [:]) { found, file in
      found[String(file.key.split(separator: "/").last ?? "")] = file.value
    }
  }
}
