import Configuration
import Datasets
import Encoders
import Harness
import LanguageModels
import Layers
import Projectors
import Testing
import Training

/// The example of DESIGN §3, as a file would have it.
let designExample = """
  # yaml-language-server: $schema=./experiment.schema.json
  experiment: flickr8k-three-projectors
  dataset:        { kind: flickr8k, root: "${DATA}/flickr8k-1000", split: {train: 800, validation: 100, test: 100, seed: 0}, captions_per_image: 5 }
  encoder:        { kind: dinov2, model: "${MODELS}/dinov2-small-saliency", layer: last, class_token: false }
  language_model: { kind: llama, model: "${MODELS}/smollm2-135m-instruct", prompt: "" }
  projectors:
    mlp:          { kind: mlp }
    qformer:      { kind: qformer, layers: 12, queries: 32, optimizer: {peak_learning_rate: 1.0e-4} }
    perceiver:    { kind: perceiver, layers: 2, latents: 64, optimizer: {peak_learning_rate: 3.0e-4} }
  training:       { stages: [ {train: [projector], data: captions, epochs: 4, batch_size: 32, optimizer: {weight_decay: 0.05}} ], seeds: [0], lanes: 8 }
  evaluation:     { decode: {strategy: greedy, max_new_tokens: 30}, metrics: [cider_d, meteor, bleu, rouge_l], controls: [untrained, learned_prompt, shuffled] }
  figures:        { heatmaps: {images: 6, weighting: [attention, gradient]} }
  """

let exampleEnvironment = ["DATA": "/data", "MODELS": "/models"]

func decode(_ text: String) throws -> ExperimentConfig {
  try ExperimentConfig.decode(
    YAMLReader.node(from: text, file: "test.yaml"), folder: "/somewhere/Experiments",
    environment: exampleEnvironment)
}

@Suite("Experiment files")
struct ExperimentConfigTests {
  @Test("the design's example decodes into the values it says")
  func designExampleDecodes() throws {
    let config = try decode(designExample)
    #expect(config.experiment == "flickr8k-three-projectors")
    let dataset = try #require(config.dataset.settings as? Flickr8kConfig)
    guard case .pretrained(let kind, let encoder) = config.encoder,
      case .pretrained(.llama, let model) = config.languageModel
    else {
      Issue.record("wrong kinds")
      return
    }
    #expect(kind.name == "dinov2")
    #expect(dataset.root.path == "/data/flickr8k-1000")
    #expect(dataset.root.written == "${DATA}/flickr8k-1000")
    #expect(dataset.split?.train == 800 && dataset.split?.test == 100)
    #expect(encoder.model.written == "${MODELS}/dinov2-small-saliency")
    #expect(encoder.layer == .last)
    #expect(model.prompt.isEmpty)
    #expect(config.projectors.names == ["mlp", "qformer", "perceiver"])
    let qformer = try #require(
      config.projectors["qformer"]?.projector.settings as? QFormerConfig)
    #expect(qformer.layers == 12 && qformer.queries == 32)
    #expect(config.training.stages.count == 1)
  }

  @Test("an arm's optimizer overrides the stage's key by key")
  func armOverridesStage() throws {
    let config = try decode(designExample)
    let stage = try #require(config.training.stages.first)
    let qformer = try #require(config.projectors["qformer"]).optimizer(in: stage)
    let mlp = try #require(config.projectors["mlp"]).optimizer(in: stage)
    #expect(qformer.peakLearningRate == 1e-4)
    #expect(qformer.weightDecay == 0.05)
    #expect(mlp.peakLearningRate == 1e-3)
    #expect(mlp.weightDecay == 0.05)
  }
}
