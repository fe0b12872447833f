import Datasets
import Layers
import Tensors
import Testing

@testable import Training

struct AugmentationSettingTests {
  static func config(_ change: (inout TrainingConfig) -> Void) -> TrainingConfig {
    var config = TrainingConfig()
    config.stages = [StageConfig(), StageConfig()]
    config.stages[1].augmentation = Augmentation()
    change(&config)
    return config
  }

  @Test("an augmentation of stored features is refused and told why; live ones take it")
  func refusal() {
    let problems = Self.config { _ in }.problems
    #expect(problems.count == 1)
    let text = problems.map { "\($0)" }.joined()
    for words in ["stage 2", "computed once", "training.features: live"] {
      #expect(text.contains(words), "\(text)")
    }
    #expect(Self.config { $0.features = .live }.problems.isEmpty)
    #expect(Self.config { $0.stages[0].train = [.projector, .encoder] }.problems.isEmpty)
    #expect(TrainingConfig().problems.isEmpty)
  }

  @Test("patches that are not computed from images can't be augmented")
  func stored() {
    #expect(TinyTraining.Features().augmented(Augmentation()) == nil)
  }

  @Test("every setting of a stage's augmentation is part of what is kept of it")
  func resolved() {
    let changes: [(inout Augmentation) -> Void] = [
      { $0.brightness = 0.1 }, { $0.contrast = 0.1 }, { $0.saturation = 0.1 }, { $0.hue = 0.1 },
      { $0.rotation = 5 }, { _ in },
    ]
    #expect(changes.count == Augmentation.fields.count + 1)
    var texts = changes.map { change -> String in
      var stage = StageConfig()
      var augmentation = Augmentation()
      change(&augmentation)
      stage.augmentation = augmentation
      return stage.resolved.yaml
    }
    texts.append(StageConfig().resolved.yaml)
    #expect(Set(texts).count == texts.count)
  }
}
