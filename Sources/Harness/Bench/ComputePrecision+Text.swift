import Tensors

extension ComputePrecision {
  /// What products with inputs in this format run on here.
  var productsText: String {
    switch self {
    case .float32: ProductInformation.float32
    case .bfloat16: "bfloat16 by \(ProductInformation.bfloat16); \(ProductInformation.float32)"
    }
  }
}

/// As the command line names it.
public typealias Precision = ComputePrecision
