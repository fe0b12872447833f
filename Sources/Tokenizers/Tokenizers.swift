// The module Tokenizers: see DESIGN in README.
