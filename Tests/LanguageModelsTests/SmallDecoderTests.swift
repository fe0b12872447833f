import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

/// The small decoder's second form, against `torch.nn.TransformerEncoderLayer` under a causal mask.
@Suite struct PostNormDecoderParityTests {
  private struct File: Decodable {
    struct Sample: Decodable {
      let visualRows: Int
      let ids: Int
      let supervised: Int
    }

    let vocabSize: Int
    let width: Int
    let heads: Int
    let layers: Int
    let ffn: Int
    let maxPositions: Int
    let samples: [Sample]
  }

  private struct Fixture {
    let file: File
    let model: SmallDecoder
    let io: SafetensorsFile

    init() throws {
      let folder = Fixtures.folder("postnorm-decoder")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      file = try decoder.decode(
        File.self, from: Data(contentsOf: folder.appending(path: "config.json")))
      io = try SafetensorsFile(folder.appending(path: "io.safetensors"))
      let weights = try SafetensorsFile(folder.appending(path: "model.safetensors"))
      var config = SmallDecoderConfig()
      (config.width, config.heads, config.layers) = (file.width, file.heads, file.layers)
      config.ffnMultiplier = file.ffn / file.width
      config.maximumPositions = file.maxPositions
      config.positions = .learned
      config.norm = .postLayer
      config.ffn = .relu
      config.bias = true
      config.head = .linear
      model = try SmallDecoder(
        config, vocabularySize: file.vocabSize,
        in: ParameterScope(store: ParameterStore()) { name, shape, values in
          let (theirs, third) = Self.place(of: name)
          let all = try weights.floats(theirs)
          let start = (third ?? 0) * values.count
          #expect(all.count == values.count * (third == nil ? 1 : 3), "\(name)")
          _ = values.update(fromContentsOf: all[start..<start + values.count])
        })
    }

    /// Where a weight of ours lies in PyTorch's: queries, keys and values are thirds of one.
    static func place(of name: String) -> (name: String, third: Int?) {
      let parts = name.split(separator: ".").map(String.init)
      let kind = parts[parts.count - 1]
      switch parts[0] == "lm_head" ? "head" : parts[1] {
      case "head": return ("head.\(kind)", nil)
      case "embed_tokens": return ("embed.weight", nil)
      case "positions": return ("positions.weight", nil)
      default:
        let layer = "layers.\(parts[2])."
        switch parts[parts.count - 2] {
        case "q_proj": return ("\(layer)self_attn.in_proj_\(kind)", 0)
        case "k_proj": return ("\(layer)self_attn.in_proj_\(kind)", 1)
        case "v_proj": return ("\(layer)self_attn.in_proj_\(kind)", 2)
        case "o_proj": return ("\(layer)self_attn.out_proj.\(kind)", nil)
        case "up_proj": return ("\(layer)linear1.\(kind)", nil)
        case "down_proj": return ("\(layer)linear2.\(kind)", nil)
        case "input_layernorm": return ("\(layer)norm1.\(kind)", nil)
        default: return ("\(layer)norm2.\(kind)", nil)
        }
      }
    }

    func visual(_ sample: Int) throws -> [Float] {
      file.samples[sample].visualRows > 0 ? try io.floats("sample\(sample).visual") : []
    }

    /// A sample's ids as pieces: its labels say which are taught.
    func sample(_ index: Int) throws -> SequenceSample {
      let rows = file.samples[index].visualRows
      let ids = try io.int64s("sample\(index).ids").map { Int32($0) }
      let labels = try io.int64s("sample\(index).labels").dropFirst(rows)
      let pieces = zip(ids, labels).map { id, label -> SequencePiece in
        label >= 0 ? .answer([id], isWhole: false) : .text([id])
      }
      return SequenceSample(
        media: rows > 0 ? [index] : [], prefix: rows > 0 ? [.visual(0)] : [], branches: [pieces])
    }
  }

  @Test func layerOutputsAndLogitsEqualPyTorch() throws {
    let fixture = try Fixture()
    let model = fixture.model
    for index in fixture.file.samples.indices {
      let tape = Tape(recordsGradients: false)
      let context = Context(tape: tape)
      let ids = try fixture.io.int64s("sample\(index).ids").map { Int32($0) }
      let rows = fixture.file.samples[index].visualRows
      let input = tape.join(
        [
          tape.tensor(try fixture.visual(index), rows: rows, width: model.width),
          model.embed(ids, in: context),
        ],
        runs: [RowRun(source: 0, rows: 0..<rows), RowRun(source: 1, rows: 0..<ids.count)])
      let positions = (0..<Int32(input.rows)).map { $0 }
      let layout = AttentionLayout.causal(Segments(lengths: [input.rows]))
      let table = try #require(model.positionTable)
      var hidden = tape.add(input, tape.embedding(table, ids: positions))
      let pass = SmallDecoderPass(
        positions: positions, layout: layout, outputRows: nil, rotary: nil, cache: nil)
      for (layer, module) in model.layers.enumerated() {
        hidden = module(hidden, layer: layer, pass: pass, in: context)
        let expected = try fixture.io.floats("sample\(index).layer_out.\(layer)")
        #expect(excess(tape.values(hidden), over: expected, absolute: 5e-5, relative: 1e-4) <= 0)
      }
      let whole = model.hidden(input, positions: positions, layout: layout, in: context)
      let logits = tape.values(model.logits(whole, in: context))
      let expected = try fixture.io.floats("sample\(index).logits")
      #expect(excess(logits, over: expected, absolute: 5e-5, relative: 1e-4) <= 0)
    }
  }

