import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Harness

@Suite("dragoman run --plan")
struct RunPlanTests {
  /// An experiment over a few drawn pictures with models that are configurations only.
  private static func text(
    encoder: String, languageModel: String, projectors: String, stage: String
  ) -> String {
    """
    experiment: planned
    dataset: {kind: scenes, image_size: 32, train: 8, validation: 2, test: 4}
    encoder: {kind: \(encoder), weights: random}
    language_model: {kind: \(languageModel), weights: random}
    projectors: {\(projectors)}
    training:
      stages: [{\(stage)}]
      lanes: 2
    evaluation: {decode: {max_new_tokens: 6}, controls: []}
    """
  }

  /// - Parameter models: writes model folders.
  private func plan(
    _ text: String, calibrates: Bool = false, models: (ConfigFolder) throws -> Void
  ) throws -> RunPlan {
    let folder = try ConfigFolder()
    defer { folder.remove() }
    try models(folder)
    for model in ["llama", "qwen2"] {
      let target = folder.root.appending(path: model)
      guard FileManager.default.fileExists(atPath: target.path) else { continue }
      for name in ["tokenizer.json", "tokenizer_config.json"] {
        try? FileManager.default.copyItem(
          at: Fixtures.folder("tokenizer/smollm2").appending(path: name),
          to: target.appending(path: name))
      }
    }
    let file = try folder.write(text, to: "planned.yaml")
    let options = RunOptions(
      results: folder.root.appending(path: "results"), cache: folder.root.appending(path: "cache"),
      threads: 2, isQuiet: true)
    let experiment = try Experiment.load(file.path(percentEncoded: false))
    let plan = try RunPlanner(
      experiment.points[0], name: experiment.config.experiment, options: options
    ).plan(calibrates: calibrates)
    for name in ["results", "cache"] {
      #expect(!FileManager.default.fileExists(atPath: folder.path(name)), "a plan writes nothing")
    }
    return plan
  }

  @Test("a captioner of ViT-Large and SmolLM-360M has the published numbers of parameters")
  func systemFour() throws {
    let plan = try plan(
      Self.text(
        encoder: "vit, model: vit, class_token: true", languageModel: "llama, model: llama",
        projectors: "mlp: {kind: mlp, layer_norm: true}",
        stage: "train: [projector, language_model], captions: random, batch_size: 4, epochs: 6")
    ) {
      try $0.addEncoder("vit", ConfigFolder.vitLarge, side: 224)
      try $0.addLanguageModel("llama", ConfigFolder.smolLM360M)
    }
    let arm = plan.arms[0]
    #expect(arm.projectorParameters == 1_908_480)
    #expect(arm.trainableParameters == 363_729_600)
    #expect(arm.totalParameters == 668_080_832, "the ViT's unused pooler counted")
    #expect(arm.visualTokens == 197 && arm.updates == 12)
    #expect(plan.features.bytesOnDisk == 14 * 197 * 1024 * 4)
    #expect(arm.memory.gradients == 4 * 363_729_600 && arm.memory.optimizer == 8 * 363_729_600)
    #expect(plan.total == nil && plan.steps.isEmpty)
  }

  @Test("three projectors between SigLIP and Qwen2.5 have their tokens and parameters")
  func systemThree() throws {
    let plan = try plan(
      Self.text(
        encoder: "siglip, model: siglip", languageModel: "qwen2, model: qwen2",
        projectors: "mlp: {kind: mlp}, qformer: {kind: qformer, layers: 12, queries: 32}, "
          + "perceiver: {kind: perceiver, layers: 2, latents: 64}", stage: "epochs: 1")
    ) {
      try $0.addEncoder("siglip", ConfigFolder.siglipBase, side: 224)
      try $0.addLanguageModel("qwen2", ConfigFolder.qwen05B)
    }
    #expect(plan.arms.map(\.visualTokens) == [196, 32, 64])
    #expect(plan.languageModel.parameters == 494_032_768)
    // With its head: 92,884,224 of SiglipVisionModel.
    #expect(plan.encoder?.parameters == 92_884_224)
    #expect(plan.arms[0].projectorParameters == 768 * 896 + 896 + 896 * 896 + 896)
    #expect(plan.arms.allSatisfy { $0.trainableParameters == $0.projectorParameters })
    // Fewer tokens, less work.
    #expect(plan.arms[1].flopsPerSample < plan.arms[2].flopsPerSample)
    #expect(plan.arms[2].flopsPerSample < plan.arms[0].flopsPerSample)
    // Forward through 24 layers for 196 rows and more: two a weight and row at least.
    #expect(plan.arms[0].flopsPerSample > 2 * 196 * 358e6 * 0.95)
  }

