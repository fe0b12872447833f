import Configuration
import Encoders
import LanguageModels
import Layers
import Tensors
import Training

extension ExperimentConfig {
  /// Of the products of the language model's weights. What trains in any stage, and a model that the run makes,
  /// computes in float32 throughout.
  var languageModelCompute: ComputePrecision {
    guard !training.trains(.languageModel), let settings = languageModel.pretrained else {
      return .float32
    }
    return settings.compute ?? training.precision
  }

  /// The same of the encoder's.
  var encoderCompute: ComputePrecision {
    guard !training.trains(.encoder), let settings = encoder.pretrained else { return .float32 }
    return settings.compute ?? training.precision
  }

  /// A part that is told to compute in bfloat16 and trains.
  var precisionProblems: [SectionProblem] {
    var problems: [SectionProblem] = []
    func refuse(_ section: String, _ key: String) {
      problems.append(
        SectionProblem(
          section,
          "\(key): bfloat16 is for weights that stay as they are, but a stage trains them; leave it "
            + "out, or take the part out of training.stages.*.train"))
    }
    if languageModel.pretrained?.compute == .bfloat16, training.trains(.languageModel) {
      refuse("language_model", "compute")
    }
    if encoder.pretrained?.compute == .bfloat16, training.trains(.encoder) {
      refuse("encoder", "compute")
    }
    return problems
  }

  /// What a table says of it; nil where all products are of float32.
  var precisionRemark: String? {
    var parts: [String] = []
    if languageModelCompute == .bfloat16 { parts.append("language model") }
    if encoderCompute == .bfloat16 { parts.append("encoder") }
    if parts.isEmpty {
      return training.precision == .bfloat16
        ? "Precision: bfloat16 was asked for, but no weights of a model folder stay frozen; everything "
          + "is float32."
        : nil
    }
    return
      "Precision: products of the frozen weights of the \(parts.joined(separator: " and the ")) "
      + "take bfloat16 inputs and float32 sums; everything else is float32."
  }
}
