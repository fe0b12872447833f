// The module Datasets: see DESIGN in README.
