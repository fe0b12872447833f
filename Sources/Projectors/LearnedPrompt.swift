import Layers
import Tensors

/// A control: trained tokens that stand where visual tokens would and never see an image. What it
/// scores is what knowing the captions' style alone earns.
///
/// Shapes: B images of any patches → `[B·K, H]`, the same K rows for each.
public struct LearnedPrompt: Projector {
  /// Shape `[1, K, H]`.
  public let tokens: Parameter

  public var parameters: [Parameter] { [tokens] }

  /// - Parameters:
  ///   - tokens: K.
  ///   - languageWidth: H.
  public init(tokens: Int = 32, languageWidth: Int, in scope: ParameterScope) throws {
    self.tokens = try scope.parameter(
      "tokens", shape: [1, tokens, languageWidth], start: .normal(deviation: 0.02))
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    context.tape.repeated(tokens, times: patches.count)
  }

  public func visualTokens(of grid: PatchGrid) -> Int { tokens.shape[1] }
  public func flops(of grid: PatchGrid) -> Int { 0 }
  public var readsPatches: Bool { false }
}
