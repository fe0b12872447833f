// The module Metrics: see DESIGN in README.
