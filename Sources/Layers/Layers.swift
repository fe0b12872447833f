// The module Layers: see DESIGN in README.
