import Foundation
import Reports
import Storage
import Testing
import Training

@testable import Harness

/// What a run refuses before its first update, and what its tables must not say.
@Suite("Faults that a study must not have")
struct StudyFaultTests {
  @Test("a split that leaves no training image is refused by run and plan, before any work")
  func noTrainingImage() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    for plan in [[], ["--plan"]] {
      let ending = try photos.run(["dataset.split={validation: 3, test: 3}"] + plan)
      #expect(ending.code == 65, "\(ending)")
      #expect(ending.errors.contains("no training image is left"), "\(ending)")
    }
    photos.expectNoResults()
  }

  @Test("a sequence longer than the model's positions is refused with both numbers")
  func tooLong() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let ending = try photos.run([
      "evaluation.controls=[learned_prompt]", "evaluation.learned_prompt.tokens=120",
    ])
    #expect(ending.code == 65, "\(ending)")
    #expect(
      ending.errors.contains("learned_prompt, training.stages.0: the longest sequence has")
        && ending.errors.contains("the language model has positions for 128"), "\(ending)")
    photos.expectNoResults()
  }

  @Test("a stage on questions whose data set has none is refused")
  func noQuestions() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let ending = try photos.run(["training.stages.0.data=questions"])
    #expect(ending.code == 65, "\(ending)")
    #expect(
      ending.errors.contains("data is questions, but the data set has no questions"), "\(ending)")
    photos.expectNoResults()
  }

  @Test("features that are all alike are refused before the first update")
  func constantFeatures() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let file = photos.folder.appending(path: "encoder/model.safetensors")
    let source = try SafetensorsFile(file)
    let zeros = source.names.compactMap { name in
      source.info(name).map { info in
        SafetensorsTensor(
          name: name, shape: info.shape,
          values: .made(count: info.shape.reduce(1, *)) {
            [Float](repeating: 0, count: info.shape.reduce(1, *))
          })
      }
    }
    try Safetensors.write(zeros, metadata: [:], to: file)
    let ending = try photos.run()
    #expect(ending.code == 1, "\(ending)")
    #expect(ending.output.contains("the features are constant"), "\(ending)")
  }

  @Test("pixels that change under the same captions remake the small encoder and every cell")
  func changedPixels() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeFolds(count: 10)
    let changes = [
      "~dataset.folds", "+dataset.split={validation: 2, test: 2}", "training.seeds=[0]",
      "language_model={kind: small, width: 16, layers: 1, heads: 2, epochs: 1}",
      "encoder={kind: small, width: 16, layers: 1, heads: 2, patch: 7, epochs: 1}",
    ]
    // Square, as the small encoder takes them.
    func write(_ blue: UInt8) throws {
      for number in 0..<10 {
        let shade = UInt8(20 * number)
        try RGBImage(width: 28, height: 28, red: shade, green: 255 - shade, blue: blue)
          .writePNG(to: photos.folder.appending(path: "pictures/picture-\(number).png"))
      }
    }
    func encoders() throws -> [String] {
      try FileManager.default.contentsOfDirectory(
        atPath: photos.folder.appending(path: "cache/models").path
      ).filter { $0.hasPrefix("encoder-") }
    }
    try write(90)
    let first = try photos.run(changes)
    #expect(first.code == 0, "\(first)")
    #expect(try encoders().count == 1)
    let weights = photos.folder.appending(
      path: "results/photos/mlp/seed-0/checkpoint/best.safetensors")
    let before = try Data(contentsOf: weights)
    try write(200)
    let second = try photos.run(changes)
    #expect(second.code == 0, "\(second)")
    #expect(try encoders().count == 2, "the encoder of other pixels was taken")
    #expect(try Data(contentsOf: weights) != before)
  }

  @Test("untrained rows have no epoch, rate, time or validation loss; trained and shuffled rows do")
  func untrainedRows() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run()
    for arm in summary.arms {
      let isTrained = !arm.arm.hasSuffix("(untrained)")
      #expect((arm.bestEpoch != nil) == isTrained, "\(arm.arm)")
      #expect((arm.seconds != nil) == isTrained, "\(arm.arm)")
      #expect((arm.validationLoss.best != nil) == isTrained, "\(arm.arm)")
      #expect(arm.stages.isEmpty != isTrained, "\(arm.arm)")
    }
  }

  @Test("the question is that of the file as it was when the run began")
  func question() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try Data(("# Question: Which is it?\n" + TinyExperiment.text).utf8).write(to: tiny.file)
    let experiment = try Experiment.load(tiny.file.path)
    try Data("# Question: Another?\n".utf8).write(to: tiny.file)
    let summary = try Study(
      experiment,
      options: RunOptions(
        results: tiny.results, cache: tiny.folder.appending(path: "cache"), threads: 2,
        isQuiet: true), stop: StopSignal()
    ).run()
    #expect(summary.question == "Which is it?")
  }

  @Test("visual tokens whose scale is far from the text's are said with numbers")
  func scale() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["projectors={mlp: {kind: mlp}}", "evaluation.controls=[]"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    let line = /visual tokens start with a scale of [0-9.e-]+, text embeddings have [0-9.e-]+/
    #expect(ending.errors.contains(line), "\(ending)")
  }

  @Test("how many weights train of how many is said for each stage")
  func trainable() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(tiny.arguments([StudyStageTests.two]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    for stage in ["align", "tune"] {
      #expect(
        ending.errorLines.filter {
          $0.hasPrefix("  \(stage): ") && $0.contains("parameters train")
        }.count == 4, "\(ending)")
    }
  }

  @Test("a learned prompt, which no image reaches, is trained beside an encoder that trains")
  func promptBesideEncoder() throws {
    for train in ["[projector,encoder]", "[encoder]"] {
      let tiny = try TinyExperiment()
      defer { tiny.remove() }
      let summary = try tiny.run(overrides: [
        "training.stages.0.train=\(train)", "projectors={mlp: {kind: mlp}}",
      ])
      #expect(summary.missing == nil && summary.failures == nil, "\(train)")
      let prompt = try #require(summary.arms.first { $0.arm == "learned_prompt" })
      #expect(prompt.trainableParameters == (train == "[encoder]" ? 0 : 32 * 16), "\(train)")
    }
  }
}
