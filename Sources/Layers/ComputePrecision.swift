import Configuration
import Tensors

extension ComputePrecision: ConfigChoice {}
