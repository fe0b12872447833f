import Foundation
import Layers
import Storage
import Tensors
import Testing
import Training

@Suite("Stage trainer")
struct StageTrainerTests {
  @Test("all arms see the same batches in the same order, each image once an epoch")
  func batches() throws {
    var seen: [[[Int]]] = []
    for kind in [TinyTraining.mlp, TinyTraining.linear] {
      let tiny = try TinyTraining(kind)
      defer { tiny.remove() }
      let recorder = Recorder(tiny.objective())
      _ = try tiny.train(recorder)
      seen.append(recorder.batches)
    }
    #expect(seen[0] == seen[1])
    #expect(seen[0].map(\.count) == [4, 4, 2, 4, 4, 2, 4, 4, 2])
    let epochs = stride(from: 0, to: 9, by: 3).map { Array(seen[0][$0..<$0 + 3].joined()) }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<10)) }
    #expect(Set(epochs).count == 3, "an order of its own each epoch")
  }

  @Test("captions: random draws anew each epoch, the same for every arm")
  func randomCaptions() throws {
    var drawn: [[[Int: Int]]] = []
    for kind in [TinyTraining.mlp, TinyTraining.linear] {
      let tiny = try TinyTraining(kind)
      defer { tiny.remove() }
      let recorder = Recorder(tiny.objective(choice: .random))
      _ = try tiny.train(recorder)
      let pairs = zip(recorder.batches, recorder.units).map { Array(zip($0, $1)) }
      drawn.append(
        stride(from: 0, to: 9, by: 3).map { start in
          Dictionary(pairs[start..<start + 3].joined().map { ($0, $1) }) { first, _ in first }
        })
    }
    #expect(drawn[0] == drawn[1])
    let epochs = drawn[0]
    #expect(epochs.allSatisfy { $0.values.allSatisfy { (2...6).contains($0) } }, "one caption each")
    #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2])
    #expect(Set(epochs[0].values).count > 1, "a choice of its own for each image")
  }

  @Test("a batch's loss is the sum over its supervised tokens, divided by their number")
  func denominator() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let objective = tiny.objective()
    let draw = RandomKey(seed: 0)
    // Captions of 1…5 tokens, each with its end token.
    #expect(objective.units(of: 3, draw: draw) == 1 + 2 + 3 + 4 + 5 + 5)
    var sum = 0.0
    for sample in [7, 2, 5] {
      let context = Context(tape: Tape(pool: BufferPool(), recordsGradients: false))
      sum += try objective.loss(of: [sample], draw: draw, scale: 1, in: context).value
    }
    tiny.projector.setTrainable(true)
    for count in [1, 2, 4] {
      let loss = try objective.gradients(
        of: [7, 2, 5], for: tiny.projector.parameters, draw: draw, update: draw,
        lanes: Lanes(count: count, threads: 2))
      #expect(abs(loss - sum / 60) < 1e-5 * loss, "\(count) lanes")
    }
  }

  @Test("the log has one record an update and one an epoch")
  func log() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let summary = try tiny.train(tiny.objective())
    let records = try TrainingRecord.read(tiny.folder.appending(path: "log.jsonl"))
    #expect(records == summary.records)
    #expect(records.filter { $0.loss != nil }.map(\.update) == Array(1...9))
    let epochs = records.filter { $0.validationLoss != nil }
    #expect(epochs.map(\.epoch) == [0, 1, 2] && epochs.map(\.update) == [3, 6, 9])
    #expect(records.count == 12)
  }

  @Test("maximumUpdates ends a stage early", arguments: [1, 3, 5, 100])
  func maximumUpdates(limit: Int) throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let records = try tiny.train(tiny.objective(), maximumUpdates: limit).records
    #expect(records.compactMap(\.loss).count == min(limit, 9))
    #expect(records.compactMap(\.validationLoss).count == (min(limit, 9) + 2) / 3)
  }

  @Test("the best weights by validation are kept, loaded back and exported under LLaVA's names")
  func best() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let validation = Scripted(
      tiny.objective([TinyTraining.samples[0]]), factors: [3, 1, 2])
    var afterEpochs: [[[Float]]] = []
    let summary = try tiny.train(tiny.objective(), validation: validation) { progress in
      if progress.validationLoss != nil { afterEpochs.append(tiny.weights) }
    }
    #expect(summary.bestEpoch == 1)
    #expect(afterEpochs.count == 3 && tiny.weights == afterEpochs[1])
    #expect(afterEpochs[1] != afterEpochs[2])
    let file = try SafetensorsFile(tiny.best)
    let names = ["0.weight", "0.bias", "2.weight", "2.bias"].map { "mm_projector." + $0 }
    for (name, parameter) in zip(names, tiny.projector.parameters) {
      #expect(file.info(name)?.shape == parameter.shape, "\(name)")
    }
  }

  @Test("frozen weights stay as they were and have no gradient buffers")
  func frozen() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let (before, start) = (tiny.model.parameters.map(\.values), tiny.weights)
    let bytes = tiny.model.parameters.first?.store.allocatedBytes
    _ = try tiny.train(tiny.objective()) { _ in
      #expect(tiny.model.parameters.allSatisfy { !$0.isTrainable })
      #expect(tiny.projector.parameters.allSatisfy { $0.isTrainable })
    }
    #expect(tiny.model.parameters.map(\.values) == before)
    #expect(tiny.model.parameters.first?.store.allocatedBytes == bytes)
    #expect(tiny.weights != start)
    #expect(tiny.projector.parameters.allSatisfy { !$0.isTrainable }, "frozen again at the end")
  }

  @Test("stopped after any update, or in validation, it goes on with the same bits")
  func stops() throws {
    let whole = try TinyTraining()
    defer { whole.remove() }
    let expected = try whole.train(whole.objective(), threads: 1)
    let best = try Data(contentsOf: whole.best)
    for update in 1...9 {
      for inValidation in update % 3 == 0 ? [false, true] : [false] {
        let first = try TinyTraining()
        defer { first.remove() }
        let stop = StopSignal()
        // Three groups of images an epoch; the first of them stops it.
        let validation = Scripted(first.objective(), factors: []) { group in
          if inValidation, group == update - 2 { stop.request() }
        }
        #expect(throws: TrainingStopped.self) {
          try first.train(first.objective(), validation: validation, threads: 1, stop: stop) {
            if !inValidation, $0.update == update { stop.request() }
          }
        }
        // Fresh weights, as a new process has them.
        let second = try TinyTraining()
        try? FileManager.default.removeItem(at: second.folder)
        try FileManager.default.moveItem(at: first.folder, to: second.folder)
        defer { second.remove() }
        let summary = try second.train(second.objective())
        #expect(summary.bestValidationLoss == expected.bestValidationLoss)
        #expect(summary.records.map(\.loss) == expected.records.map(\.loss))
        #expect(try Data(contentsOf: second.best) == best, "update \(update)")
        #expect(second.weights == whole.weights)
      }
    }
  }

  @Test("the best weights of two stages are the best of the last one")
  func bestOfLastStage() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    func stage(_ name: String, factors: [Float]) -> Stage {
      var optimizer = OptimizerConfig()
      optimizer.peakLearningRate = 0.05
      return Stage(
        name: name, objective: tiny.objective(), parameters: tiny.projector.parameters, epochs: 2,
        batchSize: 4, optimizer: optimizer,
        validation: Scripted(tiny.objective([TinyTraining.samples[0]]), factors: factors))
    }
    var afterEpochs: [[[Float]]] = []
    let summary = try StageTrainer(
      stages: [stage("first", factors: [0.01, 0.02]), stage("second", factors: [1, 3])],
      lanes: Lanes(count: 3, threads: 2), order: RandomKey(seed: 5).named("order"),
      folder: tiny.folder, digest: "a", stop: StopSignal()
    ) { progress in
      if progress.validationLoss != nil { afterEpochs.append(tiny.weights) }
    }.run()
    #expect(summary.bestEpoch == 0 && afterEpochs.count == 4)
    #expect(tiny.weights == afterEpochs[2])
    #expect(summary.bestValidationLoss == summary.records.compactMap(\.validationLoss)[2])
  }

  @Test("going on with other kernels says that the last bits will differ")
  func otherKernel() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    func train(stoppingAt update: Int?) throws -> [String] {
      let stop = StopSignal()
      var notes: [String] = []
      do {
        _ = try tiny.train(tiny.objective(), stop: stop) {
          if $0.update == update { stop.request() }
        } note: {
          notes.append($0)
        }
      } catch is TrainingStopped {}
      return notes
    }
    #expect(try train(stoppingAt: 2) == [])
    #expect(try train(stoppingAt: 4) == [], "the same kernel")
    let url = tiny.folder.appending(path: "checkpoint/last.safetensors")
    let kernel = "\(ProductInformation.float32), \(KernelInformation.instructionSet)"
    let other = String(repeating: "x", count: kernel.count)
    var file = try Data(contentsOf: url)
    let place = try #require(file.firstRange(of: Data(kernel.utf8)))
    file.replaceSubrange(place, with: Data(other.utf8))
    try file.write(to: url)
    let notes = try train(stoppingAt: nil)
    #expect(notes.count == 1 && notes.first?.contains("kernels are \(other), here") == true)
  }

  @Test("a loss that is no number ends the training with what to do")
  func diverged() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let validation = Scripted(
      tiny.objective([TinyTraining.samples[0]]), factors: [1, .nan])
    let error = #expect(throws: TrainingDiverged.self) {
      try tiny.train(tiny.objective(), validation: validation)
    }
    #expect(
      error?.description
        == "the training of tiny diverged: the validation loss is nan at update 6. "
        + "Lower peak_learning_rate, or clip the gradient's norm lower")
  }

  @Test("a checkpoint of another configuration is refused")
  func otherDigest() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    _ = try tiny.train(tiny.objective())
    let best = try Data(contentsOf: tiny.best)
    #expect(throws: CheckpointError.self) { try tiny.train(tiny.objective(), digest: "b") }
    #expect(try StageTrainer.found(in: tiny.folder, digest: "b") == .foreign)
    #expect(try StageTrainer.found(in: tiny.folder, digest: "a") == .own)
    #expect(try Data(contentsOf: tiny.best) == best)
  }
}