  @Test func lossLikelihoodsAndEveryGradientEqualPyTorch() throws {
    let fixture = try Fixture()
    let (model, io) = (fixture.model, fixture.io)
    model.setTrainable(true)
    let samples = try fixture.file.samples.indices.map(fixture.sample)
    let count = samples.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) }
    #expect(count == fixture.file.samples.reduce(0) { $0 + $1.supervised })
    let lengths = fixture.file.samples.map(\.visualRows).filter { $0 > 0 }
    let batch = SequenceBatch(samples, visualTokens: lengths, end: 0)
    let tape = Tape()
    let context = Context(tape: tape)
    let visual = tape.tensor(
      try samples.indices.flatMap(fixture.visual), rows: lengths.reduce(0, +), width: model.width,
      needsGradient: true)
    let likelihoods = model.logLikelihoods(visual: visual, batch, in: context)
    for index in samples.indices {
      let expected = Double(try io.floats("sample\(index).nll")[0])
      #expect(abs(-likelihoods[index][0].logLikelihood - expected) < 1e-4)
    }
    let loss = model.answerLoss(
      visual: visual, batch, scale: 1 / Float(count), in: context)
    #expect(abs(loss.value - Double(try io.floats("loss")[0])) < 1e-5)
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    let expectedVisual = try samples.indices.filter { !samples[$0].media.isEmpty }.flatMap {
      try io.floats("grad.sample\($0).visual")
    }
    #expect(
      excess(tape.gradient(of: visual), over: expectedVisual, absolute: 2e-5, relative: 1e-3) <= 0)
    var compared: Set<String> = []
    for parameter in model.parameters {
      let (name, third) = Fixture.place(of: parameter.name)
      let all = try io.floats("grad." + name)
      let start = (third ?? 0) * parameter.count
      #expect(
        excess(
          parameter.gradient, over: Array(all[start..<start + parameter.count]), absolute: 2e-5,
          relative: 1e-3) <= 0, "\(parameter.name)")
      compared.insert("grad." + name)
    }
    let given = io.names.filter { $0.hasPrefix("grad.") && !$0.hasSuffix(".visual") }
    #expect(compared == Set(given))
  }
}

@Suite struct SmallDecoderTests {
  /// Every choice at least once.
  static let forms: [SmallDecoderConfig] = SmallDecoderConfig.Norm.allCases.flatMap { norm in
    SmallDecoderConfig.Positions.allCases.flatMap { positions in
      SmallDecoderConfig.FFN.allCases.map { ffn in
        var config = SmallDecoderConfig()
        (config.width, config.heads, config.layers) = (32, 4, 3)
        (config.norm, config.positions, config.ffn) = (norm, positions, ffn)
        config.bias = norm == .postLayer
        config.head = ffn == .relu ? .linear : .tied
        config.maximumPositions = 40
        return config
      }
    }
  }

