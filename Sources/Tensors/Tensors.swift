// The module Tensors: see DESIGN in README.