  @Test("what a plan says of an arm is what its run says")
  func sameAsTheRun() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let options = RunOptions(
      results: tiny.results, cache: tiny.folder.appending(path: "plan-cache"), threads: 2,
      isQuiet: true)
    let experiment = try Experiment.load(tiny.file.path)
    let planned = try RunPlanner(
      experiment.points[0], name: experiment.config.experiment, options: options
    ).plan()
    let summary = try tiny.run()
    for arm in planned.arms {
      let run = try #require(summary.arms.first { $0.arm == arm.arm })
      #expect(run.visualTokens == arm.visualTokens, "\(arm.arm)")
      #expect(run.trainableParameters == arm.trainableParameters, "\(arm.arm)")
      #expect(run.flopsPerSample == arm.flopsPerSample, "\(arm.arm)")
      // 20 images in batches of 8, twice.
      #expect(arm.updates == 6 && arm.flops > arm.flopsPerUpdate * 6)
      #expect((arm.memory.activations ?? 0) > 0)
    }
    #expect(
      planned.steps.map(\.step) == [
        "training the small language model", "training the small encoder", "encoding",
        "training mlp", "captions of mlp", "training qformer", "captions of qformer",
        "training perceiver", "captions of perceiver", "training learned_prompt",
        "captions of learned_prompt",
      ])
    #expect(planned.steps.allSatisfy { $0.cost.seconds > 0 && $0.cost.processorSeconds > 0 })
    #expect(planned.text.contains("Expected time, 2 threads"))
  }

  @Test("encoding, training and captions are timed for models from folders")
  func calibration() throws {
    let plan = try plan(
      Self.text(
        encoder: "vit, model: vit", languageModel: "llama, model: llama",
        projectors: "mlp: {kind: mlp}", stage: "train: [projector, language_model], batch_size: 4"),
      calibrates: true
    ) {
      try $0.addEncoder("vit")
      try $0.addLanguageModel(
        "llama",
        ConfigFolder.tinyLlama.replacing("\"vocab_size\": 50", with: "\"vocab_size\": 49152"))
    }
    #expect(plan.steps.map(\.step) == ["encoding", "training mlp", "captions of mlp"])
    #expect(plan.steps.allSatisfy { $0.cost.seconds > 0 })
    let total = try #require(plan.total)
    #expect(abs(total.seconds - plan.steps.reduce(0) { $0 + $1.cost.seconds }) < 1e-9)
    #expect(plan.peakMemoryBytes >= plan.arms[0].memory.total)
  }

  @Test("the program prints a plan as JSON and starts no run")
  func program() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["--plan", "--json", "--threads", "1"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    let plan = try JSONValue(parsing: ending.output)[0]
    #expect(plan?["arms"]?[0]?["visual_tokens"]?.int == 16)
    #expect(!FileManager.default.fileExists(atPath: tiny.results.path))
    let wrong = try Program.run(tiny.arguments(["--json"]), in: tiny.folder)
    #expect(wrong.code == 64 && wrong.errors.contains("--json goes with --plan"))
  }

  @Test("each point of a sweep has a plan, named by what is swept")
  func sweep() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments([
        "--plan", "--json", "--threads", "1", "projectors.qformer.queries=2,5", "~projectors.mlp",
      ]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    let plans = try #require(try JSONValue(parsing: ending.output).array)
    #expect(
      plans.map { $0["experiment"]?.string } == [
        "tiny (projectors.qformer.queries=2)", "tiny (projectors.qformer.queries=5)",
      ])
    #expect(plans.map { $0["arms"]?[0]?["visual_tokens"]?.int } == [2, 5])
  }

  @Test("data that are not there are an error in one line")
  func noData() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["--plan", "dataset={kind: flickr8k, root: nowhere}"]), in: tiny.folder)
    #expect(ending.code == 65 && ending.errorLines.count == 1, "\(ending)")
    #expect(ending.errors.contains("nowhere"))
  }
}
