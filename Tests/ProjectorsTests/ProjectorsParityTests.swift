import Layers
import Projectors
import Storage
import Tensors
import Testing

/// Against PyTorch: `projectors/*`, whose READMEs give the mathematics and the tolerances.
@Suite struct ProjectorsParityTests {
  /// Runs a fixture forward and backward and hands over all there is to compare.
  private func run(
    _ fixture: ProjectorFixture,
    _ check: (any Projector, SafetensorsFile, Tape, Tensor, Tensor, Captures) throws -> Void
  ) throws {
    let store = ParameterStore()
    let projector = try fixture.projector(store)
    let io = try fixture.io()
    let shape = try #require(io.info("input")?.shape)
    projector.setTrainable(true)
    let (tape, captures) = (Tape(), Captures())
    tape.captures = captures
    let input = tape.tensor(
      try io.floats("input"), rows: shape[0] * shape[1], width: shape[2], needsGradient: true)
    let grids = Array(
      repeating: try fixture.config().patchGrid(tokens: shape[1]), count: shape[0])
    let output = projector(
      Patches(input, grids: grids), in: Context(tape: tape, mode: .training))
    try check(projector, io, tape, input, output.tensor, captures)
  }

  @Test(arguments: ProjectorFixture.all) func outputsAreEqual(fixture: ProjectorFixture) throws {
    try run(fixture) { projector, io, tape, input, output, _ in
      let shape = try #require(io.info("output")?.shape)
      #expect(output.shape == [shape[0] * shape[1], shape[2]])
      let grid = try fixture.config().patchGrid(tokens: input.rows / shape[0])
      #expect(projector.visualTokens(of: grid) == shape[1], "visual tokens")
      expectClose(
        tape.values(output), try io.floats("output"), absolute: 1e-5, relative: 1e-4, "output")
      let loss = tape.dot(output, probe: try io.floats("grad_probe"))
      let expected = try io.floats("loss")[0]
      #expect(abs(Float(loss.value) - expected) <= 1e-4 + 1e-4 * abs(expected))
    }
  }

  @Test(arguments: ProjectorFixture.all) func gradientsAreEqual(fixture: ProjectorFixture) throws {
    try run(fixture) { projector, io, tape, input, output, _ in
      let loss = tape.dot(output, probe: try io.floats("grad_probe"))
      tape.backward(from: loss.tensor)
      tape.collectWeightGradients(for: projector.parameters)
      expectClose(
        tape.gradient(of: input), try io.floats("grad.input"), absolute: 5e-5, relative: 1e-3,
        "input")
      for parameter in projector.parameters {
        expectClose(
          parameter.gradient, try io.floats("grad.\(parameter.name)"), absolute: 5e-5,
          relative: 1e-3, parameter.name)
      }
    }
  }

  @Test(arguments: ProjectorFixture.all)
  func attentionAndItsGradientsAreEqual(fixture: ProjectorFixture) throws {
    try run(fixture) { projector, io, tape, _, output, captures in
      let loss = tape.dot(output, probe: try io.floats("grad_probe"))
      tape.backward(from: loss.tensor)
      let prefix = "attn_probs."
      let names = io.names.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
      #expect(Set(names.map(String.init)) == Set(captures.attention.keys))
      for name in names {
        let blocks = try #require(captures.attention[String(name)])
        expectClose(
          blocks.flatMap(\.probabilities), try io.floats("attn_probs.\(name)"), absolute: 1e-5,
          relative: 1e-4, "probabilities of \(name)")
        expectClose(
          blocks.flatMap(\.gradients), try io.floats("attn_grad.\(name)"), absolute: 5e-5,
          relative: 1e-3, "gradients of \(name)")
        expectClose(
          blocks.flatMap(\.gradientWeighted), try io.floats("attn_gradweighted.\(name)"),
          absolute: 5e-5, relative: 1e-3, "gradient-weighted \(name)")
      }
      for map in projector.attentionMaps {
        let shape = try #require(io.info("attn_probs.\(map.name)")?.shape)
        #expect(
          shape[2] == projector.visualTokens(of: .sequence(0)), "\(map.name): learned queries")
      }
    }
  }

  @Test(arguments: ProjectorFixture.all) func parametersHaveTheFixturesNames(
    fixture: ProjectorFixture
  ) throws {
    let projector = try fixture.projector(ParameterStore())
    #expect(Set(projector.parameters.map(\.name)) == (try fixture.weightNames()))
    #expect(projector.parameters.count == (try fixture.weightNames().count))
  }

  /// `unshuffled` and `pooled` are what the pool alone makes.
  @Test(arguments: ProjectorFixture.all.filter { (try? $0.config().factor) != nil })
  func poolsAreEqual(fixture: ProjectorFixture) throws {
    let (config, io) = (try fixture.config(), try fixture.io())
    let shape = try #require(io.info("input")?.shape)
    let block = try #require(config.factor?.size)
    let tape = Tape(recordsGradients: false)
    let input = tape.tensor(
      try io.floats("input"), rows: shape[0] * shape[1], width: shape[2])
    let patches = Patches(
      input, grids: Array(repeating: config.patchGrid(tokens: shape[1]), count: shape[0]))
    let kind: PatchPool.Kind = config.type == "average_pool_mlp" ? .average : .unshuffle
    let pooled = PatchPool(kind, block: block)(patches, in: Context(tape: tape))
    expectClose(
      tape.values(pooled.tensor), try io.floats(kind == .average ? "pooled" : "unshuffled"),
      absolute: kind == .average ? 1e-6 : 0, relative: 0, "pool")
  }

  @Test func everyKindHasAFixture() {
    #expect(ProjectorFixture.all.count >= 11)
  }
}
