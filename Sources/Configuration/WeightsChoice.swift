/// Where a model's weights come from: `weights:` of an encoder or a language model.
public enum WeightsChoice: String, ConfigChoice {
  /// The model folder's safetensors.
  case pretrained
  /// Random numbers of the shapes that `config.json` gives: to try a true size for speed and memory.
  case random
}
