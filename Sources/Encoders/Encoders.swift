// The module Encoders: see DESIGN in README.
