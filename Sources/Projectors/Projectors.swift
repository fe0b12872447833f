// The module Projectors: see DESIGN in README.