  private func model(_ config: SmallDecoderConfig, seed: UInt64 = 3) throws -> SmallDecoder {
    let model = try SmallDecoder(
      config, vocabularySize: 24,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: seed)))
    // Away from the small start values, so that every weight counts.
    for (index, parameter) in model.parameters.enumerated() where parameter.shape.count > 1 {
      var stream = RandomKey(seed: 9).numbered(index).stream
      parameter.assign(parameter.values.map { $0 + 0.2 * stream.normal() })
    }
    return model
  }

  private let sample = SequenceSample(
    media: [], prefix: [.text([3, 4, 5])], branches: [[.answer([6, 7])], [.answer([8, 9, 10])]])

  private func loss(
    of model: any LanguageModel, mode: Mode, random: RandomKey = RandomKey(seed: 1)
  ) -> (loss: Double, gradients: [[Float]]) {
    model.setTrainable(true)
    let tape = Tape()
    let loss = model.answerLoss(
      visual: nil, SequenceBatch([sample], visualTokens: [], end: 0), scale: 0.1,
      in: Context(tape: tape, mode: mode, random: random))
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    return (loss.value, model.parameters.map(\.gradient))
  }

  @Test func theDefaultsAreLlamasDecoderToTheBit() throws {
    let config = SmallDecoderConfig()
    let key = RandomKey(seed: 7)
    let small = try SmallDecoder(
      config, vocabularySize: 50, in: ParameterScope(store: ParameterStore(), random: key))
    let llama = try LlamaForCausalLM(
      .small(
        width: config.width, layers: config.layers, heads: config.heads,
        feedForwardWidth: config.width * config.ffnMultiplier, vocabularySize: 50),
      in: ParameterScope(store: ParameterStore(), random: key))
    #expect(small.parameters.map(\.name) == llama.parameters.map(\.name))
    #expect(small.parameters.map(\.values) == llama.parameters.map(\.values))
    #expect(small.maximumPositions == llama.maximumPositions)
    let (ours, theirs) = (loss(of: small, mode: .training), loss(of: llama, mode: .training))
    #expect(ours.loss == theirs.loss && ours.gradients == theirs.gradients)
    let batch = SequenceBatch([sample], visualTokens: [], end: 0)
    #expect(small.forwardFLOPs(batch.work) == llama.forwardFLOPs(batch.work))
    func generated(_ model: any LanguageModel) -> [[Int32]] {
      let context = Context(tape: Tape(recordsGradients: false))
      return Generator(model).generate(
        prefixes: model.prefixes(
          visual: nil, of: [SequenceSample(media: [], prefix: sample.prefix, branches: [])],
          in: context), maxNewTokens: 8, endTokens: [], in: context)
    }
    #expect(generated(small) == generated(llama))
  }

  @Test(arguments: forms)
  func cachedStepsGiveTheTokensOfTheWholeSequence(config: SmallDecoderConfig) throws {
    let model = try model(config)
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let start: [Int32] = [3, 4, 5, 6]
    let prefixes = Rows(model.embed(start, in: context), Segments(lengths: [4]))
    var steps: [[Float]] = []
    let ids = Generator(model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: 6, endTokens: [], in: context
    ) { steps.append(tape.row(0, of: $1)) }[0]
    let hidden = model.hidden(
      model.embed(start + ids, in: context), positions: (0..<10).map { $0 },
      layout: .causal(Segments(lengths: [10])), in: context)
    let logits = model.logits(hidden, in: context)
    for (step, ours) in steps.enumerated() {
      #expect(
        excess(ours, over: tape.row(3 + step, of: logits), absolute: 1e-4, relative: 1e-4) <= 0)
    }
  }

  @Test(arguments: forms) func aCopyGivesTheSame(config: SmallDecoderConfig) throws {
    let model = try model(config)
    let copy = try model.copied(prefix: "a.").copied(prefix: "b.")
    #expect(copy.parameters.map(\.name) == model.parameters.map { "b." + $0.name })
    #expect(loss(of: copy, mode: .evaluation) == loss(of: model, mode: .evaluation))
  }

  @Test(arguments: forms)
  func dropoutDiffersByUpdateAndIsOffInEvaluation(config: SmallDecoderConfig) throws {
    var dropping = config
    dropping.dropout = 0.3
    let (plain, model) = (try model(config), try model(dropping))
    #expect(loss(of: model, mode: .evaluation) == loss(of: plain, mode: .evaluation))
    let keys = (0..<3).map { RandomKey(seed: 5).numbered($0) }
    let losses = keys.map { loss(of: model, mode: .training, random: $0).loss }
    #expect(Set(losses + [loss(of: plain, mode: .training).loss]).count == 4)
    #expect(loss(of: model, mode: .training, random: keys[0]).loss == losses[0])
  }

  @Test(arguments: forms)
  func gradientsWithDropoutFollowTheLoss(config: SmallDecoderConfig) throws {
    var config = config
    config.dropout = 0.3
    let model = try model(config)
    let key = RandomKey(seed: 5)
    let gradients = loss(of: model, mode: .training, random: key).gradients
    for (parameter, gradient) in zip(model.parameters, gradients) {
      // Along the gradient the loss changes by its squared length.
      let squared = gradient.reduce(0) { $0 + Double($1) * Double($1) }
      // The keys' biases have none but for rounding.
      guard squared > 1e-10 else { continue }
      let before = parameter.values
      // Small, because a ReLU that changes sides on the way bends the loss.
      let step = 5e-4 / squared.squareRoot()
      func value(_ factor: Double) -> Double {
        parameter.assign(zip(before, gradient).map { $0 + Float(factor * step) * $1 })
        return loss(of: model, mode: .training, random: key).loss
      }
      let change = (value(1) - value(-1)) / 2
      parameter.assign(before)
      #expect(
        abs(change - step * squared) < 1e-6 + 0.02 * step * squared, "\(parameter.name)")
    }
  }

  @Test func rotaryPositionsNeedEvenHeads() {
    var config = SmallDecoderConfig()
    (config.width, config.heads) = (9, 3)
    #expect(config.problems.map(\.key) == ["heads"])
    config.positions = .learned
    #expect(config.problems.isEmpty)
  }
}
