// The module Harness: see DESIGN in README.
