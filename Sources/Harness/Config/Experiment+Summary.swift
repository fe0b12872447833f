import Configuration
import Datasets
import Encoders
import LanguageModels
import Training

extension Experiment {
  /// What would run, a few lines for people; it ends with a newline.
  public var summary: String {
    var rows: [(String, [String])] = [
      ("dataset", [config.dataset.summary]),
      ("encoder", [config.encoder.kind + Self.suffix(config.encoder.modelText)]),
      ("language model", [config.languageModel.kind + Self.suffix(config.languageModel.modelText)]),
      ("arms", armTexts),
      ("training", stageTexts),
      ("seeds", [Self.list(config.training.seeds)]),
      ("metrics", [Self.list(config.evaluation.metrics.map(\.rawValue))]),
    ]
    let controls = config.evaluation.controls.map(\.rawValue)
    rows.append(("controls", [controls.isEmpty ? "none" : Self.list(controls)]))
    if let search = config.search {
      rows.append(
        (
          "search",
          search.settings.map { "\($0.key): " + Self.list($0.value.map(\.inlineText)) } + [
            "\(search.images) images, \(search.epochs) epochs a trial"
          ]
        ))
    }
    if !overrides.isEmpty { rows.append(("changes", overrides)) }
    if points.count > 1 { rows.append(("sweep", points.map(\.label))) }
    let lines = rows.flatMap { label, texts in
      texts.enumerated().map { index, text in
        "  " + Self.padded(index == 0 ? label : "", to: 16) + text
      }
    }
    return "\(file): valid: \(config.experiment)\n" + lines.joined(separator: "\n") + "\n"
  }

  private var armTexts: [String] {
    let width = config.projectors.names.map(\.count).max() ?? 0
    return config.projectors.map { arm in
      let rates = config.training.stages.map {
        ConfigNumber.text(arm.section.optimizer(in: $0).peakLearningRate)
      }
      return Self.padded(arm.name, to: width + 2) + "\(arm.section.projector.kind), "
        + "peak learning rate \(Self.list(rates))"
    }
  }

  private var stageTexts: [String] {
    config.training.stages.map { stage in
      "\(Self.list(stage.train.map(\.rawValue))) on \(stage.data.rawValue): "
        + "\(stage.epochs) \(stage.epochs == 1 ? "epoch" : "epochs"), batch \(stage.batchSize)"
    }
  }

  private static func suffix(_ model: String?) -> String { model.map { ": \($0)" } ?? "" }

  private static func list(_ values: [some CustomStringConvertible]) -> String {
    values.map(\.description).joined(separator: ", ")
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

extension EncoderConfig {
  fileprivate var modelText: String? {
    switch self {
    case .pretrained(_, let config): config.model.written
    case .small, .patches: nil
    case .precomputed(let config): config.file.written
    }
  }
}

extension LanguageModelConfig {
  fileprivate var modelText: String? { pretrained?.model.written }
}
