import Encoders
import Layers
import Tensors
import Testing

/// Encoders as shapes: what a plan counts.
@Suite("Encoders in a store of shapes")
struct EncoderShapeTests {
  @Test("ViT-Large with its pooler has the published number of weights")
  func parameters() throws {
    var description = ViTModel.defaults
    (description.hiddenSize, description.hiddenLayers) = (1024, 24)
    (description.attentionHeads, description.intermediateSize) = (16, 4096)
    let whole = try ViTModel(description, in: .shapes)
    // By hand: patches 768·1024 + 1024, class token 1024, 197 positions; 24 layers of attention
    // 4·(1024² + 1024), FFN 2·1024·4096 + 5120, two norms; a norm; a pooler 1024² + 1024.
    let layer = 4 * (1024 * 1024 + 1024) + 2 * 1024 * 4096 + 5120 + 4 * 1024
    let body = 769 * 1024 + 1024 + 197 * 1024 + 24 * layer + 2048
    #expect(whole.parameterCount == body + 1_049_600)
    #expect(whole.parameterCount == 304_351_232)
    #expect(try ViTModel(description, pooler: false, in: .shapes).parameterCount == body)
  }

  @Test("FLOPs are two a weight and row, and four a pair of rows and column")
  func flops() throws {
    let rows = 197
    let vit = try ViTModel(ViTModel.defaults, in: .shapes)
    let products = 12 * (4 * 768 * 768 + 2 * 768 * 3072) * rows + 768 * 768 * 196
    #expect(
      vit.forwardFLOPs(height: 224, width: 224)
        == Double(2 * products + 12 * 4 * rows * rows * 768))
    #expect(vit.forwardFLOPs(height: 224, width: 224, depth: 0) == Double(2 * 768 * 768 * 196))
    // SigLIP has no class token, DINOv2 patches of 14 pixels.
    let siglip = try SiglipVisionModel(SiglipVisionModel.defaults, in: .shapes)
    let perRow = 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 768 * 768
    #expect(
      siglip.forwardFLOPs(height: 224, width: 224)
        == Double(2 * perRow * 196 + 12 * 4 * 196 * 196 * 768))
    let dinov2 = try Dinov2Model(Dinov2Description(), in: .shapes)
    let first = 2 * 3 * 14 * 14 * 768 * 256
    #expect(dinov2.forwardFLOPs(height: 224, width: 224, depth: 0) == Double(first))
    #expect(
      dinov2.forwardFLOPs(height: 224, width: 224, depth: 1)
        == Double(first + 257 * 2 * 12 * 768 * 768 + 4 * 257 * 257 * 768))
  }
}
